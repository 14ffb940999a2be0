"""Equation 7: the reward for choices and yes/no answers."""

from __future__ import annotations

from vqinsight.tasks.types import Answer, Missing


def comparison_reward(answer: Answer | Missing, label: Answer) -> float:
    """Eq. 7: 1 if the answer is the label, 0 otherwise; a missing answer is never correct."""
    return float(answer == label)
