"""Questions of several requests, answered together: a clip is encoded once, and no answer depends on its neighbours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from vqinsight.assessor.assessor import Assessor
from vqinsight.assessor.separate import divided, joined
from vqinsight.assessor.vision import EncodedClip
from vqinsight.results import Reply
from vqinsight.tasks.types import Question
from vqinsight.video.preprocess import ProcessedClip


@dataclass(frozen=True)
class Drawing:
    """How answers are drawn: as for ``Assessor.ask``, and the longest answer in tokens (``None``: the model's own)."""

    samples: int = 1
    temperature: float = 0.0
    seed: int = 0
    max_new_tokens: int | None = None


@dataclass(frozen=True)
class Job:
    """What one request asks.

    Attributes:
        clips: each encoded once.
        asked: chat messages, and which of ``clips`` their clips are.
        drawing: how the answers are drawn.
        counted: whether the tokens of the prompts are counted, which builds them once more.
    """

    clips: tuple[ProcessedClip, ...]
    asked: tuple[tuple[list[dict[str, Any]], tuple[int, ...]], ...]
    drawing: Drawing = Drawing()
    counted: bool = False


@dataclass(frozen=True)
class Completion:
    """A sampled answer: its text, its length in tokens, and whether the model ended it itself."""

    text: str
    tokens: int
    ended: bool


@dataclass(frozen=True)
class Answered:
    """The answers to a job: the encoded clips, the completions of each question, and the prompts' tokens if counted."""

    clips: tuple[EncodedClip, ...]
    completions: tuple[tuple[Completion, ...], ...]
    prompt_tokens: int = 0


def encode(assessor: Assessor, job: Job) -> tuple[EncodedClip, ...]:
    """The job's clips, each through the tower once.

    Raises:
        UsageError: a prompt is longer than the model takes; then nothing is encoded.
    """
    for messages, places in job.asked:
        assessor.check(messages, [job.clips[i] for i in places])
    return tuple(assessor.encode(clip) for clip in job.clips)


def complete(assessor: Assessor, jobs: Sequence[tuple[Job, tuple[EncodedClip, ...]]]) -> list[Answered]:
    """The answers to several jobs with their encoded clips; questions that are drawn alike share batches."""
    found: dict[int, list[list[list[int]]]] = {}
    for drawing in dict.fromkeys(job.drawing for job, _ in jobs):
        alike = [number for number, (job, _) in enumerate(jobs) if job.drawing == drawing]
        asked = [
            (messages, [clips[i] for i in places])
            for job, clips in (jobs[number] for number in alike)
            for messages, places in job.asked
        ]
        answers = iter(
            assessor.complete_ids(
                asked,
                samples=drawing.samples,
                temperature=drawing.temperature,
                seed=drawing.seed,
                max_new_tokens=drawing.max_new_tokens,
            )
        )
        for number in alike:
            found[number] = [next(answers) for _ in jobs[number][0].asked]
    return [_answered(assessor, job, clips, found[number]) for number, (job, clips) in enumerate(jobs)]


def _answered(assessor: Assessor, job: Job, clips: tuple[EncodedClip, ...], answers: list[list[list[int]]]) -> Answered:
    decode = assessor.loaded.tokenizer.decode
    completions = tuple(
        tuple(
            Completion(decode(ids, skip_special_tokens=True), len(ids), ids[-1] in assessor.stop_tokens) for ids in said
        )
        for said in answers
    )
    if not job.counted:
        return Answered(clips, completions)
    prompts = (assessor.build(messages, [clips[i] for i in places]) for messages, places in job.asked)
    return Answered(clips, completions, sum(len(prompt.ids) for prompt in prompts))


def questions_job(
    assessor: Assessor,
    clips: Sequence[ProcessedClip | Exception],
    asked: Sequence[tuple[Question, tuple[int, ...]]],
    drawing: Drawing,
) -> Job:
    """A job of questions whose places count all of ``clips``; those that are errors are left out of the job.

    A question is asked in its parts (``tasks.separate``).
    """
    readable = [i for i, clip in enumerate(clips) if isinstance(clip, ProcessedClip)]
    place = {i: number for number, i in enumerate(readable)}
    return Job(
        tuple(clip for clip in clips if isinstance(clip, ProcessedClip)),
        tuple(
            (assessor.prompt_set.messages(question), tuple(place[i] for i in places))
            for question, places in divided(assessor.prompt_set, asked)
        ),
        drawing,
    )


def replies(
    assessor: Assessor,
    clips: Sequence[ProcessedClip | Exception],
    asked: Sequence[tuple[Question, tuple[int, ...]]],
    answered: Answered,
) -> list[tuple[Reply, ...]]:
    """The completions of a job of questions, read; ``clips`` and ``asked`` as for ``questions_job``."""
    really = divided(assessor.prompt_set, asked)
    shown = [[clip for clip in (clips[i] for i in places) if isinstance(clip, ProcessedClip)] for _, places in really]
    said = [
        tuple(assessor.read(question, mine, completion.text) for completion in completions)
        for (question, _), mine, completions in zip(really, shown, answered.completions, strict=True)
    ]
    return joined(assessor.prompt_set, asked, said)
