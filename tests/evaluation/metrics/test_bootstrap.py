"""Counts of resamples must give what the items written out give, and the intervals what the draws say."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from vqinsight.errors import UsageError
from vqinsight.evaluation.metrics import fast_bootstrap
from vqinsight.evaluation.metrics.bootstrap import (
    Bootstrap,
    draws,
    mean,
    paired,
    percentile_interval,
    point,
    resample,
    share,
)

SMALL = Bootstrap(resamples=7)


def test_every_resample_draws_as_many_items_as_there_are():
    counts = np.concatenate(list(draws(5, Bootstrap(resamples=250))), axis=1)
    assert counts.shape == (5, 250)
    assert (counts.sum(0) == 5).all()
    assert counts.min() == 0 and counts.mean() == 1


def test_a_seed_fixes_the_draws_and_more_resamples_go_on_from_there():
    few = np.concatenate(list(draws(9, Bootstrap(resamples=40))), axis=1)
    many = np.concatenate(list(draws(9, Bootstrap(resamples=140))), axis=1)
    assert (many[:, :40] == few).all()
    other = next(draws(9, Bootstrap(resamples=40, seed=1)))
    assert (other != few).any()


def test_groups_are_drawn_whole():
    groups = ["p", "q", "p", "r", "q"]
    counts = next(draws(5, Bootstrap(resamples=50), groups))
    assert (counts[0] == counts[2]).all() and (counts[1] == counts[4]).all()
    assert ((counts[0] + counts[1] + counts[3]) == 3).all()


@pytest.mark.parametrize("groups", [["p"] * 4, ["p", "q", "r"]])
def test_groups_that_cannot_be_drawn(groups):
    with pytest.raises(UsageError, match="group"):
        next(draws(4, SMALL, groups))


@pytest.mark.parametrize("settings", [{"resamples": 0}, {"level": 1.0}, {"level": 0.0}])
def test_bootstrap_settings_are_checked(settings):
    with pytest.raises(UsageError, match="resamples must be at least 1"):
        Bootstrap(**settings)


def test_percentiles_by_hand():
    found = percentile_interval(np.arange(101.0), 0.5)
    assert (found.low, found.high, found.level, found.resamples, found.undefined) == (25.0, 75.0, 0.5, 101, 0)
    assert percentile_interval(np.array([np.nan, 1.0, np.nan]), 0.5).undefined == 2
    assert percentile_interval(np.array([np.nan]), 0.95) is None


def test_share_and_mean_by_hand():
    half = share(np.array([1.0, 0.0, 1.0]), np.array([1.0, 1.0, 0.0]))
    assert half(np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 3.0]]))[0] == 0.5
    assert np.isnan(half(np.array([[0.0], [0.0], [3.0]]))[0])
    assert point(mean(np.array([1.0, 2.0, 6.0])), 3) == 3.0
    assert point(share(np.zeros(2), np.zeros(2)), 2) is None


def test_the_mean_has_the_interval_that_theory_gives():
    values = np.random.default_rng(3).normal(0, 1, 400)
    found = percentile_interval(resample({"m": mean(values)}, 400, Bootstrap(resamples=4000))["m"], 0.95)
    half_width = 1.96 * values.std() / 20
    assert found.low == pytest.approx(values.mean() - half_width, abs=0.01)
    assert found.high == pytest.approx(values.mean() + half_width, abs=0.01)


def test_a_paired_difference_is_taken_inside_each_resample():
    values = np.random.default_rng(4).normal(0, 10, 60)
    first, second, difference = paired(mean(values + 1), mean(values), 60, SMALL)
    assert first - second == pytest.approx(1)
    assert (difference.interval.low, difference.interval.high) == (pytest.approx(1), pytest.approx(1))


ITEMS = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6), st.integers(0, 3)), min_size=2, max_size=25)


@settings(max_examples=200, deadline=None)
@given(ITEMS)
def test_counts_equal_items_written_out(items):
    x, y, counts = (np.array(column, float) for column in zip(*items, strict=True))
    rows = np.repeat(np.arange(len(x)), counts.astype(int))
    long_x, long_y = x[rows], y[rows]
    pairs = [
        (fast_bootstrap.spearman, lambda a, b: stats.spearmanr(a, b).statistic),
        (fast_bootstrap.kendall, lambda a, b: stats.kendalltau(a, b).statistic),
        (fast_bootstrap.pearson, lambda a, b: stats.pearsonr(a, b).statistic),
    ]
    for ours, theirs in pairs:
        found = ours(x, y)(counts[:, None])[0]
        if len(rows) < 2 or np.ptp(long_x) == 0 or np.ptp(long_y) == 0:
            assert np.isnan(found)
        else:
            assert found == pytest.approx(theirs(long_x, long_y), abs=1e-12)


def test_large_and_offset_values_keep_their_digits():
    generator = np.random.default_rng(0)
    x = generator.normal(0, 1, 300)
    y = x + generator.normal(0, 1, 300)
    expected = stats.pearsonr(x, y).statistic
    assert point(fast_bootstrap.pearson(1e6 + x, 1e-9 * y), 300) == pytest.approx(expected, abs=1e-9)
