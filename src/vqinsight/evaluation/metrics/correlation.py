"""Agreement of scores with labels: SRCC, KRCC, PLCC and errors, with intervals (Tables 2, 3 and 4).

Correlations are over the whole test set, as in the paper; ``breakdown.py`` has them by dimension, by generator and
within a content. Predictions and labels are parallel: ``join.join`` joins them by id. A missing prediction is left out
and counted; an undefined figure is ``None`` with a warning.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from scipy import stats

from vqinsight.errors import UsageError
from vqinsight.evaluation.metrics import fast_bootstrap
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
)
from vqinsight.evaluation.metrics.join import Number, join, known, predicted
from vqinsight.evaluation.metrics.logistic import Logistic, fit_logistic

Metric = Literal["srcc", "krcc", "plcc", "rmse", "mae"]
FEWEST = 3  # with two items every correlation is +1 or -1
_STATISTICS: dict[Metric, Callable[[np.ndarray, np.ndarray], Statistic]] = {
    "srcc": fast_bootstrap.spearman,
    "krcc": fast_bootstrap.kendall,
    "plcc": fast_bootstrap.pearson,
    "rmse": lambda x, y: fast_bootstrap.root_mean_square(x - y),
    "mae": lambda x, y: mean(np.abs(x - y)),
}
FIGURES = (*_STATISTICS, "plcc_logistic", "rmse_logistic")
_MORE_THAN = 4  # parameters of the logistic
_SMALLEST = 1e-100  # the square of a smaller spread underflows


@dataclass(frozen=True)
class Correlations:
    """The agreement of predictions and labels.

    Attributes:
        n: items with a prediction and a label.
        missing: items without a usable prediction; they are left out.
        srcc, krcc, plcc: Spearman's, Kendall's tau-b and Pearson's, in [-1, 1]; PLCC of the raw predictions.
        plcc_logistic: PLCC after the four-parameter logistic. Its interval keeps the fitted curve fixed.
        rmse, mae: errors of the raw predictions; meaningful only if these are on the labels' scale.
        rmse_logistic: the root mean square error after the logistic, in units of the labels.
        logistic: the fitted curve; ``None`` where the fit is impossible.
        warnings: missing items, and why a figure is undefined.
    """

    n: int
    missing: int
    srcc: Measure
    krcc: Measure
    plcc: Measure
    plcc_logistic: Measure
    rmse: Measure
    mae: Measure
    rmse_logistic: Measure
    logistic: Logistic | None
    warnings: tuple[str, ...] = ()


def srcc(predictions: np.ndarray, labels: np.ndarray) -> float | None:
    """Spearman's rank correlation of (n,) finite values; ``None`` if a side is constant or has under two items."""
    return _defined(stats.spearmanr(predictions, labels).statistic) if _vary(predictions, labels) else None


def krcc(predictions: np.ndarray, labels: np.ndarray) -> float | None:
    """Kendall's tau-b of (n,) finite values; ``None`` as for ``srcc``."""
    return _defined(stats.kendalltau(predictions, labels).statistic) if _vary(predictions, labels) else None


def plcc(predictions: np.ndarray, labels: np.ndarray) -> float | None:
    """Pearson's linear correlation of (n,) finite values; ``None`` as for ``srcc``."""
    return point(fast_bootstrap.pearson(predictions, labels), len(labels)) if _vary(predictions, labels) else None


def correlate(
    predictions: Sequence[Number],
    labels: Sequence[float],
    *,
    clusters: Sequence[Hashable] | None = None,
    bootstrap: Bootstrap | None = DEFAULT,
) -> Correlations:
    """All figures for parallel (n,) predictions and labels.

    Args:
        clusters: (n,) groups that a resample draws together, such as the prompts of the clips.
        bootstrap: ``None`` for no intervals.

    Raises:
        UsageError: unequal lengths, a label that is no number, or fewer than three items with a prediction.
    """
    found, _ = measure(predictions, labels, clusters, bootstrap)
    enough(found.n, found.missing)
    return found


def correlate_by_id(
    predictions: Mapping[str, Number] | Iterable[tuple[str, Number]],
    labels: Mapping[str, float] | Iterable[tuple[str, float]],
    *,
    clusters: Mapping[str, Hashable] | None = None,
    bootstrap: Bootstrap | None = DEFAULT,
) -> Correlations:
    """``correlate`` after ``join``; the warnings count the ids that only one side has.

    Raises:
        UsageError: as of both, and for an id without a cluster where ``clusters`` are given.
    """
    joined = join(predictions, labels)
    alone = [key for key in joined.ids if clusters is not None and key not in clusters]
    if alone:
        raise UsageError(f"{len(alone)} items have no group, the first is {alone[0]}: give each item its group")
    groups = None if clusters is None else [clusters[key] for key in joined.ids]
    found = correlate(joined.predictions, joined.labels, clusters=groups, bootstrap=bootstrap)
    return replace(found, warnings=(*joined.warnings, *found.warnings))


