from __future__ import annotations

import numpy as np
import pytest

from vqinsight.errors import UsageError
from vqinsight.evaluation.metrics.bootstrap import Bootstrap
from vqinsight.evaluation.metrics.breakdown import correlate_dimensions, correlate_groups, within_groups
from vqinsight.evaluation.metrics.correlation import correlate

FEW = Bootstrap(resamples=80)


def table(n: int = 40) -> tuple[dict[str, list[float]], dict[str, list[float]]]:
    generator = np.random.default_rng(0)
    labels = {key: generator.uniform(0, 100, n) for key in ("spatial", "temporal")}
    noise = {"spatial": 10.0, "temporal": 40.0}
    predictions = {key: (y + generator.normal(0, noise[key], n)).tolist() for key, y in labels.items()}
    return predictions, {key: y.tolist() for key, y in labels.items()}


def test_each_dimension_their_mean_and_all_in_one():
    predictions, labels = table()
    found = correlate_dimensions(predictions, labels, bootstrap=FEW)
    for key in labels:
        assert found.dimensions[key] == correlate(predictions[key], labels[key], bootstrap=FEW)
    both = [found.dimensions[key].plcc.value for key in labels]
    assert found.mean["plcc"].value == pytest.approx(sum(both) / 2)
    assert found.mean["plcc"].interval.low < found.mean["plcc"].value < found.mean["plcc"].interval.high
    assert found.pooled.n == 80


def test_the_mean_of_two_equal_dimensions_is_as_sure_as_one():
    """A resample draws clips with all their dimensions, so equal dimensions move together."""
    predictions, labels = table()
    twice = correlate_dimensions(
        {"a": predictions["spatial"], "b": predictions["spatial"]},
        {"a": labels["spatial"], "b": labels["spatial"]},
        bootstrap=FEW,
    )
    one = twice.dimensions["a"]
    assert twice.mean["srcc"].interval.low == pytest.approx(one.srcc.interval.low)
    assert twice.pooled.srcc.interval.low == pytest.approx(one.srcc.interval.low, abs=1e-3)


def test_a_dimension_without_a_figure_leaves_the_mean_undefined():
    predictions, labels = table()
    predictions["temporal"] = [50.0] * 40
    found = correlate_dimensions(predictions, labels, bootstrap=FEW)
    assert found.dimensions["spatial"].srcc.value is not None
    assert found.mean["srcc"].value is None and found.mean["srcc"].interval is None


def test_dimensions_must_agree():
    predictions, labels = table()
    with pytest.raises(UsageError, match="dimensions differ"):
        correlate_dimensions({"spatial": predictions["spatial"]}, labels)
    with pytest.raises(UsageError, match="columns of different lengths"):
        correlate_dimensions({**predictions, "spatial": predictions["spatial"][1:]}, labels)
    with pytest.raises(UsageError, match="temporal: only 2 items"):
        correlate_dimensions({**predictions, "temporal": [1.0, 2.0] + [None] * 38}, labels)


def test_each_generator_by_itself_and_small_ones_say_so():
    predictions, labels = table(12)
    groups = ["wan"] * 5 + ["cog"] * 5 + ["old"] * 2
    found = correlate_groups(predictions["spatial"], labels["spatial"], groups, bootstrap=None)
    assert list(found) == ["cog", "old", "wan"]
    assert found["wan"] == correlate(predictions["spatial"][:5], labels["spatial"][:5], bootstrap=None)
    assert found["old"].srcc.value is None and found["old"].rmse.value is None
    assert found["old"].warnings == ("only 2 items have a prediction and a label: figures need at least 3",)


def test_within_groups_by_hand():
    # In p the order is right (1), in q it is 0.5, although over all six items q's scores are far too high.
    predictions, labels = [1.0, 2.0, 3.0, 101.0, 103.0, 102.0], [7.0, 8.0, 9.0, 1.0, 2.0, 3.0]
    found = within_groups(predictions, labels, list("pppqqq"), bootstrap=FEW)
    assert found.srcc.value == pytest.approx((1 + 0.5) / 2)
    assert (found.groups, found.small, found.constant, found.missing) == (2, 0, 0, 0)
    assert (found.srcc.interval.low, found.srcc.interval.high) == (pytest.approx(0.5), pytest.approx(1.0))
    assert correlate(predictions, labels, bootstrap=None).srcc.value < 0


def test_groups_that_say_nothing_are_counted():
    predictions = [1.0, 2.0, 3.0, 5.0, 5.0, 5.0, 1.0, None, 3.0]
    found = within_groups(predictions, [1.0, 2.0, 3.0] * 3, list("pppqqqrrr"), bootstrap=FEW)
    assert (found.groups, found.small, found.constant, found.missing) == (1, 1, 1, 1)
    assert found.srcc.value == pytest.approx(1.0) and found.srcc.interval is None
    assert found.warnings == (
        "1 of 9 predictions are missing",
        "1 of 3 groups have fewer than 3 items with a prediction and are out",
        "1 of 3 groups have equal labels or equal predictions only and are out",
    )
    nothing = within_groups([None] * 3, [1.0, 2.0, 3.0], list("ppp"))
    assert nothing.srcc.value is None


@pytest.mark.parametrize("measure", [within_groups, correlate_groups])
def test_every_item_needs_its_group(measure):
    with pytest.raises(UsageError, match="2 groups for 3 labels"):
        measure([1.0, 2.0, 3.0], [1.0, 2.0, 3.0], ["p", "q"])
