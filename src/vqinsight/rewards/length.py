"""Equation 5: is the answer neither too short nor too long?"""

from __future__ import annotations


def length_reward(tokens: int, gamma: float = 0.1, l_min: int = 320, l_max: int = 512) -> float:
    """Eq. 5: ``gamma`` if ``l_min < tokens < l_max``, else 0; ``tokens`` are those of the whole completion."""
    return gamma if l_min < tokens < l_max else 0.0
