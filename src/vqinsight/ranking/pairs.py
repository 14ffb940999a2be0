"""Which clips are shown side by side."""

from __future__ import annotations

from itertools import combinations


def all_pairs(n: int) -> list[tuple[int, int]]:
    """Every pair (i, j) with i < j of ``n`` clips: n (n - 1) / 2 of them; none for fewer than two clips."""
    return list(combinations(range(n), 2))
