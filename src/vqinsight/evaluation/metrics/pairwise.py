"""Agreement of pairwise verdicts with human votes: tau with ties, diff, and their intervals (Table 1).

A human vote is h: +1 for A, -1 for B, 0 for a tie. A system's answer is a margin m for A: the difference of two scores,
or +1, -1, 0 for a verdict. A missing answer is m = 0 and is counted. A pair is correct when the sign of m
is h. A threshold e calls every |m| <= e a tie.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from vqinsight.errors import UsageError
from vqinsight.evaluation.metrics.bootstrap import (
    DEFAULT,
    Bootstrap,
    Difference,
    Measure,
    Statistic,
    mean,
    paired,
    percentile_interval,
    point,
    resample,
    share,
)
from vqinsight.evaluation.metrics.join import Number, predicted
from vqinsight.tasks.types import Choice, Preference

PairMetric = Literal["accuracy", "tau_deutsch", "tau_va", "diff", "diff_model_decided"]
_SIDES: dict[Choice, int] = {"A": 1, "B": -1, "tie": 0}
_DIGITS = 12  # of the largest score: smaller differences are rounding errors
_DECIMALS = 300  # rounding to more overflows


@dataclass(frozen=True)
class PairScores:
    """The agreement of a system's margins with human votes. All figures are shares of pairs, in [0, 1].

    Attributes:
        n: pairs.
        human_ties: pairs with vote 0.
        model_ties: pairs with margin 0, missing answers among them.
        missing: pairs without a usable answer.
        accuracy: correct three-way verdicts without a threshold: sign(m) = h.
        tau_deutsch: the accuracy at the best threshold out of 0 and every |m|; equal |m| become ties together.
        epsilon: the smallest threshold that reaches it.
        tau_va: the best accuracy over k = 1, 2, … when the k pairs with the smallest |m| become ties. For equal |m| it
            depends on the order of the rows. The values of the paper's Table 1 are consistent with this definition.
        diff: correct verdicts among the pairs with h != 0; a model tie there is wrong.
        diff_model_decided: the same over pairs with h != 0 and m != 0: model ties are left out.
        warnings: remarks on the figures.
    """

    n: int
    human_ties: int
    model_ties: int
    missing: int
    accuracy: Measure
    tau_deutsch: Measure
    epsilon: float
    tau_va: Measure
    diff: Measure
    diff_model_decided: Measure
    warnings: tuple[str, ...] = ()


def side(preference: Preference) -> int:
    """+1 for A, -1 for B, 0 for a tie."""
    return _SIDES[preference.choice]


def margins(scores_a: Sequence[Number], scores_b: Sequence[Number]) -> list[float | None]:
    """Score of A minus score of B for each pair; ``None`` where either is missing.

    0.9 - 0.8 and 0.8 - 0.7 differ in the last bit, and a threshold would separate them. So differences are rounded to
    twelve digits of the largest score, and equal margins become ties together.

    Raises:
        UsageError: unequal lengths.
    """
    a, _ = predicted(scores_a, np.zeros(len(scores_b)))
    b, _ = predicted(scores_b, np.zeros(len(scores_b)))
    size = np.nanmax(np.abs([a, b]), initial=0.0)
    decimals = min(_DIGITS - 1 - int(np.floor(np.log10(size))), _DECIMALS) if size > 0 else 0
    return [None if np.isnan(m) else float(m) for m in np.round(a - b, decimals)]


def score_pairs(
    answers: Sequence[Number | Preference],
    humans: Sequence[int],
    *,
    clusters: Sequence[Hashable] | None = None,
    bootstrap: Bootstrap | None = DEFAULT,
) -> PairScores:
    """All figures for parallel (n,) answers and votes.

    Args:
        answers: margins or verdicts; ``None`` or ``Missing`` for none. NaN and infinity count as missing too.
        humans: +1, -1 or 0 (see ``side``).
        clusters: (n,) groups that a resample draws together, such as prompts.
        bootstrap: ``None`` for no intervals.

    Raises:
        UsageError: unequal lengths, no pairs, or a vote that is not +1, -1 or 0.
    """
    h = _votes(humans)
    m, missing, said = _margins(answers, h)
    n = len(h)
    if not (h != 0).any():
        said.append("people decided no pair: diff is undefined")
    elif not ((h != 0) & (m != 0)).any():
        said.append("the model decided none of the pairs that people did: diff without model ties is undefined")
    statistics = {str(name): build(h, m) for name, build in _STATISTICS.items()}
    samples = resample(statistics, n, bootstrap, clusters) if bootstrap is not None else {}
    figures = {}
    for name, statistic in statistics.items():
        interval = percentile_interval(samples[name], bootstrap.level) if bootstrap is not None else None
        figures[name] = Measure(point(statistic, n), interval)
    return PairScores(
        n=n,
        human_ties=int((h == 0).sum()),
        model_ties=int((m == 0).sum()),
        missing=missing,
        epsilon=best_threshold(h, m)[1],
        warnings=tuple(said),
        **figures,
    )


def best_threshold(h: np.ndarray, m: np.ndarray) -> tuple[float, float]:
    """tau_deutsch and the smallest threshold that reaches it, for votes (n,) and margins (n,), n at least 1.

    Source: Deutsch, Foster and Freitag, Ties Matter (EMNLP 2023), the tie calibration of their section 5.
    """
    order, right, change = _walk(h, m)
    sizes = np.abs(m)[order]
    ends = _block_ends(sizes)
    correct = right.sum() + np.concatenate([[0], np.cumsum(change)[ends]])
    best = int(np.argmax(correct))
    return float(correct[best]) / len(h), float(np.concatenate([[0.0], sizes[ends]])[best])


def pair_difference(
    first: Sequence[Number | Preference],
    second: Sequence[Number | Preference],
    humans: Sequence[int],
    *,
    metric: PairMetric = "tau_deutsch",
    clusters: Sequence[Hashable] | None = None,
    bootstrap: Bootstrap | None = DEFAULT,
) -> Difference:
    """The difference of two systems on the same pairs. Missing answers count as margin 0.

    Raises:
        UsageError: as for ``score_pairs``.
    """
    h = _votes(humans)
    one, missing_one, said_one = _margins(first, h)
    two, missing_two, said_two = _margins(second, h)
    build = _STATISTICS[metric]
    a, b, difference = paired(build(h, one), build(h, two), len(h), bootstrap, clusters)
    said = [f"first: {line}" for line in said_one] + [f"second: {line}" for line in said_two]
    if difference.value is None:
        said.append(f"{metric} is undefined for {'the first' if a is None else 'the second'}: no pair to count")
    return Difference(metric, len(h), missing_one + missing_two, a, b, difference, tuple(said))


def _votes(humans: Sequence[int]) -> np.ndarray:
    """(n,) int votes, n at least 1."""
    if not len(humans):
        raise UsageError("no pairs to measure")
    wrong = sorted({str(vote) for vote in humans if vote not in (1, -1, 0)})
    if wrong:
        raise UsageError(f"human votes are +1 (A), -1 (B) or 0 (tie), not {', '.join(wrong[:3])}")
    return np.asarray(humans, np.int64)


def _margins(answers: Sequence[Number | Preference], h: np.ndarray) -> tuple[np.ndarray, int, list[str]]:
    """(n,) margins with 0 for a missing answer, the number of these, and the warnings."""
    plain = [float(side(a)) if isinstance(a, Preference) else a for a in answers]
    values, said = predicted(plain, h)
    missing = np.isnan(values)
    notes = [f"{line}; a missing answer is a model tie" for line in said]
    return np.where(missing, 0.0, values), int(missing.sum()), notes


def _walk(h: np.ndarray, m: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Order of the pairs by |m| (stable); which are correct; and in that order the change, -1, 0 or +1, of the number
    of correct pairs when the pair becomes a tie.
    """
    order = np.argsort(np.abs(m), kind="stable")
    right = np.sign(m) == h
    return order, right, ((h == 0).astype(np.int64) - right)[order]


