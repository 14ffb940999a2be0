from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vqinsight.errors import UsageError
from vqinsight.evaluation.metrics.bootstrap import Bootstrap, draws
from vqinsight.evaluation.metrics.correlation import (
    correlate,
    correlate_by_id,
    krcc,
    measure,
    plcc,
    score_difference,
    srcc,
)
from vqinsight.evaluation.metrics.logistic import Logistic, fit_logistic
from vqinsight.tasks.types import Missing

FEW = Bootstrap(resamples=60)


def some(n: int, noise: float = 10.0, seed: int = 0) -> tuple[list[float], list[float]]:
    """Predictions and labels on 0-100."""
    generator = np.random.default_rng(seed)
    labels = generator.uniform(0, 100, n)
    return (labels + generator.normal(0, noise, n)).tolist(), labels.tolist()


def test_by_hand_without_ties():
    x, y = np.array([1.0, 2, 3, 4, 5]), np.array([2.0, 1, 4, 3, 5])
    assert srcc(x, y) == pytest.approx(1 - 6 * 4 / (5 * 24))  # squared rank differences: 1 + 1 + 1 + 1 + 0
    assert krcc(x, y) == pytest.approx((8 - 2) / 10)  # two of ten pairs are the other way round
    assert plcc(np.array([1.0, 2, 3]), np.array([1.0, 2, 4])) == pytest.approx(3 / np.sqrt(2 * 42 / 9))


def test_by_hand_with_ties():
    x, y = np.array([1.0, 1, 2, 3]), np.array([1.0, 2, 2, 3])
    # Ranks 1.5 1.5 3 4 and 1 2.5 2.5 4: products of deviations 3.75, squares 4.5 and 4.5.
    assert srcc(x, y) == pytest.approx(3.75 / 4.5)
    assert krcc(x, y) == pytest.approx(4 / np.sqrt(5 * 5))  # six pairs: one tied in x, one in y, four in order


def test_errors_by_hand():
    found = correlate([1.0, 2.0, 3.0], [2.0, 2.0, 5.0], bootstrap=None)
    assert found.mae.value == pytest.approx(1.0)
    assert found.rmse.value == pytest.approx(np.sqrt(5 / 3))


def test_the_logistic_by_hand():
    curve = Logistic(b1=10.0, b2=0.0, b3=2.0, b4=-1.0)  # the width is |b4|
    assert curve([2.0, 2.0 + np.log(3), 1e9, -1e9]) == pytest.approx([5.0, 7.5, 10.0, 0.0])
    assert Logistic(10.0, 0.0, 2.0, 0.0)([1.0, 2.0, 3.0]) == pytest.approx([0.0, 5.0, 10.0])


def test_a_logistic_relation_is_found():
    truth = Logistic(b1=90.0, b2=10.0, b3=0.4, b4=0.1)
    x = np.linspace(0, 1, 40)
    found = fit_logistic(x, truth(x))
    assert (found.b1, found.b2, found.b3, abs(found.b4)) == pytest.approx((90.0, 10.0, 0.4, 0.1), abs=1e-6)
    assert found.settled and not found.falling
    measured = correlate(x.tolist(), truth(x).tolist(), bootstrap=None)
    assert measured.plcc.value < 0.99 and measured.plcc_logistic.value == pytest.approx(1.0)
    assert measured.rmse_logistic.value == pytest.approx(0.0, abs=1e-6)


def test_a_fit_that_stays_a_step_is_tried_again():
    """Ten predictions on a scale of a thousand: from a width of 0.5 the fit does not move."""
    generator = np.random.default_rng(0)
    for _ in range(40):
        labels = generator.uniform(0, 100, 10)
        predictions = 1000 * (labels / 100 + generator.normal(0, 0.15, 10))
        found = correlate(predictions.tolist(), labels.tolist(), bootstrap=None)
        assert found.plcc_logistic.value > found.plcc.value - 1e-3


def test_predictions_that_run_backwards_are_not_hidden_by_the_logistic():
    predictions, labels = some(50)
    found = correlate([-p for p in predictions], labels, bootstrap=None)
    assert found.plcc.value < -0.9 < 0.9 < found.plcc_logistic.value
    assert any("run against the labels" in line for line in found.warnings)


