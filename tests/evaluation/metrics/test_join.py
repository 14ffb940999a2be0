from __future__ import annotations

import numpy as np
import pytest

from vqinsight.errors import UsageError
from vqinsight.evaluation.metrics.join import columns, join, known, predicted
from vqinsight.tasks.types import Missing, Score


def test_join_keeps_the_order_of_the_labels_and_counts_both_sides():
    joined = join({"c": 3.0, "a": 1.0, "x": 9.0}, {"a": 10.0, "b": 20.0, "c": 30.0})
    assert joined.ids == ("a", "c")
    assert (joined.predictions, joined.labels) == ((1.0, 3.0), (10.0, 30.0))
    assert (joined.without_label, joined.without_prediction) == (("x",), ("b",))
    assert joined.warnings == (
        "predictions without a label, left out: 1 (x)",
        "labels without a prediction, left out: 1 (b)",
    )


def test_a_full_match_has_no_warnings():
    assert join({"a": 1.0}, {"a": 2.0}).warnings == ()


@pytest.mark.parametrize("side", ["predictions", "labels"])
def test_an_id_that_stands_twice_is_refused(side):
    twice, once = [("a", 1.0), ("b", 2.0), ("a", 1.0)], {"a": 1.0, "b": 2.0}
    with pytest.raises(UsageError, match=rf"among the {side}: 1 \(a\)"):
        join(*((twice, once) if side == "predictions" else (once, twice)))


def test_ids_of_two_kinds_are_shown():
    with pytest.raises(UsageError, match=r"2 \(a\.mp4, b\.mp4\); 1 \(a\)"):
        join({"a.mp4": 1.0, "b.mp4": 2.0}, {"a": 1.0})


def test_many_ids_are_cut_after_three():
    joined = join({str(i): 0.0 for i in range(9)}, {"0": 1.0})
    assert joined.warnings == ("predictions without a label, left out: 8 (1, 2, 3, …)",)


def test_answers_become_columns():
    answers = [Score({"spatial": 1.0, "temporal": 2.0}), Missing("no answer"), Score({"spatial": 3.0}), None]
    assert columns(answers, ["spatial", "temporal"]) == {
        "spatial": [1.0, None, 3.0, None],
        "temporal": [2.0, None, None, None],
    }


@pytest.mark.parametrize("label", [float("nan"), float("inf"), None])
def test_a_label_that_is_no_number_is_refused(label):
    with pytest.raises(UsageError, match=r"by position from 0: 1 \(2\)"):
        known([1.0, 2.0, label])


def test_missing_predictions_are_told_apart_from_broken_ones():
    values, said = predicted([1.0, None, Missing("no answer"), float("nan"), float("inf")], np.zeros(5))
    assert np.isnan(values).tolist() == [False, True, True, True, True]
    assert said == (
        "2 of 5 predictions are missing",
        "2 of 5 predictions are NaN or infinite and count as missing (first at 3)",
    )


def test_lengths_must_agree():
    with pytest.raises(UsageError, match="2 predictions for 3 labels"):
        predicted([1.0, 2.0], np.zeros(3))
