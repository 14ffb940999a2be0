"""Cross-validation of a scale: every figure is of clips whose prompt, or generator, was not fitted on.

Which of two fits a scale takes, and the penalty of ridge regression, are chosen inside each fold, by folds of its
remaining clips: the choice does not flatter the figures.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

import numpy as np

from vqinsight.calibration.fits import PENALTIES, MonotoneFit, RidgeFit, fit_monotone, fit_ridge
from vqinsight.calibration.folds import Grouping, folds
from vqinsight.calibration.observations import METADATA, Observations
from vqinsight.evaluation.metrics import fast_bootstrap
from vqinsight.evaluation.metrics.bootstrap import Bootstrap, Measure, percentile_interval, point, resample
from vqinsight.evaluation.metrics.correlation import plcc, score_difference, srcc
from vqinsight.evaluation.metrics.pairwise import margins, score_pairs
from vqinsight.measure.quantities import QUANTITIES

Used = Literal["judge", "measurements"]
Control = Literal["mean", "metadata"]
_CONTROLS: tuple[Control, ...] = ("mean", "metadata")
SHARE = 0.8  # of clips whose rating lies in a value's range
_DIGITS = 9  # of the ratings' range: smaller differences are rounding errors
_FEW = 10  # groups: resamples of fewer vary too little


@dataclass(frozen=True)
class Figures:
    """Agreement of out-of-fold values with the ratings; intervals resample groups.

    Attributes:
        srcc, plcc: correlations of the values minus the mean rating of their fold's fitted clips; ``None`` of the mean.
        rmse: in units of the ratings.
        pairs: share of pairs of one prompt, rated differently, that are in the right order.
    """

    srcc: Measure
    plcc: Measure
    rmse: Measure
    pairs: Measure


@dataclass(frozen=True)
class Validation:
    """One grouping of the clips.

    Attributes:
        grouping: what a fold leaves out: prompts, generators, or single clips.
        groups, folds: their numbers.
        pairs: number of pairs of one prompt, rated differently.
        used: folds in which the scale takes the judge's scores, and those in which it takes the measurements.
        figures: of ``scale`` (what the fold chooses), ``judge``, ``measurements``, ``metadata`` (size and length
            alone) and ``mean`` (of the fold's ratings).
        against: RMSE of the scale minus that of the mean, and of metadata; intervals resample groups.
        better_than: of the mean and of metadata, whether the difference is below 0 with its whole interval, resampled
            by group and by clip.
        error: ratings of 80 of 100 clips are at most this far from the scale's value.
        notes: remarks.
    """

    grouping: Grouping
    groups: int
    folds: int
    pairs: int
    used: dict[Used, int]
    figures: dict[str, Figures]
    against: dict[Control, Measure]
    better_than: dict[Control, bool]
    error: float
    notes: tuple[str, ...]

    @property
    def better(self) -> bool:
        """Whether the scale is better than the mean and than metadata."""
        return all(self.better_than.values())


@dataclass(frozen=True)
class Choice:
    """Which fit has the lowest out-of-fold error, and the penalty of ridge regression."""

    used: Used
    penalty: float


def choose(found: Observations, rows: np.ndarray, groups: Sequence[str]) -> Choice:
    """By cross-validation among ``rows``, whose groups are left out in turn."""
    inner = _splits(rows, groups)
    penalty, error = _penalty(found.measured, found.ratings, inner)
    judge = sum(
        float(np.square(fit_judge(found, train)(found.scores[test]) - found.ratings[test]).sum())
        for train, test in inner
    )
    return Choice("judge" if judge <= error else "measurements", penalty)


def fit_judge(found: Observations, rows: np.ndarray) -> MonotoneFit:
    """The monotone map of the judge's scores."""
    return fit_monotone(found.scores[rows], found.ratings[rows])


def fit_measurements(found: Observations, rows: np.ndarray, penalty: float) -> RidgeFit:
    """Ridge regression on the measurements."""
    return fit_ridge(found.measured[rows], found.ratings[rows], [penalty], list(QUANTITIES))[0]


def out_of_fold(found: Observations, groups: Sequence[str]) -> tuple[dict[str, np.ndarray], dict[Used, int]]:
    """Values (n,) of each system of ``Validation.figures``, each from a fit without the clip's group; and how often
    each fit was chosen.
    """
    rows = np.arange(len(groups))
    values = {name: np.zeros(len(rows)) for name in ("scale", "judge", "measurements", "metadata", "mean")}
    used: dict[Used, int] = {"judge": 0, "measurements": 0}
    for train, test in _splits(rows, groups):
        choice = choose(found, train, groups)
        used[choice.used] += 1
        values["judge"][test] = fit_judge(found, train)(found.scores[test])
        values["measurements"][test] = fit_measurements(found, train, choice.penalty)(found.measured[test])
        values["scale"][test] = values[choice.used][test]
        penalty, _ = _penalty(found.metadata, found.ratings, _splits(train, groups))
        [control] = fit_ridge(found.metadata[train], found.ratings[train], [penalty], METADATA)
        values["metadata"][test] = control(found.metadata[test])
        values["mean"][test] = found.ratings[train].mean()
    return values, used


def validate(found: Observations, grouping: Grouping, groups: Sequence[str], bootstrap: Bootstrap) -> Validation:
    """The figures of one grouping; ``groups`` are (n,)."""
    values, used = out_of_fold(found, groups)
    ratings = found.ratings.tolist()
    pairs = _pairs(found)
    figures = {
        name: _figures(column, values["mean"], found, groups, pairs, bootstrap) for name, column in values.items()
    }
    apart = {other: _differences(values["scale"], values[other], ratings, groups, bootstrap) for other in _CONTROLS}
    count = len(set(groups))
    notes = [f"{count} groups are few: their intervals are too narrow."] if count < _FEW else []
    return Validation(
        grouping=grouping,
        groups=count,
        folds=len(folds(groups)),
        pairs=len(pairs),
        used=used,
        figures=figures,
        against={other: of["groups"] for other, of in apart.items()},
        better_than={other: all(map(_is_below, of.values())) for other, of in apart.items()},
        error=_range(np.abs(values["scale"] - found.ratings)),
        notes=tuple(notes),
    )


def _differences(
    first: np.ndarray, second: np.ndarray, ratings: list[float], groups: Sequence[str], bootstrap: Bootstrap
) -> dict[str, Measure]:
    """RMSE of the first minus that of the second, resampled by group and by clip: few groups give no interval alone."""
    return {
        name: score_difference(
            first.tolist(), second.tolist(), ratings, metric="rmse", clusters=clusters, bootstrap=bootstrap
        ).difference
        for name, clusters in (("groups", groups), ("clips", None))
    }


def _is_below(difference: Measure) -> bool:
    return difference.interval is not None and difference.interval.high < 0


def _figures(
    values: np.ndarray,
    means: np.ndarray,
    found: Observations,
    groups: Sequence[str],
    pairs: Sequence[tuple[int, int]],
    bootstrap: Bootstrap,
) -> Figures:
    """Of values (n,), for folds whose fitted ratings have the means (n,).

    The mean of the other clips is the lower the higher a fold is rated: this alone makes correlations of a value that
    knows nothing negative. So order and correlation are of the values minus these means.
    """
    ratings = found.ratings
    own = np.round((values - means) / np.ptp(ratings), _DIGITS)
    statistics = {
        "srcc": fast_bootstrap.spearman(own, ratings),
        "plcc": fast_bootstrap.pearson(own, ratings),
        "rmse": fast_bootstrap.root_mean_square(values - ratings),
    }
    points = {"srcc": srcc(own, ratings), "plcc": plcc(own, ratings), "rmse": point(statistics["rmse"], len(ratings))}
    defined = {name: statistics[name] for name, value in points.items() if value is not None}
    drawn = resample(defined, len(ratings), bootstrap, groups)
    found_of = {
        name: Measure(value, percentile_interval(drawn[name], bootstrap.level) if name in drawn else None)
        for name, value in points.items()
    }
    return Figures(**found_of, pairs=_right(own, found, pairs, bootstrap) if "srcc" in defined else Measure(None))


def _right(own: np.ndarray, found: Observations, pairs: Sequence[tuple[int, int]], bootstrap: Bootstrap) -> Measure:
    """The share of pairs in the right order; one without a difference is wrong."""
    if not pairs:
        return Measure(None)
    a, b = (list(side) for side in zip(*pairs, strict=True))
    prompts = [str(found.clips[row].prompt) for row in a]
    humans = np.sign(found.ratings[a] - found.ratings[b]).astype(int).tolist()
    together = prompts if len(set(prompts)) > 1 else None
    return score_pairs(margins(own[a].tolist(), own[b].tolist()), humans, clusters=together, bootstrap=bootstrap).diff


def _pairs(found: Observations) -> list[tuple[int, int]]:
    """Two clips of one prompt whose ratings differ."""
    of: dict[str, list[int]] = {}
    for row, clip in enumerate(found.clips):
        if clip.prompt is not None:
            of.setdefault(clip.prompt, []).append(row)
    both = (pair for rows in of.values() for pair in combinations(rows, 2))
    return [(a, b) for a, b in both if found.ratings[a] != found.ratings[b]]


def _range(errors: np.ndarray) -> float:
    """The smallest error that ``SHARE`` of new clips do not exceed, if they are like these: split conformal."""
    place = min(len(errors), int(np.ceil(SHARE * (len(errors) + 1))))
    return float(np.sort(errors)[place - 1])


_Split = tuple[np.ndarray, np.ndarray]


def _splits(rows: np.ndarray, groups: Sequence[str]) -> list[_Split]:
    """(train, test) row numbers of each fold of ``rows``."""
    tests = [rows[fold] for fold in folds([groups[row] for row in rows])]
    return [(np.setdiff1d(rows, test), test) for test in tests]


def _penalty(features: np.ndarray, ratings: np.ndarray, splits: Sequence[_Split]) -> tuple[float, float]:
    """The penalty with the lowest mean square error out of fold, and that error; the largest of equal ones."""
    names = [str(column) for column in range(features.shape[1])]
    squares = np.zeros(len(PENALTIES))
    for train, test in splits:
        fits = fit_ridge(features[train], ratings[train], PENALTIES, names)
        squares += [np.square(fit(features[test]) - ratings[test]).sum() for fit in fits]
    best = len(PENALTIES) - 1 - int(np.argmin(squares[::-1]))
    return PENALTIES[best], float(squares[best])