def test_missing_and_broken_predictions_are_left_out_and_counted():
    predictions, labels = some(20)
    holes = [None, Missing("no answer"), float("nan"), float("inf"), *predictions[4:]]
    found = correlate(holes, labels, bootstrap=FEW)
    plain = correlate(predictions[4:], labels[4:], bootstrap=FEW)
    assert (found.n, found.missing) == (16, 4)
    assert found.srcc.value == plain.srcc.value
    assert found.warnings[0] == "2 of 20 predictions are missing"
    assert found.warnings[1].startswith("2 of 20 predictions are NaN or infinite")


def test_resamples_of_items_that_are_partly_missing():
    """All items are drawn; of those drawn, the ones with a prediction are measured."""
    predictions, labels = some(12)
    _, samples = measure([None, None, None, *predictions[3:]], labels, None, FEW)
    counts = next(draws(12, FEW))
    for drawn, value in zip(counts.T, samples["plcc"], strict=True):
        rows = [row for row in range(3, 12) for _ in range(int(drawn[row]))]
        assert value == pytest.approx(plcc(np.array(predictions)[rows], np.array(labels)[rows]))


@pytest.mark.parametrize("constant", ["predictions", "labels"])
def test_constant_input_has_no_correlation_but_an_error(constant):
    values, same = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0], [2.0] * 6
    found = correlate(*((same, values) if constant == "predictions" else (values, same)), bootstrap=FEW)
    for figure in (found.srcc, found.krcc, found.plcc, found.plcc_logistic):
        assert figure.value is None and figure.interval is None
    assert found.rmse.value > 0 and found.rmse.interval is not None
    assert found.warnings == (f"all 6 {constant} are equal: correlations are undefined",)


@pytest.mark.parametrize("predictions", [[], [1.0, 2.0], [1.0, 2.0, None]])
def test_fewer_than_three_items_are_refused(predictions):
    with pytest.raises(UsageError, match="at least 3 are needed"):
        correlate(predictions, [float(i) for i in range(len(predictions))])


def test_too_few_for_a_logistic():
    found = correlate([1.0, 2.0, 3.0, 5.0], [1.0, 2.0, 3.0, 4.0], bootstrap=None)
    assert found.plcc_logistic.value is None and found.plcc.value is not None
    assert found.warnings == ("4 items are too few for a logistic with 4 parameters",)


def test_labels_must_be_numbers():
    with pytest.raises(UsageError, match="labels that are not finite"):
        correlate([1.0, 2.0, 3.0], [1.0, 2.0, float("nan")])


def test_by_id_counts_what_does_not_match():
    predictions, labels = some(10)
    ids = [f"clip{i}" for i in range(10)]
    found = correlate_by_id(
        dict(zip(ids[1:], predictions[1:], strict=True)), dict(zip(ids[:9], labels[:9], strict=True)), bootstrap=None
    )
    assert found.n == 8
    assert found.warnings == (
        "predictions without a label, left out: 1 (clip9)",
        "labels without a prediction, left out: 1 (clip0)",
    )
    assert found.srcc.value == correlate(predictions[1:9], labels[1:9], bootstrap=None).srcc.value


def test_every_item_needs_its_cluster():
    predictions, labels = some(4)  # too few for the logistic, whose search ends an epsilon apart from run to run
    by_id = dict(zip("abcd", predictions, strict=True)), dict(zip("abcd", labels, strict=True))
    found = correlate_by_id(*by_id, clusters={"a": 1, "b": 1, "c": 2, "d": 2}, bootstrap=FEW)
    assert found == correlate(predictions, labels, clusters=[1, 1, 2, 2], bootstrap=FEW)
    assert found != correlate(predictions, labels, clusters=[1, 2, 3, 4], bootstrap=FEW)
    with pytest.raises(UsageError, match="1 items have no group, the first is d"):
        correlate_by_id(*by_id, clusters=dict.fromkeys("abc", 1))
    for correlation in (correlate, lambda x, y, clusters: score_difference(x, x, y, clusters=clusters)):
        with pytest.raises(UsageError, match="2 groups for 4 items"):
            correlation(predictions, labels, clusters=[1, 2])


def test_intervals_hold_the_value_and_shrink_with_items():
    widths = []
    for n in (50, 800):
        found = correlate(*some(n, noise=40.0), bootstrap=Bootstrap(resamples=300))
        for figure in (found.srcc, found.krcc, found.plcc, found.plcc_logistic, found.rmse, found.mae):
            assert figure.interval.low < figure.value < figure.interval.high
        widths.append(found.srcc.interval.high - found.srcc.interval.low)
    assert widths[1] < widths[0] / 2.5


