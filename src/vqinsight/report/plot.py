"""Layout of the report's plots; the page draws them as inline SVG."""

from __future__ import annotations

from bisect import bisect, insort
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from vqinsight.report.phrases import number, scale, scales, score_on
from vqinsight.results import ClipComparison, ClipRanking, ClipScore
from vqinsight.tasks.types import Dimension

_RADII = (9.0, 5.0, 3.5)  # of marks, in pixels: the largest that fits the height is used; only the first holds a number
_HEIGHT = 210  # pixels; marks beyond it overlap
_ASSUMED_WIDTH = 560  # pixels; marks closer than their size at this width are stacked
_STEPS = 4


@dataclass(frozen=True)
class Mark:
    """One clip on a strip: ``x`` and the ends of its spread in percent of the scale, ``y`` in pixels from the top."""

    clip: int
    title: str
    x: float
    y: float
    low: float
    high: float


@dataclass(frozen=True)
class Strip:
    """All clips on one dimension: a dot plot whose marks are stacked where they would overlap.

    Attributes:
        name, meaning, range: of the dimension.
        summary: the clip's value, or median and range of several, as text.
        ticks: (percent, label).
        marks: one per clip.
        middle: position of the median in percent.
        radius: of a mark, in pixels.
        numbered: whether marks carry numbers.
        height: of the drawing down to the axis, in pixels.
    """

    name: str
    meaning: str
    range: str
    summary: str
    ticks: tuple[tuple[float, str], ...]
    marks: tuple[Mark, ...]
    middle: float
    radius: float
    numbered: bool
    height: float


def strips(records: Sequence[ClipScore]) -> list[Strip]:
    """A strip for each dimension, then one of the overall scores for each set of dimensions that they are the mean of.

    A clip's number is its index in ``records``, from 1.
    """
    scored = [(place, record) for place, record in enumerate(records, start=1) if record.scores]
    dimensions = scales(record for _, record in scored)
    found = []
    for dim in dimensions:
        values = [
            (place, record.path, value, (record.spread or {}).get(dim.key, 0.0))
            for place, record in scored
            if (value := score_on(record, dim)) is not None
        ]
        if values:
            found.append(_strip(dim, values))
    for of in dict.fromkeys(record.overall_of for _, record in scored):
        alike = [(place, record) for place, record in scored if record.overall_of == of]
        if len(scales(record for _, record in alike)) > 1:
            overall = Dimension("overall", 0.0, 100.0, f"mean of {', '.join(of)}, brought to 0–100")
            means = [(p, record.path, record.overall, 0.0) for p, record in alike if record.overall is not None]
            found.append(_strip(overall, means))
    return found


def _strip(dim: Dimension, clips: Sequence[tuple[int, str, float, float]]) -> Strip:
    spots = {place: percent(dim, value) for place, _, value, _ in clips}
    for radius in _RADII:
        size = 2 * radius + 1
        levels = _stack(spots, size * 100 / _ASSUMED_WIDTH)
        most = int(_HEIGHT // size)
        if max(levels.values()) < most:
            break
    height = min(max(levels.values()) + 1, most) * size + 4
    marks = []
    for place, path, value, spread in clips:
        figure = number(value, dim.low, dim.high) + (f" ± {number(spread, dim.low, dim.high)}" if spread else "")
        y = height - 3 - radius - size * (levels[place] % most)
        low, high = percent(dim, value - spread), percent(dim, value + spread)
        marks.append(Mark(place, f"{place}. {path}: {figure}", spots[place], y, low, high))
    values = [value for _, _, value, _ in clips]
    least, middle, greatest = (number(value, dim.low, dim.high) for value in (min(values), median(values), max(values)))
    return Strip(
        name=dim.key,
        meaning=dim.meaning,
        range=scale(dim),
        summary=middle if len(values) == 1 else f"median {middle}, from {least} to {greatest}",
        ticks=tuple((100 * i / _STEPS, f"{dim.low + (dim.high - dim.low) * i / _STEPS:g}") for i in range(_STEPS + 1)),
        marks=tuple(marks),
        middle=percent(dim, median(values)),
        radius=radius,
        numbered=radius == _RADII[0],
        height=height,
    )


def percent(dim: Dimension, value: float) -> float:
    """A value's position on its scale, from 0 to 100; values outside are clipped."""
    return round(100 * min(max((value - dim.low) / (dim.high - dim.low), 0.0), 1.0), 2)


def _stack(spots: dict[int, float], width: float) -> dict[int, int]:
    """For each mark in turn the lowest level on which it is at least ``width`` from every other."""
    taken: list[list[float]] = []  # ascending positions on each level
    levels: dict[int, int] = {}
    for place, x in spots.items():
        free = (level for level, others in enumerate(taken) if _is_free(others, x, width))
        levels[place] = next(free, len(taken))
        if levels[place] == len(taken):
            taken.append([])
        insort(taken[levels[place]], x)
    return levels


def _is_free(others: list[float], x: float, width: float) -> bool:
    at = bisect(others, x)
    return all(abs(x - other) >= width for other in others[max(at - 1, 0) : at + 1])


def win_matrix(ranking: ClipRanking) -> list[list[str]]:
    """For each pair of ranked clips, in order of rank: the row's clip ``wins``, ``loses``, ``ties``, or ``missing``."""
    places = [standing.path for standing in ranking.standings if standing.rank is not None]
    outcome: dict[tuple[str, str], str] = {}
    for comparison in ranking.comparisons:
        first, second = _outcomes(comparison)
        outcome[comparison.a, comparison.b] = first
        outcome[comparison.b, comparison.a] = second
    return [["self" if a == b else outcome.get((a, b), "missing") for b in places] for a in places]


def _outcomes(comparison: ClipComparison) -> tuple[str, str]:
    match comparison.verdict:
        case "A":
            return "wins", "loses"
        case "B":
            return "loses", "wins"
        case "tie":
            return "ties", "ties"
    return "missing", "missing"


@dataclass(frozen=True)
class Bar:
    """A clip's value on one dimension: text, and positions in percent of the scale."""

    name: str
    meaning: str
    range: str
    figure: str
    share: float
    low: float
    high: float


def bars(record: ClipScore) -> list[Bar]:
    """A bar for each dimension that has a score."""
    found = []
    for dim in record.dimensions:
        value, spread = (record.scores or {}).get(dim.key), (record.spread or {}).get(dim.key)
        if value is None:
            continue
        figure = number(value, dim.low, dim.high)
        figure += f" ± {number(spread, dim.low, dim.high)}" if spread is not None else ""
        ends = percent(dim, value - (spread or 0.0)), percent(dim, value + (spread or 0.0))
        found.append(Bar(dim.key, dim.meaning, scale(dim), figure, percent(dim, value), *ends))
    return found
