"""Layout of values over the time of a clip; the page draws them as inline SVG."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from vqinsight.report.phrases import moment, number, scale, scales, score_on
from vqinsight.results import ClipScore
from vqinsight.tasks.types import Dimension
from vqinsight.video.info import Window, window_of

WIDTH, HEIGHT = 1000, 100  # of the drawing's own units
_POINTS = 400  # most points of a line: each is the greatest value of its share of frames
_TICKS = 4
_LEVELS_APART = 13.0  # of ``HEIGHT``, between names of levels
_WIDE = 18.0  # percent: a moment as wide is labelled with its end, too
_LABEL_APART = 14.0  # percent of the width between labels
_EDGE = 7.0  # percent from an end within which a label is not centred
_LEAST_WIDTH = 0.4  # percent, of a moment
_LOWEST = 3  # windows of a clip that are marked, and shown with what was said


@dataclass(frozen=True)
class Mark:
    """A moment: ``x`` and ``width`` in percent, its label (empty where another is too near) and the label's anchor."""

    x: float
    width: float
    label: str
    anchor: str
    title: str


@dataclass(frozen=True)
class Chart:
    """Values over time.

    Attributes:
        name, meaning, summary: for the heading.
        lines: points of connected stretches, in units of ``WIDTH`` and ``HEIGHT``.
        levels: (percent from the top, name) of horizontal lines.
        ticks: (percent, time).
        moments: marked stretches.
        cuts: percent, of the first frames of new scenes.
    """

    name: str
    meaning: str
    summary: str
    lines: tuple[str, ...]
    levels: tuple[tuple[float, str], ...]
    ticks: tuple[tuple[float, str, str], ...]
    moments: tuple[Mark, ...]
    cuts: tuple[float, ...] = ()


def time_axis(duration: float) -> tuple[tuple[float, str, str], ...]:
    """Ticks: (percent, time, anchor of the label)."""
    anchors = ["start", *["middle"] * (_TICKS - 1), "end"]
    return tuple((100 * i / _TICKS, moment(duration * i / _TICKS), anchors[i]) for i in range(_TICKS + 1))


def line(times: np.ndarray, values: np.ndarray, duration: float, top: float) -> tuple[str, ...]:
    """The points of each connected stretch of a series; a value holds until the next frame.

    Args:
        times: (T,) ascending seconds.
        values: (T,), NaN where there is none.
        top: the value at the upper edge; 0 is at the lower.
    """
    edges = np.unique(np.linspace(0, len(times), min(_POINTS, len(times)) + 1).astype(int))
    ends = np.append(times, duration)
    runs: list[list[str]] = [[]]
    for start, stop in pairwise(edges.tolist()):
        part = values[start:stop]
        if np.isnan(part).all():
            runs.append([])
            continue
        y = HEIGHT * (1 - min(float(np.nanmax(part)) / top, 1.0))
        runs[-1] += [f"{WIDTH * ends[at] / max(duration, 1e-9):.1f},{y:.1f}" for at in (start, stop)]
    return tuple(" ".join(run) for run in runs if run)


def levels(steps: Iterable[tuple[float, str]], top: float) -> tuple[tuple[float, str], ...]:
    """Horizontal lines at ascending values with names, in percent from the top; those too near to be read are left
    out.
    """
    found: list[tuple[float, str]] = []
    for value, name in steps:
        y = HEIGHT * (1 - value / top)
        if y >= 0 and (not found or found[-1][0] - y >= _LEVELS_APART):
            found.append((y, name))
    return tuple(found)


def marks(stretches: Sequence[tuple[float, float, str]], duration: float) -> tuple[Mark, ...]:
    """Moments (start, end, title) as marks, those first in the sequence labelled first."""
    labelled: list[float] = []
    found = []
    for start, end, title in stretches:
        x = 100 * start / max(duration, 1e-9)
        width = max(100 * (end - start) / max(duration, 1e-9), _LEAST_WIDTH)
        middle = x + width / 2
        free = all(abs(middle - other) >= _LABEL_APART for other in labelled)
        if free:
            labelled.append(middle)
        anchor = "start" if middle < _EDGE else "end" if middle > 100 - _EDGE else "middle"
        label = moment(start, end if width >= _WIDE else None)
        found.append(Mark(x, width, label if free else "", anchor, title))
    return tuple(found)


