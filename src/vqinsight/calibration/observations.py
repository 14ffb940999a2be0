"""The scores and measurements of rated clips: what a scale is fitted on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np

from vqinsight.calibration.ratings import RatedClip
from vqinsight.errors import UnreadableVideo, UsageError
from vqinsight.measure.clip import measure_clip
from vqinsight.measure.quantities import QUANTITIES
from vqinsight.measure.types import MeasuredClip
from vqinsight.results import ClipScore
from vqinsight.tasks.types import Missing, TaskName

if TYPE_CHECKING:
    from vqinsight.inference.api import VQInsight

OVERALL = "overall"
METADATA = ("pixels of a frame", "frames")
_AHEAD = 2  # clips measured at a time, beside the model


@dataclass(frozen=True)
class Judged:
    """The number of a judge's score that a scale takes.

    Attributes:
        task: as the clips are scored.
        dimension: its name; ``overall`` is the mean of all, brought to 0 to 100.
        of: the names of the scored dimensions, which ``overall`` is the mean of.
    """

    task: TaskName
    dimension: str
    of: tuple[str, ...]

    def value(self, record: ClipScore) -> float | Missing:
        """Of a scored clip."""
        scores = record.scores or {}
        if record.status != "ok":
            return Missing(record.error or record.status)
        alike = tuple(scores) == self.of if self.dimension == OVERALL else self.dimension in scores
        if record.task != self.task or not alike:
            return Missing(f"scored as {record.task} ({', '.join(scores)}), not as {self.task} ({', '.join(self.of)})")
        value = record.overall if self.dimension == OVERALL else scores[self.dimension]
        return Missing("no score") if value is None else value


@dataclass(frozen=True)
class Observations:
    """The n clips that a scale is fitted on, in the order of the table.

    Attributes:
        clips: with their ratings.
        judged: what ``scores`` are.
        ratings: (n,) mean ratings.
        scores: (n,) of the judge.
        measured: (n, q) of ``features``, NaN where missing.
        metadata: (n, 2) logarithms of ``METADATA``.
        left_out: clip and reason.
    """

    clips: tuple[RatedClip, ...]
    judged: Judged
    ratings: np.ndarray
    scores: np.ndarray
    measured: np.ndarray
    metadata: np.ndarray
    left_out: tuple[tuple[str, str], ...]


def features(clip: MeasuredClip) -> np.ndarray:
    """(q,) measurements in the order of ``QUANTITIES``, as log(1 + x), NaN where missing: most are far from normal."""
    values = [clip.values[key].value for key in QUANTITIES]
    return np.array([np.nan if isinstance(value, Missing) else np.log1p(max(value, 0.0)) for value in values])


def observe(
    judge: VQInsight,
    clips: Sequence[RatedClip],
    *,
    task: TaskName | None,
    dimension: str,
    sampling: dict[str, Any],
    folder_fps: float | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> Observations:
    """Score and measure clips; one that cannot be read, scored or measured is left out.

    Clips that are scored on different dimensions do not compare: those of the most frequent dimensions are taken.

    Args:
        dimension: a name of the judge's, or ``overall``.
        sampling: samples, seed and temperature.
        on_progress: called with (clips done, clips in all).

    Raises:
        UsageError: no clip can be used, or the dimension is unknown.
    """
    found: list[tuple[RatedClip, ClipScore, MeasuredClip]] = []
    left_out: list[tuple[str, str]] = []
    records = judge.score_all([(clip.path, clip.prompt) for clip in clips], task=task, **sampling)
    measured = _measured([clip.path for clip in clips], folder_fps)
    for done, (clip, record, values) in enumerate(zip(clips, records, measured, strict=True), start=1):
        if record.status != "ok":
            left_out.append((clip.path, record.error or record.status))
        elif isinstance(values, UnreadableVideo):
            left_out.append((clip.path, str(values)))
        else:
            found.append((clip, record, values))
        if on_progress is not None:
            on_progress(done, len(clips))
    if not found:
        first = f" The first: {left_out[0][1]}" if left_out else ""
        raise UsageError(f"None of the {len(clips)} rated clips can be used.{first}")
    judged = _judged([record for _, record, _ in found], dimension)
    kept, scores = [], []
    for clip, record, values in found:
        score = judged.value(record)
        if isinstance(score, Missing):
            left_out.append((clip.path, score.reason))
        else:
            kept.append((clip, record, values))
            scores.append(score)
    return Observations(
        clips=tuple(clip for clip, _, _ in kept),
        judged=judged,
        ratings=np.array([clip.rating for clip, _, _ in kept]),
        scores=np.array(scores),
        measured=np.array([features(values) for _, _, values in kept]),
        metadata=np.array([_metadata(record) for _, record, _ in kept]),
        left_out=tuple(left_out),
    )


def _judged(records: Sequence[ClipScore], dimension: str) -> Judged:
    """What most of the scored clips have in common."""
    [((task, of), _)] = Counter((record.task, tuple(record.scores or ())) for record in records).most_common(1)
    if dimension not in (OVERALL, *of):
        raise UsageError(f"--dimension {dimension}: the clips are scored on {', '.join((*of, OVERALL))}. Name one.")
    return Judged(task, dimension, of)


def _metadata(record: ClipScore) -> list[float]:
    clip = record.input
    assert clip is not None  # of every scored clip
    return [float(np.log(clip.width * clip.height)), float(np.log(clip.source_frames))]


def _measured(paths: Sequence[str], folder_fps: float | None) -> Iterator[MeasuredClip | UnreadableVideo]:
    """Measurements in order, a few ahead of the scores."""
    source = iter(paths)
    with ThreadPoolExecutor(max_workers=_AHEAD) as pool:
        waiting = [pool.submit(try_measure, path, folder_fps) for path in islice(source, _AHEAD)]
        while waiting:
            yield waiting.pop(0).result()
            waiting += [pool.submit(try_measure, path, folder_fps) for path in islice(source, 1)]


def try_measure(path: str, folder_fps: float | None) -> MeasuredClip | UnreadableVideo:
    """The measurements of a clip, or the error where it cannot be read."""
    try:
        return measure_clip(path, folder_fps=folder_fps)
    except UnreadableVideo as error:
        return error
