"""Clips answered in batches, in which each clip has failures of its own."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice, tee
from typing import TypeVar

import torch

from vqinsight.assessor.assessor import Assessor
from vqinsight.errors import FailedClip, UnreadableVideo, VQInsightError
from vqinsight.results import Reply
from vqinsight.tasks.types import Clip, Question, TaskName
from vqinsight.video.inputs import Source
from vqinsight.video.preprocess import ProcessedClip

logger = logging.getLogger(__name__)

BATCH = 8  # clips per batch of questions
WINDOW = 2 * BATCH  # clips from which even batches are made, while as many are decoded for the next ones

Result = TypeVar("Result")
Seen = tuple[str, str | None, ProcessedClip | UnreadableVideo]
AskAbout = Callable[[str, str | None, ProcessedClip], Question]  # path, prompt and clip
Ask = Callable[[Sequence[tuple[Question, ProcessedClip]]], list[tuple[Reply, ...]]]


def prefetch(assessor: Assessor, clips: Iterable[tuple[Source, str | None]]) -> Iterator[Seen]:
    """Decode a window of clips ahead in the background; a clip that cannot be read, or fails, yields its error."""
    named, sources = tee(clips)

    def load(source: Source) -> ProcessedClip | UnreadableVideo:
        return attempt(_path(source), lambda: assessor.clips.try_load(source))

    found = assessor.clips.prefetch((source for source, _ in sources), ahead=WINDOW, load=load)
    for (source, prompt), clip in zip(named, found, strict=True):
        yield _path(source), prompt, clip


@dataclass(frozen=True)
class Answered:
    """A clip with what was asked about it and the replies."""

    clip: ProcessedClip
    question: Question
    replies: tuple[Reply, ...]


Outcome = tuple[str, str | None, Answered | UnreadableVideo]  # path, prompt, and what became of the clip


def answer(
    clips: Iterable[Seen],
    question: AskAbout,
    ask: Ask,
    on_seconds: Callable[[float], None] | None = None,
) -> Iterator[Outcome]:
    """Path, prompt and outcome of each clip, in order.

    The clips of a window are sorted by size before they are cut into batches, because a batch is padded to its longest
    prompt. A batch that fails is asked again clip by clip, so that the clip that made it fail fails alone. An answer
    does not depend on its batch, so the others get the answers they would have got.

    Args:
        question: what is asked about a clip.
        ask: replies to questions, in order.
        on_seconds: receives, before each clip, its share of the time that its window took.
    """
    source, since = iter(clips), time.perf_counter()
    while group := list(islice(source, WINDOW)):
        readable = [
            (place, question(path, prompt, seen), seen)
            for place, (path, prompt, seen) in enumerate(group)
            if isinstance(seen, ProcessedClip)
        ]
        readable.sort(key=lambda each: sum(len(view.patches) for view in each[2].views))
        outcomes: dict[int, Answered | UnreadableVideo] = {}
        for start in range(0, len(readable), BATCH):
            outcomes |= _outcomes(readable[start : start + BATCH], ask)
        now = time.perf_counter()
        share, since = (now - since) / len(group), now
        for place, (path, prompt, seen) in enumerate(group):
            if on_seconds is not None:
                on_seconds(share)
            yield path, prompt, seen if isinstance(seen, UnreadableVideo) else outcomes[place]


def _outcomes(
    readable: Sequence[tuple[int, Question, ProcessedClip]], ask: Ask
) -> dict[int, Answered | UnreadableVideo]:
    together = attempt("a batch", partial(ask, [(question, clip) for _, question, clip in readable]))
    if not isinstance(together, FailedClip):
        return {
            place: Answered(clip, question, said)
            for (place, question, clip), said in zip(readable, together, strict=True)
        }
    outcomes: dict[int, Answered | UnreadableVideo] = {}
    for place, question, clip in readable:
        if torch.cuda.is_available():
            torch.cuda.empty_cache()  # what the failed batch held is free and in pieces
        alone = attempt(clip.path, partial(ask, [(question, clip)]))
        outcomes[place] = alone if isinstance(alone, FailedClip) else Answered(clip, question, alone[0])
    return outcomes


def attempt(path: str, work: Callable[[], Result]) -> Result | FailedClip:
    """The result of work on one clip, or its failure.

    The error is not kept: its trace would hold the memory that the next attempt needs.
    """
    try:
        return work()
    except torch.AcceleratorError as error:
        if not isinstance(error, torch.OutOfMemoryError):
            raise  # the device is lost, for every clip
        return _failure(path, error)
    # Decoders, drivers and model code raise anything (RuntimeError, MemoryError, ValueError, …) on a clip that they
    # cannot take, and one clip of a hundred thousand must not end the run. What failed is said in its row.
    except Exception as error:  # noqa: BLE001
        return _failure(path, error)


def _failure(path: str, error: Exception) -> FailedClip:
    logger.debug("%s failed", path, exc_info=error)
    said = (str(error).strip().splitlines() or [""])[0]
    remedy = "Look at less of it (--frames, --max-pixels), or check the clip."
    if isinstance(error, VQInsightError):  # it says itself what to do
        reason, _, own = said.partition(". ")
        return FailedClip(path, reason.removeprefix(f"{path}: ").rstrip("."), own or remedy)
    name = type(error).__name__
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return FailedClip(path, f"out of memory ({name}{': ' * bool(said)}{said})", remedy)
    return FailedClip(path, f"{name}{': ' * bool(said)}{said}".rstrip("."), remedy)


def _path(source: Source) -> str:
    return source.path if isinstance(source, UnreadableVideo) else source


def score_question(task: TaskName | None, path: str, prompt: str | None, clip: ProcessedClip) -> Question:
    """What is asked to score a clip; without a task its default one."""
    return Question(task or default_task(clip, prompt), (Clip(path, prompt),))


def default_task(clip: ProcessedClip, prompt: str | None) -> TaskName:
    """What is scored unless said otherwise: an image, a generated clip (with a prompt), or a natural one."""
    if clip.kind == "image":
        return "image"
    return "generated" if prompt and prompt.strip() else "natural"