@dataclass(frozen=True)
class ScoredFile:
    """The windows of one file: (number on the page, window, score), in order of time; ``lowest`` are numbers."""

    file: str
    windows: tuple[tuple[int, Window, ClipScore], ...]

    @property
    def duration(self) -> float:
        """Where the last window ends, in seconds."""
        return max(window.end for _, window, _ in self.windows)

    @property
    def lowest(self) -> tuple[int, ...]:
        """The numbers of the windows with the lowest overall scores, lowest first."""
        scored = [(record.overall, number) for number, _, record in self.windows if record.overall is not None]
        return tuple(number for _, number in sorted(scored)[:_LOWEST])

    def summary(self) -> str:
        """How many windows, the median and the lowest overall score, and where that is."""
        scored = [(record.overall, window) for _, window, record in self.windows if record.overall is not None]
        count = f"{len(self.windows)} windows"
        if not scored:
            return f"{count}, none with a score"
        least, where = min(scored, key=lambda pair: pair[0])
        middle = float(np.median([value for value, _ in scored]))
        return f"{count}, overall median {middle:.1f}, lowest {least:.1f} at {moment(where.start, where.end)}"


def scored_files(records: Iterable[ClipScore]) -> list[ScoredFile]:
    """The files of which windows were scored; a record's number is its index, from 1."""
    found: dict[str, list[tuple[int, Window, ClipScore]]] = {}
    for place, record in enumerate(records, start=1):
        if (window := window_of(record.path)) is not None:
            found.setdefault(window.file, []).append((place, window, record))
    return [ScoredFile(file, tuple(sorted(rows, key=lambda row: row[1].start))) for file, rows in found.items()]


def score_charts(file: ScoredFile) -> list[Chart]:
    """A chart for each dimension of a file's windows; the lowest windows of each are marked."""
    return [_score_chart(file, dimension) for dimension in scales(record for _, _, record in file.windows)]


def _score_chart(file: ScoredFile, dimension: Dimension) -> Chart:
    span = dimension.high - dimension.low
    values = [(window, score_on(record, dimension)) for _, window, record in file.windows]
    lines: list[str] = []
    for window, value in values:
        if value is None:
            lines.append("")
            continue
        y = HEIGHT * (1 - (value - dimension.low) / span)
        points = " ".join(f"{WIDTH * time / file.duration:.1f},{y:.1f}" for time in (window.start, window.end))
        if lines and lines[-1]:
            lines[-1] += f" {points}"
        else:
            lines.append(points)
    there = sorted(((value, window) for window, value in values if value is not None), key=lambda pair: pair[0])
    lowest = there[:_LOWEST] if len(there) > _LOWEST else there[:1]
    figures = [number(value, dimension.low, dimension.high) for value, _ in there]
    titles = [
        (window.start, window.end, f"{moment(window.start, window.end)}: {figure}")
        for (_, window), figure in zip(lowest, figures, strict=False)
    ]
    return Chart(
        name=dimension.key,
        meaning=dimension.meaning,
        summary=f"from {figures[0]} to {figures[-1]} on {scale(dimension)}",
        lines=tuple(filter(None, lines)),
        levels=((0.0, f"{dimension.high:g}"), (50.0, f"{dimension.low + span / 2:g}"), (100.0, f"{dimension.low:g}")),
        ticks=time_axis(file.duration),
        moments=marks(titles, file.duration),
    )


def with_cuts(chart: Chart, cuts: Sequence[float], duration: float) -> Chart:
    """The chart with cuts (seconds) drawn."""
    return replace(chart, cuts=tuple(100 * cut / max(duration, 1e-9) for cut in cuts))
