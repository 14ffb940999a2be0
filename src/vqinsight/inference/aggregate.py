"""Records from replies: medians, spreads, verdicts, standings, and one line for each failure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from vqinsight.assessor.vision import EncodedClip
from vqinsight.errors import FailedClip, UnreadableVideo
from vqinsight.inference.batches import Answered
from vqinsight.results import (
    ClipComparison,
    ClipRanking,
    ClipScore,
    ClipVerdict,
    Provenance,
    Reply,
    Standing,
    Status,
)
from vqinsight.tasks.prompt_set import PromptSet
from vqinsight.tasks.types import Dimension, Question, TaskName
from vqinsight.video.preprocess import ProcessedClip
from vqinsight.video.record import ClipInput

if TYPE_CHECKING:
    from vqinsight.ranking.judge import Judgement


def score(
    path: str,
    prompt: str | None,
    task: TaskName | None,
    found: Answered | UnreadableVideo,
    prompt_set: PromptSet,
    provenance: Provenance,
) -> ClipScore:
    """The record of a clip that was asked about, or could not be read, or failed."""
    if isinstance(found, UnreadableVideo):
        return unscored(path, prompt, task, found, provenance)
    dimensions = prompt_set.dimensions(found.question)
    return scored(found.question, dimensions, found.replies, found.clip.input, provenance)


def unscored(
    path: str, prompt: str | None, task: TaskName | None, error: UnreadableVideo, provenance: Provenance
) -> ClipScore:
    """The record of a clip that could not be read, or failed."""
    return _no_score(
        path, prompt, task or ("generated" if prompt else "natural"), _status(error), str(error), provenance
    )


def scored(
    question: Question,
    dimensions: tuple[Dimension, ...],
    replies: tuple[Reply, ...],
    clip_input: ClipInput,
    provenance: Provenance,
) -> ClipScore:
    """The record of a scored clip: of each dimension the median over the samples that have it."""
    clip = question.clips[0]
    given = [(reply, reply.value) for reply in replies if isinstance(reply.value, dict)]
    columns = {d.key: np.array([value[d.key] for _, value in given if d.key in value]) for d in dimensions}
    lacking: dict[str, str] = {}
    if any(not column.size for column in columns.values()):
        from vqinsight.ranking.votes import (
            missing_dimension,
            missing_reasons,
        )  # where all are there they are not needed

        lacking = {key: missing_dimension(replies, key) for key, column in columns.items() if not column.size}
    if len(lacking) == len(columns):
        error = f"{clip.path}: the model gave no usable answer ({missing_reasons(replies)}). Try --samples 5, or "
        record = _no_score(clip.path, clip.prompt, question.task, "missing", error + "another model.", provenance)
        said = replies[0].reasoning
        return replace(
            record,
            missing_dimensions=lacking,
            dimensions=dimensions,
            reasoning=said,
            replies=replies,
            input=clip_input,
        )
    columns = {key: column for key, column in columns.items() if column.size}
    scores = {key: float(np.median(column)) for key, column in columns.items()}
    parts = [100 * (scores[d.key] - d.low) / (d.high - d.low) for d in dimensions if d.key in scores]
    spread = {key: float(np.subtract(*np.percentile(column, (90, 10))) / 2) for key, column in columns.items()}
    nearest = min(given, key=lambda each: _distance(each[1], scores))[0]
    return ClipScore(
        path=clip.path,
        prompt=clip.prompt,
        task=question.task,
        status="ok",
        error=None,
        scores=scores,
        missing_dimensions=lacking,
        overall=float(np.mean(parts)),
        overall_of=tuple(scores),
        spread=spread if len(replies) > 1 else None,
        dimensions=dimensions,
        reasoning=nearest.reasoning,
        replies=replies,
        input=clip_input,
        provenance=provenance,
    )


def _distance(value: dict[str, float], scores: dict[str, float]) -> tuple[int, float]:
    """How far a sample is from the medians: first by the dimensions it lacks, then by its values."""
    return len(scores.keys() - value.keys()), sum(abs(value[key] - scores[key]) for key in scores.keys() & value.keys())


def _no_score(
    path: str, prompt: str | None, task: TaskName, status: Status, error: str, provenance: Provenance
) -> ClipScore:
    return ClipScore(
        path=path,
        prompt=prompt,
        task=task,
        status=status,
        error=error,
        scores=None,
        missing_dimensions={},
        overall=None,
        overall_of=(),
        spread=None,
        dimensions=(),
        reasoning=None,
        replies=(),
        input=None,
        provenance=provenance,
    )


def comparison(
    a: EncodedClip, b: EncodedClip, prompt: str | None, judgement: Judgement, provenance: Provenance
) -> ClipComparison:
    """The record of a judged pair."""
    from vqinsight.ranking.votes import first_choices, missing_reasons  # scoring does not need them

    answers = (*judgement.forward, *judgement.swapped)
    reasons = missing_reasons(answers)
    return ClipComparison(
        a=a.processed.path,
        b=b.processed.path,
        prompt=prompt,
        status="ok" if judgement.verdict else "missing",
        error=None if judgement.verdict else f"an order got no usable answer ({reasons}). Try --samples 5.",
        verdict=judgement.verdict.choice if judgement.verdict else None,
        consistent=judgement.consistent,
        order_bias=first_choices([judgement]),
        forward=judgement.forward,
        swapped=judgement.swapped,
        input_a=a.processed.input,
        input_b=b.processed.input,
        provenance=provenance,
    )


def ranking(
    prompt: str | None,
    clips: Sequence[EncodedClip],
    unreadable: Sequence[tuple[str, UnreadableVideo]],
    pairs: Sequence[tuple[int, int]],
    judged: Sequence[Judgement],
    provenance: Provenance,
) -> ClipRanking:
    """The record of a ranking.

    Args:
        clips: the readable ones, each encoded once.
        unreadable: the others, by name.
        pairs, judged: indices into ``clips``, and the judgement of each pair.
    """
    from vqinsight.ranking import standings

    comparisons = [
        comparison(clips[i], clips[j], prompt, judgement, provenance)
        for (i, j), judgement in zip(pairs, judged, strict=True)
    ]
    named = [*map(standing, clips), *(unreadable_standing(path, error) for path, error in unreadable)]
    return standings.ranking(prompt, comparisons, provenance, named)


def standing(clip: EncodedClip | UnreadableVideo) -> Standing:
    """A clip before it has a place."""
    if isinstance(clip, UnreadableVideo):
        return unreadable_standing(clip.path, clip)
    return Standing(clip.processed.path, "ok", None, None, None, None, clip.processed.input)


def unreadable_standing(path: str, error: UnreadableVideo) -> Standing:
    """The standing of an unreadable clip, without a rank."""
    return Standing(path, _status(error), str(error), None, None, None, None)


def _status(error: UnreadableVideo) -> Status:
    return "failed" if isinstance(error, FailedClip) else "unreadable"


def verdict(
    path: str,
    prompt: str | None,
    question: str,
    seen: ProcessedClip | UnreadableVideo,
    replies: tuple[Reply, ...],
    provenance: Provenance,
) -> ClipVerdict:
    """The record of a yes/no question: the majority of the samples; a draw is no answer."""
    from vqinsight.ranking.votes import majority_verdict, missing_reasons

    if isinstance(seen, UnreadableVideo):
        return ClipVerdict(path, prompt, question, _status(seen), str(seen), None, None, None, (), None, provenance)
    given = [reply for reply in replies if isinstance(reply.value, bool)]
    share = float(np.mean([reply.value for reply in given])) if given else None
    yes = majority_verdict(replies)
    reason = missing_reasons(replies) or "as many yes as no"
    said = next((reply for reply in given if reply.value == yes), replies[0])
    error = None if yes is not None else f"{path}: no usable answer ({reason}). Try more --samples."
    status: Status = "ok" if yes is not None else "missing"
    return ClipVerdict(
        path, prompt, question, status, error, yes, share, said.reasoning, replies, seen.input, provenance
    )


def not_compared(
    a: Standing, b: Standing, prompt: str | None, provenance: Provenance, error: UnreadableVideo | None = None
) -> ClipComparison:
    """The record of a pair without answers.

    Args:
        a, b: the clips; those that could not be shown say why.
        error: why the pair itself failed, where both could be shown.
    """
    from vqinsight.ranking.standings import ALSO

    bad = [clip for clip in (a, b) if clip.status != "ok"]
    failed = error is not None or any(clip.status == "failed" for clip in bad)
    return ClipComparison(
        a=a.path,
        b=b.path,
        prompt=prompt,
        status="failed" if failed else "unreadable",
        error=ALSO.join(clip.error or "" for clip in bad) or str(error),
        verdict=None,
        consistent=None,
        order_bias=None,
        forward=(),
        swapped=(),
        input_a=a.input,
        input_b=b.input,
        provenance=provenance,
    )
