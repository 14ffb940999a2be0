"""Equation 1: group-relative advantages."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

_EPSILON = 1e-4  # bounds the advantages of nearly equal rewards


def advantages(rewards: Sequence[float]) -> list[float]:
    """Eq. 1: ``A_i = (r_i - mean r) / std r`` over the answers to one question.

    The standard deviation is the sample's (N - 1), with a small constant added, as in TRL. The advantages of a group of
    equal rewards, or of one answer, are 0.
    """
    if len(rewards) < 2 or max(rewards) == min(rewards):
        return [0.0] * len(rewards)
    mean, deviation = statistics.fmean(rewards), statistics.stdev(rewards)
    return [(reward - mean) / (deviation + _EPSILON) for reward in rewards]
