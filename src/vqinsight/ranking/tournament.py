"""The best and the worst of N clips in about 3N/2 comparisons instead of all N (N - 1) / 2."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from vqinsight.tasks.types import Preference

Ask = Callable[[Sequence[tuple[int, int]]], Sequence[Preference | None]]


def best_and_worst(n: int, ask: Ask) -> tuple[int, int]:
    """Clips are compared in pairs; then the winners play for the best, the losers for the worst place.

    On a tie or a missing answer the clip with the lower index wins. 10 clips take 13 comparisons.

    Args:
        ask: verdicts on pairs of clips, "A" being the first of a pair; called once per round.

    Returns:
        (best, worst); the same clip only with an odd number of clips and circular preferences.

    Raises:
        ValueError: fewer than two clips.
    """
    if n < 2:
        raise ValueError(f"{n} clips cannot play for first and last place")
    ahead, behind, odd = _round(range(n), ask)
    return _survivor([*ahead, *odd], ask, winners=True), _survivor([*behind, *odd], ask, winners=False)


def _survivor(clips: list[int], ask: Ask, *, winners: bool) -> int:
    while len(clips) > 1:
        ahead, behind, odd = _round(clips, ask)
        clips = sorted([*(ahead if winners else behind), *odd])
    return clips[0]


def _round(clips: Sequence[int], ask: Ask) -> tuple[list[int], list[int], list[int]]:
    """Compare neighbours: the winners, the losers, and the clip without a partner."""
    pairs = list(zip(clips[::2], clips[1::2], strict=False))
    ahead, behind = [], []
    for (i, j), verdict in zip(pairs, ask(pairs), strict=True):
        upset = verdict == Preference("B")
        ahead.append(j if upset else i)
        behind.append(i if upset else j)
    return ahead, behind, list(clips[2 * len(pairs) :])
