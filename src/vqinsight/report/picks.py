"""Which clips are shown, in which order, and which bar they have to reach."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

Item = TypeVar("Item")


@dataclass(frozen=True)
class Picks:
    """What is picked of scored clips, by their overall score (0–100).

    Attributes:
        sort: the best first, instead of the order of the source.
        worst: this many with the lowest scores, the lowest first; ``None`` for all.
        below: the lowest score that passes; ``None`` for no bar.
    """

    sort: bool = False
    worst: int | None = None
    below: float | None = None

    @property
    def reorders(self) -> bool:
        """Whether all clips have to be scored before the first is shown."""
        return self.sort or self.worst is not None

    def apply(self, items: Sequence[Item], overall: Callable[[Item], float | None]) -> list[Item]:
        """The picked items; those without a score come last, and none is dropped."""
        if not self.reorders:
            return list(items)
        scored = [(value, item) for item in items if (value := overall(item)) is not None]
        scored.sort(key=lambda pair: pair[0], reverse=self.worst is None)
        return [item for _, item in scored[: self.worst]] + [item for item in items if overall(item) is None]

    def fails(self, overall: float | None) -> bool:
        """Whether a clip is below the bar; one without a score is."""
        return self.below is not None and (overall is None or overall < self.below)


NO_PICKS = Picks()  # all, in the order of the source, without a bar
