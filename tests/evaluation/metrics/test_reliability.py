from __future__ import annotations

import pytest

from vqinsight.errors import UsageError
from vqinsight.evaluation.metrics.reliability import reliability


def test_by_hand():
    found = reliability([10.0, 20.0, 50.0, 100.0], [0.0, 20.0, 60.0, 90.0], low=0, high=100, bins=4)
    rows = [(b.low, b.high, b.n, b.predicted, b.observed) for b in found.bins]
    assert rows == [
        (0.0, 25.0, 2, 15.0, 10.0),
        (25.0, 50.0, 0, None, None),
        (50.0, 75.0, 1, 50.0, 60.0),  # 50 is the lower end of its bin
        (75.0, 100.0, 1, 100.0, 90.0),  # the top end belongs to the last bin
    ]
    assert found.error == (2 * 5 + 10 + 10) / 4
    assert found.warnings == ()


def test_missing_and_outside_are_counted():
    found = reliability([None, -5.0, 120.0], [1.0, 2.0, 3.0], low=0, high=100, bins=2)
    assert (found.missing, found.outside) == (1, 2)
    assert [b.n for b in found.bins] == [1, 1]
    assert found.warnings == ("1 of 3 predictions are missing", "2 of 2 predictions lie outside 0 to 100")


@pytest.mark.parametrize(("low", "high", "bins"), [(0, 100, 0), (5, 5, 3)])
def test_bins_must_make_sense(low, high, bins):
    with pytest.raises(UsageError, match="at least one bin"):
        reliability([1.0], [1.0], low=low, high=high, bins=bins)


def test_nothing_usable_is_refused():
    with pytest.raises(UsageError, match="none of 2 items"):
        reliability([None, None], [1.0, 2.0], low=0, high=1)