def test_the_seed_fixes_the_interval():
    predictions, labels = some(30)
    first, again = (correlate(predictions, labels, bootstrap=FEW) for _ in range(2))
    other = correlate(predictions, labels, bootstrap=Bootstrap(resamples=60, seed=1))
    assert first == again
    assert first.srcc.interval != other.srcc.interval


def test_copies_of_an_item_do_not_make_it_surer_when_drawn_together():
    predictions, labels = some(20, noise=40.0)
    clusters = list(range(20)) * 10
    alone = correlate(predictions, labels, bootstrap=FEW)
    copied = correlate(predictions * 10, labels * 10, bootstrap=FEW)
    together = correlate(predictions * 10, labels * 10, clusters=clusters, bootstrap=FEW)
    assert together.plcc.interval.low == pytest.approx(alone.plcc.interval.low)
    assert copied.plcc.interval.low > together.plcc.interval.low


def test_a_better_system_is_told_from_a_worse_one_on_the_same_items():
    good, labels = some(200, noise=20.0)
    bad = (np.array(good) + np.random.default_rng(1).normal(0, 30, 200)).tolist()
    found = score_difference(good, bad, labels, bootstrap=FEW)
    assert found.difference.value == pytest.approx(found.first - found.second)
    assert found.difference.interval.low > 0
    same = score_difference(good, good, labels, metric="krcc", bootstrap=FEW)
    assert (same.difference.value, same.difference.interval.low, same.difference.interval.high) == (0, 0, 0)


@pytest.mark.parametrize("metric", ["srcc", "krcc", "plcc", "rmse", "mae"])
def test_a_difference_uses_items_that_both_have(metric):
    first, labels = some(30)
    second = [p + 5 * (i % 3) for i, p in enumerate(first)]
    holed_first, holed_second = [None, *first[1:]], [*second[:-1], float("nan")]
    found = score_difference(holed_first, holed_second, labels, metric=metric, bootstrap=FEW)
    assert (found.n, found.missing) == (28, 2)
    assert found.warnings == ("2 of 30 items lack a prediction of one system and are left out of both",)
    assert found.first == pytest.approx(getattr(correlate(first[1:29], labels[1:29], bootstrap=None), metric).value)


def test_a_difference_with_a_constant_system_is_undefined():
    first, labels = some(10)
    found = score_difference(first, [1.0] * 10, labels, bootstrap=FEW)
    assert found.difference.value is None
    assert found.warnings == ("srcc is undefined for the second: equal scores or equal labels only",)


LISTS = st.lists(st.tuples(st.integers(-50, 50), st.integers(-50, 50)), min_size=3, max_size=40)


@settings(max_examples=100, deadline=None)
@given(LISTS, st.sampled_from([lambda v: 3 * v + 7, lambda v: v**3, np.arctan, lambda v: np.exp(v / 20)]))
def test_rank_correlations_do_not_see_monotone_maps(items, mapping):
    x, y = (np.array(column, float) for column in zip(*items, strict=True))
    for metric in (srcc, krcc):
        before, after = metric(x, y), metric(mapping(x), y)
        assert (before is None) == (after is None)
        assert before is None or after == pytest.approx(before, abs=1e-12)


@settings(max_examples=50, deadline=None)
@given(LISTS)
def test_whatever_comes_in_correlations_stay_in_range(items):
    x, y = ([float(v) for v in column] for column in zip(*items, strict=True))
    found = correlate(x, y, bootstrap=Bootstrap(resamples=10))
    for figure in (found.srcc, found.krcc, found.plcc, found.plcc_logistic):
        assert figure.value is None or -1 - 1e-12 <= figure.value <= 1 + 1e-12
        assert figure.interval is None or -1 <= figure.interval.low <= figure.interval.high <= 1
    assert (found.srcc.value is None) == (len(set(x)) == 1 or len(set(y)) == 1)


@settings(max_examples=40, deadline=None)
@given(LISTS, st.integers(-310, 98))
def test_extreme_scales_do_not_crash_the_fit(items, exponent):
    x, y = ([float(v) for v in column] for column in zip(*items, strict=True))
    correlate([v * 10.0**exponent for v in x], y, bootstrap=None)
    correlate(x, [v * 10.0**exponent for v in y], bootstrap=None)
