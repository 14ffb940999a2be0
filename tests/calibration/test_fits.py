"""The two fits: a map that never falls, and ridge regression against its definition."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vqinsight.calibration.fits import PENALTIES, fit_monotone, fit_ridge

NUMBERS = st.floats(-1e3, 1e3, allow_subnormal=False)


@given(st.lists(st.tuples(NUMBERS, NUMBERS), min_size=1, max_size=40), st.lists(NUMBERS, min_size=2, max_size=20))
def test_a_higher_score_never_gets_a_lower_value(points: list[tuple[float, float]], asked: list[float]) -> None:
    scores, ratings = np.array(points).T
    values = fit_monotone(scores, ratings)(np.sort(asked))
    assert (np.diff(values) >= -1e-9).all()
    assert ratings.min() - 1e-6 <= values.min() and values.max() <= ratings.max() + 1e-6


def test_scores_that_run_against_the_ratings_give_their_mean() -> None:
    fit = fit_monotone(np.array([1.0, 2, 3]), np.array([3.0, 2, 1]))
    assert fit(np.array([0.0, 2, 9])).tolist() == pytest.approx([2, 2, 2])


def test_ridge_is_the_minimum_of_its_definition() -> None:
    random = np.random.default_rng(0)
    x, y = random.normal(3, 5, (30, 4)), random.normal(size=30)
    for penalty in PENALTIES:
        [fit] = fit_ridge(x, y, [penalty], list("abcd"))
        z = (x - x.mean(0)) / x.std(0)

        def loss(b: np.ndarray, z: np.ndarray = z, penalty: float = penalty) -> float:
            return float(np.square(y - y.mean() - z @ b).mean() + penalty * np.square(b).sum())

        best = np.array(fit.coefficients)
        assert all(loss(best) < loss(best + step) for step in 1e-3 * np.eye(4)[[0, 1, 2, 3]])
        assert all(loss(best) < loss(best - step) for step in 1e-3 * np.eye(4)[[0, 1, 2, 3]])
        expected = np.clip(y.mean() + z @ best, y.min(), y.max())
        assert fit(x) == pytest.approx(expected)


def test_a_missing_value_is_the_median_and_counted() -> None:
    x = np.array([[1.0, 5], [2, 5], [3, 5], [np.nan, 5], [100, 5]])
    [fit] = fit_ridge(x, np.array([1.0, 2, 3, 4, 5]), [0.1], ["a", "equal"])
    assert fit.medians == (2.5, 5.0) and fit.imputed == (1, 0)
    assert fit(np.array([[np.nan, 5.0]])) == fit(np.array([[2.5, 5.0]]))
    assert fit(np.array([[2.0, 5.0]])) == fit(np.array([[2.0, 99.0]]))  # what never varied says nothing
    [none] = fit_ridge(np.full((4, 1), np.nan), np.array([1.0, 2, 3, 4]), [0.1], ["a"])
    assert none(np.array([[7.0]])).tolist() == [2.5] and none.imputed == (4,)


def test_no_value_leaves_the_range_of_the_ratings() -> None:
    [fit] = fit_ridge(np.arange(5.0)[:, None], np.arange(5.0), [0.01], ["a"])
    assert fit(np.array([[-1e6], [1e6]])).tolist() == [0.0, 4.0]
