"""Equation 5: the length reward."""

from __future__ import annotations


def length_reward(tokens: int, gamma: float, l_min: int, l_max: int) -> float:
    """Eq. 5: ``gamma`` if ``l_min < tokens < l_max``, else 0; ``tokens`` are those of the whole completion."""
    return gamma if l_min < tokens < l_max else 0.0
