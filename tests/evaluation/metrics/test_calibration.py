from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vqinsight.errors import UsageError
from vqinsight.evaluation.metrics.calibration import Calibration, fit_calibration, load_calibration

NAMES = {"name": "half of a test", "scale": "test MOS", "low": 1.0, "high": 5.0, "scores_of": "nano, quality"}
SCORES = {"a": 10.0, "b": 20.0, "c": 30.0, "d": 40.0}
LABELS = {"a": 1.0, "b": 3.0, "c": 2.0, "d": 4.0}


def test_isotonic_by_hand():
    """b and c are the wrong way round: both become 2.5."""
    found = fit_calibration(SCORES, LABELS, **NAMES)
    assert found([10.0, 20.0, 25.0, 30.0, 40.0]).tolist() == [1.0, 2.5, 2.5, 2.5, 4.0]
    assert found([15.0, 35.0]).tolist() == [1.75, 3.25]  # straight between the steps


def test_pchip_goes_through_the_middles_of_the_steps():
    found = fit_calibration(SCORES, LABELS, method="pchip", **NAMES)
    assert found.knots == (10.0, 25.0, 40.0) and found.values == (1.0, 2.5, 4.0)
    assert found([10.0, 25.0, 40.0]) == pytest.approx([1.0, 2.5, 4.0])


def test_equal_scores_are_one_point_at_their_mean():
    found = fit_calibration({"a": 1.0, "b": 1.0, "c": 2.0}, {"a": 1.0, "b": 3.0, "c": 5.0}, **NAMES)
    assert found([1.0, 2.0]).tolist() == [2.0, 5.0]


def test_a_point_of_three_items_weighs_three_times_in_a_step():
    scores = {"a": 1.0, "b": 1.0, "c": 1.0, "d": 2.0, "e": 3.0}
    found = fit_calibration(scores, {"a": 3.0, "b": 3.0, "c": 3.0, "d": 1.0, "e": 5.0}, **NAMES)
    assert found([1.0, 2.0, 3.0]).tolist() == [2.5, 2.5, 5.0]  # (3 * 3 + 1) / 4


@pytest.mark.parametrize("method", ["isotonic", "pchip"])
def test_outside_it_is_held_and_says_so(method):
    found = fit_calibration(SCORES, LABELS, method=method, **NAMES)
    low, high = found.at(-5.0), found.at(95.0)
    assert (low.value, low.percentile, high.value, high.percentile) == (1.0, 0.0, 4.0, 100.0)
    assert low.note == "-5 is below the lowest score of half of a test (10): held at 1"
    assert high.note == "95 is above the highest score of half of a test (40): held at 4"
    assert found.at(40.0).note is None


def test_percentile_by_hand():
    found = fit_calibration(SCORES, LABELS, **NAMES)
    assert found.at(20.0).percentile == 37.5  # one below, one equal
    assert found.at(25.0).percentile == 50.0


def test_the_fitting_set_is_named_counted_and_has_a_digest():
    found = fit_calibration({**SCORES, "x": 1.0, "e": None}, {**LABELS, "e": 2.0, "y": 3.0}, **NAMES)
    fitted = found.fitted_on
    assert (fitted.name, fitted.n, fitted.scores) == ("half of a test", 4, (10.0, 20.0, 30.0, 40.0))
    assert fitted.left_out == (
        "predictions without a label, left out: 1 (x)",
        "labels without a prediction, left out: 1 (y)",
        "1 of 5 predictions are missing",
    )
    turned = dict(reversed(LABELS.items()))
    assert fit_calibration(SCORES, turned, **NAMES).fitted_on.digest == fitted.digest
    assert fit_calibration(SCORES, {**LABELS, "a": 1.1}, **NAMES).fitted_on.digest != fitted.digest


@pytest.mark.parametrize("method", ["isotonic", "pchip"])
def test_saved_and_read_again_it_is_the_same(method, tmp_path):
    found = fit_calibration(SCORES, LABELS, method=method, **NAMES)
    found.save(tmp_path / "map.json")
    assert load_calibration(tmp_path / "map.json") == found


@pytest.mark.parametrize(
    ("scores", "labels", "message"),
    [
        ({"a": 1.0, "b": 2.0}, {"a": 1.0, "b": 2.0}, "at least 3"),
        (SCORES, {"a": 4.0, "b": 3.0, "c": 2.0, "d": 1.0}, "do not rise with the scores of nano, quality"),
        (SCORES, dict.fromkeys("abcd", 3.0), "do not rise"),
        (dict.fromkeys("abcd", 50.0), LABELS, "do not rise"),
        (SCORES, {**LABELS, "d": 9.0}, "labels from 1 to 9 do not fit a scale from 1 to 5"),
        (SCORES, {**LABELS, "d": float("nan")}, "not finite"),
        ([("a", 1.0), ("a", 2.0)], LABELS, "more than once"),
    ],
)
def test_sets_that_cannot_be_fitted(scores, labels, message):
    with pytest.raises(UsageError, match=message):
        fit_calibration(scores, labels, **NAMES)


def test_files_that_are_no_calibration(tmp_path):
    file = tmp_path / "map.json"
    with pytest.raises(UsageError, match="cannot be read"):
        load_calibration(file)
    file.write_text("{")
    with pytest.raises(UsageError, match="not a calibration: the file"):
        load_calibration(file)
    fit_calibration(SCORES, LABELS, **NAMES).save(file)
    whole = json.loads(file.read_text())
    for change in ({"knots": [1.0, 1.0]}, {"format": "another"}, {"fitted_on": {}}, {"values": [4.0, 2.5, 2.5, 1.0]}):
        file.write_text(json.dumps({**whole, **change}))
        with pytest.raises(UsageError, match="not a calibration"):
            load_calibration(file)


def test_a_score_must_be_a_number():
    with pytest.raises(UsageError, match="scores that are not finite"):
        fit_calibration(SCORES, LABELS, **NAMES).at(float("nan"))


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(-20, 20), st.floats(1, 5)), min_size=3, max_size=30),
    st.lists(st.floats(-30, 30), min_size=2, max_size=20),
    st.sampled_from(["isotonic", "pchip"]),
)
def test_it_never_turns_an_order_round_and_stays_on_the_scale(items, asked, method):
    scores = {str(i): float(x) for i, (x, _) in enumerate(items)}
    labels = {str(i): y for i, (_, y) in enumerate(items)}
    try:
        found: Calibration = fit_calibration(scores, labels, method=method, **NAMES)
    except UsageError as error:
        assert "do not rise" in str(error)
        return
    values = found(sorted(asked))
    assert (np.diff(values) >= -1e-12).all()
    assert values.min() >= 1 - 1e-12 and values.max() <= 5 + 1e-12
