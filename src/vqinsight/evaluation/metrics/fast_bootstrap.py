"""Correlations of many resamples at once: each function sorts its items and returns a ``Statistic`` of their counts.

An item drawn three times counts as three equal items, ties included, so each value equals SciPy's for the repeated
items. A resample in which one side is constant has no correlation: NaN.
"""

from __future__ import annotations

import numpy as np

from vqinsight.evaluation.metrics.bootstrap import Statistic

_FLAT = 1e-12  # a variance below this share of the mean square is a rounding error


def pearson(x: np.ndarray, y: np.ndarray) -> Statistic:
    """Pearson's linear correlation of (n,) and (n,)."""
    x, y = _standard(x), _standard(y)
    sums = np.stack([np.ones(len(x)), x, y, x * x, y * y, x * y])

    def statistic(counts: np.ndarray) -> np.ndarray:
        drawn, sx, sy, sxx, syy, sxy = sums @ counts
        n = np.maximum(drawn, 1)
        vx, vy, cov = sxx - sx * sx / n, syy - sy * sy / n, sxy - sx * sy / n
        return _quotient(cov, vx, vy, (vx > _FLAT * sxx) & (vy > _FLAT * syy))

    return statistic


def spearman(x: np.ndarray, y: np.ndarray) -> Statistic:
    """Spearman's rank correlation: Pearson's of the ranks, equal values sharing their mean rank."""
    ranks_x, ranks_y = _centred_ranks(x), _centred_ranks(y)

    def statistic(counts: np.ndarray) -> np.ndarray:
        rx, ry = ranks_x(counts), ranks_y(counts)
        weighed = counts * rx
        cov, vx = (weighed * ry).sum(0), (weighed * rx).sum(0)
        vy = (counts * ry * ry).sum(0)
        return _quotient(cov, vx, vy, (vx > 0) & (vy > 0))

    return statistic


def kendall(x: np.ndarray, y: np.ndarray) -> Statistic:
    """Kendall's tau-b: (concordant - discordant) / sqrt(pairs not tied in x * pairs not tied in y).

    Discordant pairs are the inversions of y once the items are sorted by x, counted while merging runs of doubling
    length (Knight 1966), O(n log n) per resample. The merge order depends on the values only and is computed once.
    """
    n = len(x)
    tied_x, tied_y, tied_both = _ties(x), _ties(y), _ties(np.stack([x, y]))
    by_x = np.lexsort((y, x))
    place = np.arange(n)
    merges = []
    width = 1
    while width < n:
        # Within a block of two runs: by y, with the left run first for equal y, as equal values are no inversion.
        block, right = place // (2 * width), place // width % 2
        order = np.lexsort((right, y[by_x], block))
        lefts, rights = right[order] == 0, np.flatnonzero(right[order])
        last = np.minimum((block[order][rights] + 1) * 2 * width, n) - 1
        merges.append((by_x[order], lefts[:, None], rights, last))
        width *= 2

    def statistic(counts: np.ndarray) -> np.ndarray:
        discordant = np.zeros(counts.shape[1])
        for order, lefts, rights, last in merges:
            ordered = counts[order]
            upto = np.cumsum(ordered * lefts, 0)
            discordant += (ordered[rights] * (upto[last] - upto[rights])).sum(0)
        drawn = counts.sum(0)
        pairs = drawn * (drawn - 1) / 2
        same_x, same_y, same = tied_x(counts), tied_y(counts), tied_both(counts)
        excess = pairs - same_x - same_y + same - 2 * discordant
        return _quotient(excess, pairs - same_x, pairs - same_y, (pairs > same_x) & (pairs > same_y))

    return statistic


def root_mean_square(values: np.ndarray) -> Statistic:
    """The root of the mean square of ``values``, (n,)."""
    squares = np.stack([np.ones(len(values)), values * values])

    def statistic(counts: np.ndarray) -> np.ndarray:
        drawn, total = squares @ counts
        root: np.ndarray = np.sqrt(np.divide(total, drawn, out=np.full(len(total), np.nan), where=drawn > 0))
        return root

    return statistic


def _standard(values: np.ndarray) -> np.ndarray:
    """Centred and scaled to at most 1 in magnitude, for accurate sums of squares."""
    centred: np.ndarray = values - values.mean()
    size = np.abs(centred).max(initial=0.0)
    return centred / size if size > 0 else centred


def _centred_ranks(values: np.ndarray) -> Statistic:
    """Each item's mean rank minus that of all items drawn: (n, B) from counts (n, B)."""
    order = np.argsort(values, kind="stable")
    _, block, sizes = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(sizes)

    def ranks(counts: np.ndarray) -> np.ndarray:
        seen = np.zeros((len(values) + 1, counts.shape[1]))
        np.cumsum(counts[order], 0, out=seen[1:])
        middle = (seen[ends] + seen[ends - sizes] - seen[-1]) / 2
        return middle[block]

    return ranks


def _ties(values: np.ndarray) -> Statistic:
    """Pairs of items drawn that are equal; ``values`` is (n,) or, for rows equal in all, (k, n)."""
    _, block = np.unique(values, return_inverse=True, axis=-1)
    order = np.argsort(block.ravel(), kind="stable")
    starts = np.flatnonzero(np.diff(block.ravel()[order], prepend=-1))

    def statistic(counts: np.ndarray) -> np.ndarray:
        sizes = np.add.reduceat(counts[order], starts, axis=0)
        pairs: np.ndarray = (sizes * (sizes - 1) / 2).sum(0)
        return pairs

    return statistic


def _quotient(cov: np.ndarray, vx: np.ndarray, vy: np.ndarray, defined: np.ndarray) -> np.ndarray:
    below = np.sqrt(np.where(defined, vx, 1.0)) * np.sqrt(np.where(defined, vy, 1.0))
    return np.where(defined, np.clip(cov / below, -1.0, 1.0), np.nan)
