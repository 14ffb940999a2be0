"""Equation 4: did it matter in which order the frames were shown?"""

from __future__ import annotations

from collections.abc import Sequence


def temporal_reward(
    in_order: Sequence[float], shuffled: Sequence[float], alpha: float, mu: float, correct: float
) -> list[float]:
    """Eq. 4: a bonus ``alpha`` if the clip in order was judged better than the same clip shuffled in time.

    The group earns it when mean(in_order) > mu * mean(shuffled), strictly. It goes to those answers that are themselves
    correct (above ``correct``): given to the whole group it would cancel in Eq. 1.

    Args:
        in_order: the score reward (Eq. 3 or 6) of each answer about the clip as it is.
        shuffled: the same for the answers about the clip with its visual tokens shuffled in time.
        correct: what an answer must earn itself, on the scale of these rewards; rewards on the unit scale nearly all
            lie above .1, and then the bonus cancels all the same (``grpo.monitor``).

    Returns:
        one bonus for each answer of ``in_order``.

    Raises:
        ValueError: either is empty.
    """
    if not in_order or not shuffled:
        raise ValueError("Eq. 4 compares two groups of answers, and one of them is empty")
    earned = sum(in_order) / len(in_order) > mu * sum(shuffled) / len(shuffled)
    return [alpha if earned and correctness > correct else 0.0 for correctness in in_order]
