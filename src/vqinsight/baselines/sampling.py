"""Rules of sampling: a clip's frame count becomes the indices of the frames that a system sees."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

Choose = Callable[[int], Sequence[int]]  # the frame count is at least 1


def evenly(total: int, count: int) -> list[int]:
    """At most ``count`` distinct frame indices, evenly spaced from the first to the last of ``total``."""
    return sorted({int(i) for i in np.rint(np.linspace(0, total - 1, min(count, total)))})


def windows(total: int, count: int, length: int) -> list[list[int]]:
    """``count`` runs of ``length`` neighbouring frames spread over the clip; one run of all frames if it is short."""
    if total <= count * length:
        return [list(range(total))]
    starts = np.rint(np.linspace(0, total - length, count)).astype(int)
    return [list(range(start, start + length)) for start in starts]


def strided(total: int, most: int) -> list[int]:
    """Every frame of a clip with at most ``most``; else one at each of ``most`` equal steps from the first on."""
    return list(range(total)) if total <= most else [int(i) for i in np.arange(0, total, total / most)]


def starts(total: int, count: int) -> list[int]:
    """The first frame of each of ``count`` equal parts of a clip; fewer of a clip with fewer frames."""
    return sorted({i * total // count for i in range(count)})


def between(total: int, count: int) -> list[int]:
    """``count`` frames from the first to the last, rounded down; a short clip repeats frames."""
    return [int(i) for i in np.linspace(0, total - 1, count)]