def _block_ends(ordered: np.ndarray) -> np.ndarray:
    """The last index of each run of equal values."""
    return np.flatnonzero(np.append(ordered[1:] != ordered[:-1], True))


def _tau_deutsch(h: np.ndarray, m: np.ndarray) -> Statistic:
    order, right, change = _walk(h, m)
    ends = _block_ends(np.abs(m)[order])

    def statistic(counts: np.ndarray) -> np.ndarray:
        added = np.cumsum(change[:, None] * counts[order], 0)[ends].max(0)
        return (right @ counts + np.maximum(added, 0)) / counts.sum(0)

    return statistic


def _tau_va(h: np.ndarray, m: np.ndarray) -> Statistic:
    """tau_va of resamples: copies of a pair are consecutive, so the best of equal steps is at their ends."""
    order, right, change = _walk(h, m)

    def statistic(counts: np.ndarray) -> np.ndarray:
        walked = counts[order]
        added = np.where(np.cumsum(walked, 0) > 0, np.cumsum(change[:, None] * walked, 0), -np.inf).max(0)
        one_step = change[np.argmax(walked > 0, 0)]
        return (right @ counts + np.maximum(added, one_step)) / counts.sum(0)

    return statistic


_STATISTICS: dict[PairMetric, Callable[[np.ndarray, np.ndarray], Statistic]] = {
    "accuracy": lambda h, m: mean(np.sign(m) == h),
    "tau_deutsch": _tau_deutsch,
    "tau_va": _tau_va,
    "diff": lambda h, m: share((np.sign(m) == h) & (h != 0), h != 0),
    "diff_model_decided": lambda h, m: share((np.sign(m) == h) & (h != 0), (h != 0) & (m != 0)),
}
