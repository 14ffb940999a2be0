"""Equation 4: the temporal reward, for answers that depend on the order of the frames.

N answers are about the clip in order; they are compared with answers about the clip shuffled in time, or with their own
probability under it. Each rule gives the bonus ``alpha`` to some of the N only, as what all answers of a group get
cancels in Eq. 1.

Three rules look at errors. The error of a score is its distance to the label as a share of the range, that of the right
yes or no is 0; a wrong yes or no, and a missing score or answer, have ``WRONG``. An answer is *correct* if its error is
at most ``tolerance``.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence

WRONG = math.inf


def share_rule(
    errors: Sequence[float], shuffled: Sequence[float], *, alpha: float, mu: float, tolerance: float
) -> list[float]:
    """``alpha`` to the correct answers if ``w_seq > mu * w_rand``, the shares of correct answers.

    Args:
        errors: of each answer about the clip in order.
        shuffled: of each answer about the shuffled clip.

    Returns:
        one bonus for each of ``errors``.

    Raises:
        ValueError: either is empty.
    """
    correct = [error <= tolerance for error in errors]
    w_seq, w_rand = _mean(correct), _mean([error <= tolerance for error in shuffled])
    return [alpha if each and w_seq > mu * w_rand else 0.0 for each in correct]


def answer_rule(
    errors: Sequence[float], shuffled: Sequence[float], *, alpha: float, mu: float, tolerance: float
) -> list[float]:
    """``alpha`` to answer i if ``mean w_seq > mean w_rand`` and ``w_i > mu * mean w_rand``.

    w = exp(-error / tolerance): 1 for the right yes or no, 0 for ``WRONG``. Arguments and result as for ``share_rule``.
    """
    weights = [math.exp(-error / tolerance) for error in errors]
    w_seq, w_rand = _mean(weights), _mean([math.exp(-error / tolerance) for error in shuffled])
    return [alpha if w_seq > w_rand and w > mu * w_rand else 0.0 for w in weights]


def likelihood_rule(errors: Sequence[float], gaps: Sequence[float], *, alpha: float, tolerance: float) -> list[float]:
    """``alpha`` to the correct answers with ``d_i > 0`` and ``d_i`` above the median of all N.

    Args:
        errors: of each answer about the clip in order.
        gaps: d_i of each, in nats: the mean log-probability of all its tokens, in order minus under the shuffled clip.

    Returns:
        one bonus for each answer.

    Raises:
        ValueError: there are none, or not as many of the one as of the other.
    """
    if not gaps or len(gaps) != len(errors):
        raise ValueError(f"Eq. 4 needs one gap for each answer: {len(gaps)} gaps, {len(errors)} answers")
    median = statistics.median(gaps)
    return [
        alpha if error <= tolerance and gap > 0 and gap > median else 0.0
        for error, gap in zip(errors, gaps, strict=True)
    ]


def released_rule(
    rewards: Sequence[float], shuffled: Sequence[float], *, alpha: float, mu: float, above: float
) -> list[float]:
    """As the released code: ``alpha`` to rewards over ``above`` if ``mean w_seq >= mu * mean w_rand``.

    Args:
        rewards: w_i of each answer about the clip in order: Eq. 3 on the scale ``relative``, or Eq. 7.
        shuffled: the same for the answers about the shuffled clip.
        above: a reward must exceed it.

    Returns:
        one bonus for each of ``rewards``.

    Raises:
        ValueError: either is empty.
    """
    w_seq, w_rand = _mean(rewards), _mean(shuffled)
    return [alpha if w_seq >= mu * w_rand and reward > above else 0.0 for reward in rewards]


def _mean(values: Sequence[float]) -> float:
    if not values:
        raise ValueError("Eq. 4 compares two groups of answers, and one of them is empty")
    return statistics.fmean(values)
