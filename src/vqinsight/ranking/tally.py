"""Rankings from judged pairs: wins (Eq. 8), Bradley-Terry strengths, cycles and order bias.

An outcome ``(i, j, preference)`` names the chosen one of the clips ``i`` and ``j``: "A" is ``i``, "B" is ``j``, a tie
is half a win for each. ``None`` is a missing answer and counts for neither. A pair may have any number of outcomes. All
functions raise ``ValueError`` for a clip outside ``range(n)`` or one that is compared with itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np
from scipy.sparse.csgraph import connected_components
from scipy.special import expit

from vqinsight.tasks.types import Preference

Outcome = tuple[int, int, Preference | None]
PRIOR_TIES = 0.5  # virtual ties of each clip with a clip of average strength
_DECIMALS = 9
_MAX_STEPS = 500


def all_pairs(n: int) -> list[tuple[int, int]]:
    """Every pair (i, j) with i < j of ``n`` clips: n (n - 1) / 2 of them; none for fewer than two clips."""
    return list(combinations(range(n), 2))


def wins(n: int, outcomes: Sequence[Outcome]) -> np.ndarray:
    """Eq. 8: how often each clip is chosen over all pairs, (n,) multiples of one half."""
    return _chosen(n, outcomes, tie=0.5).sum(1)


def bradley_terry(n: int, outcomes: Sequence[Outcome]) -> np.ndarray:
    """(n,) log-strengths with mean 0: clip i is chosen over j with probability 1 / (1 + exp(s_j - s_i)).

    The strengths maximise the likelihood of all outcomes with a small prior: each clip also has ``PRIOR_TIES`` ties
    with a clip of average strength. They stay finite when a clip wins or loses everything, and a clip without outcomes
    is average. They are rounded to nine decimals, so that clips with equivalent outcomes have equal strengths.
    """
    chosen = _chosen(n, outcomes, tie=0.5)
    if n == 0:
        return np.zeros(0)
    strengths = np.zeros(n)
    # Newton's method on a concave function. Steps damped by log(1 + reach) / reach always converge for logistic
    # likelihoods (they are generalised self-concordant), so no line search is needed.
    for _ in range(_MAX_STEPS):
        step = _newton_step(chosen, strengths)
        reach = np.ptp(step)
        if reach < 0.01 * 10**-_DECIMALS:
            return np.round(strengths - strengths.mean(), _DECIMALS) + 0.0  # + 0.0 turns -0.0 into 0.0
        strengths += step * np.log1p(reach) / reach
    raise RuntimeError(f"Bradley-Terry strengths did not converge in {_MAX_STEPS} steps")


def _newton_step(chosen: np.ndarray, strengths: np.ndarray) -> np.ndarray:
    """(n,) with mean 0: the Newton step of the log-posterior at ``strengths``, of mean 0."""
    n = len(strengths)
    ahead, above = expit(strengths[:, None] - strengths[None, :]), expit(strengths)
    # Prior strengths are measured from the mean, which moves with every clip: hence the centring.
    centre = np.eye(n) - 1 / n
    slope = (chosen * ahead.T - chosen.T * ahead).sum(1) + centre @ (PRIOR_TIES * (0.5 - above))
    links = (chosen + chosen.T) * ahead * ahead.T
    curvature = np.diag(links.sum(1)) - links + centre @ np.diag(PRIOR_TIES * above * (1 - above)) @ centre
    # The likelihood is invariant to a shift of all strengths: 1 / n makes the matrix invertible and keeps the mean.
    step: np.ndarray = np.linalg.solve(curvature + 1 / n, slope)
    return step


def cycles(n: int, outcomes: Sequence[Outcome]) -> list[list[int]]:
    """Groups of clips with circular preferences, each sorted, in order of their first clip.

    A group is a strongly connected component of the graph with an edge for every clip chosen over another; ties are no
    edges. With one outcome per pair it has at least three clips; two clips form one when their outcomes contradict.
    """
    if n == 0:
        return []
    count, group = connected_components(_chosen(n, outcomes, tie=0.0), connection="strong")
    members = [np.flatnonzero(group == g).tolist() for g in range(count)]
    return sorted(clips for clips in members if len(clips) > 1)


def ranks(values: Sequence[float] | np.ndarray) -> list[int]:
    """1 for the largest value; equal values share a rank and the next one is skipped (1, 2, 2, 4).

    Raises:
        ValueError: a value is NaN.
    """
    array = np.asarray(values, np.float64)
    if np.isnan(array).any():
        raise ValueError("a value that is not a number cannot be ranked")
    return [int((array > value).sum()) + 1 for value in array]


def winner_and_loser(n: int, outcomes: Sequence[Outcome]) -> tuple[int, int] | None:
    """The most and the least chosen clip (Eq. 8); Bradley-Terry strength decides between clips chosen equally often.

    A clip without any answer is neither. ``None`` when two clips share the first or the last place.
    """
    judged = sorted({clip for i, j, preference in outcomes if preference is not None for clip in (i, j)})
    order = sorted(zip(wins(n, outcomes), bradley_terry(n, outcomes), range(n), strict=True))
    order = [place for place in order if place[2] in judged]
    if len(order) < 2 or order[0][:2] == order[1][:2] or order[-1][:2] == order[-2][:2]:
        return None
    return order[-1][2], order[0][2]


def order_bias(first_choices: Sequence[bool]) -> float | None:
    """Share of answers that name the clip shown first, minus one half; ``None`` without answers.

    +0.5 is always the first, -0.5 always the second, 0 no bias. Ties and missing answers name no clip: leave them out.
    """
    return sum(first_choices) / len(first_choices) - 0.5 if len(first_choices) else None


def _chosen(n: int, outcomes: Sequence[Outcome], *, tie: float) -> np.ndarray:
    """(n, n): how often the row's clip is chosen over the column's, a tie counting ``tie`` for both."""
    chosen = np.zeros((n, n))
    for i, j, preference in outcomes:
        if i == j or not (0 <= i < n and 0 <= j < n):
            raise ValueError(f"clips {i} and {j} are not two of {n} clips")
        if preference is None:
            continue
        chosen[i, j] += {"A": 1.0, "B": 0.0, "tie": tie}[preference.choice]
        chosen[j, i] += {"A": 0.0, "B": 1.0, "tie": tie}[preference.choice]
    return chosen
