"""Which clips are shown, in which order, and which bar they have to reach."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar

from vqinsight.results import ClipScore

Item = TypeVar("Item")


class Overall(NamedTuple):
    """A clip's overall score (0–100, ``None`` without one), of which dimensions, and whether another is missing."""

    value: float | None
    of: tuple[str, ...] = ()
    incomplete: bool = False


def overall(result: object) -> Overall:
    """Of a record; one that is no score has none."""
    if not isinstance(result, ClipScore):
        return Overall(None)
    return Overall(result.overall, result.overall_of, bool(result.missing_dimensions))


def overall_of_row(row: Mapping[str, Any]) -> Overall:
    """Of a row of ``report.rows``."""
    return Overall(row.get("overall"), tuple(row.get("overall_of") or ()), bool(row.get("missing_dimensions")))


@dataclass(frozen=True)
class Picks:
    """What is picked of scored clips, by their overall score (0–100).

    Overall scores of different dimensions do not compare: clips are ordered, and the worst found, within each set of
    dimensions, the set of the most clips first.

    Attributes:
        sort: the best first, instead of the order of the source.
        worst: this many with the lowest scores of each set, the lowest first; ``None`` for all.
        below: the lowest score that passes; ``None`` for no bar.
    """

    sort: bool = False
    worst: int | None = None
    below: float | None = None

    @property
    def reorders(self) -> bool:
        """Whether all clips have to be scored before the first is shown."""
        return self.sort or self.worst is not None

    def apply(self, items: Sequence[Item], overall: Callable[[Item], Overall]) -> list[Item]:
        """The picked items; those without a score come last, and none is dropped."""
        if not self.reorders:
            return list(items)
        sets: dict[tuple[str, ...], list[tuple[float, Item]]] = {}
        for item in items:
            value, of, _ = overall(item)
            if value is not None:
                sets.setdefault(of, []).append((value, item))
        picked: list[Item] = []
        for alike in sorted(sets.values(), key=len, reverse=True):
            alike.sort(key=lambda pair: pair[0], reverse=self.worst is None)
            picked += [item for _, item in alike[: self.worst]]
        return picked + [item for item in items if overall(item).value is None]

    def fails(self, found: Overall) -> bool:
        """Whether a clip is below the bar; one that lacks a score is, be it of a single dimension."""
        return self.below is not None and (found.value is None or found.incomplete or found.value < self.below)


NO_PICKS = Picks()  # all, in the order of the source, without a bar
