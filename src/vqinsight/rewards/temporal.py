"""Equation 4: the temporal reward, for answers that depend on the order of the frames."""

from __future__ import annotations

from collections.abc import Sequence


def temporal_reward(
    in_order: Sequence[float], shuffled: Sequence[float], alpha: float, mu: float, correct: float
) -> list[float]:
    """Eq. 4: a bonus ``alpha`` if answers about the clip in order earn more than those about the shuffled clip.

    The condition is mean(in_order) > mu * mean(shuffled). Only answers that are correct (above ``correct``) get the
    bonus: given to the whole group it cancels in Eq. 1.

    Args:
        in_order: the score reward (Eq. 3 or 6) of each answer about the clip in order.
        shuffled: the same for the answers about the clip with its visual tokens shuffled in time.
        correct: the score reward that an answer must exceed; on the unit scale nearly all rewards lie above 0.1, and
            a bonus to all answers cancels (``grpo.monitor``).

    Returns:
        one bonus for each answer of ``in_order``.

    Raises:
        ValueError: either is empty.
    """
    if not in_order or not shuffled:
        raise ValueError("Eq. 4 compares two groups of answers, and one of them is empty")
    earned = sum(in_order) / len(in_order) > mu * sum(shuffled) / len(shuffled)
    return [alpha if earned and correctness > correct else 0.0 for correctness in in_order]
