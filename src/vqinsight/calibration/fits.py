"""What is fitted to ratings: a monotone map of a judge's scores, and ridge regression on measurements."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from vqinsight.evaluation.metrics.calibration import monotone_map

PENALTIES = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0)


@dataclass(frozen=True)
class MonotoneFit:
    """A non-decreasing map, linear between its knots and constant outside.

    Attributes:
        knots: scores, ascending.
        values: the map there, in units of the ratings.
    """

    knots: tuple[float, ...]
    values: tuple[float, ...]

    def __call__(self, scores: np.ndarray) -> np.ndarray:
        """Scores (n,) as ratings (n,)."""
        return np.interp(scores, self.knots, self.values)


@dataclass(frozen=True)
class RidgeFit:
    """Ridge regression on standardised features; a missing feature is the median, and no value leaves the ratings'
    range.

    Attributes:
        features: names, in the order of the columns.
        medians: of each feature, over the clips that have it; 0 where none has.
        imputed: number of fitted clips that lack the feature.
        means, deviations: that the features are standardised by; a deviation of 0 leaves the feature out.
        coefficients: in units of the ratings, for one standard deviation.
        intercept: the mean rating.
        penalty: lambda of ``fit_ridge``.
        low, high: the lowest and highest rating.
    """

    features: tuple[str, ...]
    medians: tuple[float, ...]
    imputed: tuple[int, ...]
    means: tuple[float, ...]
    deviations: tuple[float, ...]
    coefficients: tuple[float, ...]
    intercept: float
    penalty: float
    low: float
    high: float

    def __call__(self, features: np.ndarray) -> np.ndarray:
        """Features (n, q), NaN where missing, as ratings (n,)."""
        z = _standardised(features, np.array(self.medians), np.array(self.means), np.array(self.deviations))
        values: np.ndarray = np.clip(self.intercept + z @ np.array(self.coefficients), self.low, self.high)
        return values


def fit_monotone(scores: np.ndarray, ratings: np.ndarray) -> MonotoneFit:
    """Isotonic regression of ratings (n,) on scores (n,): the constant mean where ratings do not rise with them."""
    knots, values = monotone_map(scores, ratings)
    return MonotoneFit(tuple(knots.tolist()), tuple(values.tolist()))


def fit_ridge(
    features: np.ndarray, ratings: np.ndarray, penalties: Sequence[float], names: Sequence[str]
) -> list[RidgeFit]:
    """For each penalty lambda the b that minimises |y - Zb|² / n + lambda |b|², for standardised features Z and centred
    ratings y.

    Args:
        features: (n, q), NaN where missing.
        ratings: (n,).
        penalties: values of lambda, above 0.
        names: of the q features.
    """
    there = ~np.isnan(features)
    medians = np.nanmedian(np.where(there.any(0), features, 0.0), axis=0)
    filled = np.where(there, features, medians)
    means, deviations = filled.mean(0), filled.std(0)
    deviations[deviations < 1e-9 * (1 + np.abs(means))] = 0  # all equal, but for rounding
    left, sizes, right = np.linalg.svd(_standardised(features, medians, means, deviations), full_matrices=False)
    along = left.T @ (ratings - ratings.mean())
    return [
        RidgeFit(
            features=tuple(names),
            medians=tuple(medians.tolist()),
            imputed=tuple((~there).sum(0).tolist()),
            means=tuple(means.tolist()),
            deviations=tuple(deviations.tolist()),
            coefficients=tuple((right.T @ (sizes / (sizes**2 + len(ratings) * penalty) * along)).tolist()),
            intercept=float(ratings.mean()),
            penalty=penalty,
            low=float(ratings.min()),
            high=float(ratings.max()),
        )
        for penalty in penalties
    ]


def _standardised(features: np.ndarray, medians: np.ndarray, means: np.ndarray, deviations: np.ndarray) -> np.ndarray:
    filled = np.where(np.isnan(features), medians, features)
    spread = np.where(deviations > 0, deviations, 1.0)
    return np.where(deviations > 0, (filled - means) / spread, 0.0)