def score_difference(
    first: Sequence[Number],
    second: Sequence[Number],
    labels: Sequence[float],
    *,
    metric: Metric = "srcc",
    clusters: Sequence[Hashable] | None = None,
    bootstrap: Bootstrap | None = DEFAULT,
) -> Difference:
    """The difference of two systems on the items that both score.

    Raises:
        UsageError: as for ``correlate``; there are fewer than three items that both score.
    """
    y = known(labels)
    (one, _), (two, _) = predicted(first, y), predicted(second, y)
    keep = np.isfinite(one) & np.isfinite(two)
    n, missing = int(keep.sum()), int((~keep).sum())
    enough(n, missing)
    if clusters is not None and len(clusters) != len(y):
        raise UsageError(f"{len(clusters)} groups for {len(y)} items: give each item its group")
    groups = None if clusters is None else [clusters[row] for row in np.flatnonzero(keep).tolist()]
    build = _STATISTICS[metric]
    a, b, difference = paired(build(one[keep], y[keep]), build(two[keep], y[keep]), n, bootstrap, groups)
    said = [f"{missing} of {len(y)} items lack a prediction of one system and are left out of both"] if missing else []
    if difference.value is None:
        which = "both" if a is None and b is None else "the first" if a is None else "the second"
        said.append(f"{metric} is undefined for {which}: equal scores or equal labels only")
    return Difference(metric, n, missing, a, b, difference, tuple(said))


def measure(
    predictions: Sequence[Number],
    labels: Sequence[float],
    clusters: Sequence[Hashable] | None,
    bootstrap: Bootstrap | None,
) -> tuple[Correlations, dict[str, np.ndarray]]:
    """``correlate`` for any number of items, with each figure's (resamples,) values.

    With fewer than three usable items every figure is ``None``, with a warning. Resamples are drawn from all items, the
    missing ones too, so that a resample has the same clips in all dimensions.
    """
    labelled = known(labels)
    full, notes = predicted(predictions, labelled)
    keep = np.isfinite(full)
    x, y, n = full[keep], labelled[keep], int(keep.sum())
    said, curve = list(notes), None
    points: dict[str, float | None] = {}
    samples: dict[str, np.ndarray] = {}
    if n < FEWEST:
        said.append(f"only {n} items have a prediction and a label: figures need at least {FEWEST}")
    else:
        for name, values in (("predictions", x), ("labels", y)):
            if np.ptp(values) == 0:
                said.append(f"all {n} {name} are equal: correlations are undefined")
        statistics = {str(name): build(x, y) for name, build in _STATISTICS.items()}
        curve = _fitted(x, y, said)
        if curve is not None:
            mapped = curve(x)
            statistics["plcc_logistic"] = fast_bootstrap.pearson(mapped, y)
            statistics["rmse_logistic"] = fast_bootstrap.root_mean_square(mapped - y)
        points = {name: point(statistic, n) for name, statistic in statistics.items()}
        points |= {"srcc": srcc(x, y), "krcc": krcc(x, y), "plcc": plcc(x, y)}
        if bootstrap is not None:
            defined = {name: _among(keep, statistics[name]) for name, value in points.items() if value is not None}
            samples = resample(defined, len(keep), bootstrap, clusters)
    figures = {}
    for name in FIGURES:
        drawn = samples.get(name)
        interval = percentile_interval(drawn, bootstrap.level) if bootstrap is not None and drawn is not None else None
        figures[name] = Measure(points.get(name), interval)
    return Correlations(n=n, missing=len(keep) - n, logistic=curve, warnings=tuple(said), **figures), samples


def enough(n: int, missing: int, where: str = "") -> None:
    """Raise UsageError if fewer than three items are usable; ``where`` begins its message."""
    if n < FEWEST:
        left_out = f" ({missing} more have no usable prediction)" if missing else ""
        raise UsageError(f"{where}only {n} items to measure{left_out}: at least {FEWEST} are needed")


def _fitted(x: np.ndarray, y: np.ndarray, said: list[str]) -> Logistic | None:
    """The logistic, or ``None``; warnings are added to ``said``."""
    if not _vary(x, y):
        return None
    if len(x) <= _MORE_THAN:
        said.append(f"{len(x)} items are too few for a logistic with {_MORE_THAN} parameters")
        return None
    if min(np.ptp(x), np.ptp(y)) < _SMALLEST:
        said.append(f"values within {_SMALLEST:g} of each other are too close for a logistic")
        return None
    curve = fit_logistic(x, y)
    if not curve.settled:
        said.append("the logistic fit ran out of steps: PLCC after the logistic is that of the best curve so far")
    if curve.falling:
        said.append("the fitted logistic falls: PLCC after it hides that predictions run against the labels")
    return curve


def _vary(x: np.ndarray, y: np.ndarray) -> bool:
    return len(x) > 1 and bool(np.ptp(x) > 0 and np.ptp(y) > 0)


def _defined(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _among(keep: np.ndarray, statistic: Statistic) -> Statistic:
    """The statistic of the items kept, from counts of all items."""
    return statistic if keep.all() else lambda counts: statistic(counts[keep])
