"""Cross-validation: a planted relation is found, luck is not, and no fold sees its own prompts."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from helpers import rated

from vqinsight.calibration import validation
from vqinsight.calibration.calibrate import fit_scale
from vqinsight.calibration.folds import groupings
from vqinsight.calibration.observations import Observations
from vqinsight.calibration.validation import choose, out_of_fold, validate
from vqinsight.evaluation.metrics.bootstrap import Bootstrap
from vqinsight.report.calibration_report import verdicts

FEW = Bootstrap(200)


def by_prompt(found: Observations) -> list[str]:
    return groupings(found.clips)[0]["prompt"]


@pytest.mark.parametrize(("planted", "used"), [("blur", "measurements"), ("judge", "judge")])
def test_a_planted_relation_is_found_by_what_holds_it(planted: str, used: str) -> None:
    found = rated.observations(60, **{planted: 1.0})
    scale = fit_scale(found, rated.ratings(found), "mine", {}, FEW)
    assert (
        scale.used == used and scale.better and [each.grouping for each in scale.validations] == ["prompt", "generator"]
    )
    for each in scale.validations:
        assert each.used[scale.used] == each.folds and each.figures["scale"].srcc.value > 0.6
        assert each.figures["scale"].pairs.value > 0.65 and each.against["mean"].value < -0.2
        assert each.figures["mean"].srcc.value is None and each.figures["metadata"].rmse.value > 1
    assert all(": better than the mean rating" in line and "better than size" in line for line in verdicts(scale))


@pytest.mark.parametrize("seed", range(4))
def test_random_ratings_are_not_said_to_be_found(seed: int) -> None:
    found = rated.observations(40, seed=seed, prompts=4)
    scale = fit_scale(found, rated.ratings(found), "luck", {}, FEW)
    assert not scale.better
    for each, line in zip(scale.validations, verdicts(scale), strict=True):
        interval = each.figures["scale"].srcc.interval
        assert interval is None or interval.low < 0.1
        assert "not shown to be better than the mean rating" in line and "Do not rely on its values" in line


def test_what_knows_nothing_has_no_correlation() -> None:
    """Ratings that differ between prompts alone: the mean of the other prompts runs against them."""
    found = rated.observations(40)
    found = replace(found, ratings=np.array([float(row % 8) for row in range(40)]), scores=np.zeros(40))
    each = validate(found, "prompt", by_prompt(found), FEW)
    assert each.figures["judge"].srcc.value is None and each.figures["mean"].rmse.value == pytest.approx(
        np.std(found.ratings) * 8 / 7
    )


def test_a_clips_own_prompt_never_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Values of a prompt's clips stay the same whatever they are rated, in choosing too."""
    found = rated.observations(40, blur=0.5, judge=0.5)
    groups = by_prompt(found)
    mine = np.array([group == groups[3] for group in groups])
    before, _ = out_of_fold(found, groups)
    after, _ = out_of_fold(replace(found, ratings=np.where(mine, 99.0, found.ratings)), groups)
    for name, values in before.items():
        assert values[mine] == pytest.approx(after[name][mine]), name
        assert not np.allclose(values[~mine], after[name][~mine])


def test_inner_folds_hold_whole_prompts(monkeypatch: pytest.MonkeyPatch) -> None:
    found = rated.observations(40, blur=0.5)
    groups = by_prompt(found)
    seen: list[tuple[set[str], set[str]]] = []
    splits = validation._splits

    def watched(rows: np.ndarray, given: list[str]) -> list[tuple[np.ndarray, np.ndarray]]:
        made = splits(rows, given)
        seen.extend(({groups[row] for row in train}, {groups[row] for row in test}) for train, test in made)
        return made

    monkeypatch.setattr(validation, "_splits", watched)
    choose(found, np.flatnonzero([group != groups[0] for group in groups]), groups)
    assert len(seen) == 7 and all(train.isdisjoint(test) and groups[0] not in train | test for train, test in seen)


def test_eighty_of_a_hundred_errors_lie_within_the_range() -> None:
    assert validation._range(np.arange(1.0, 100.0)) == 80.0  # 99 errors: the 80th
    assert validation._range(np.array([3.0, 1, 2])) == 3.0  # too few: the largest


def test_pairs_of_one_prompt_are_those_that_are_rated_differently() -> None:
    found = rated.observations(24, prompts=8)
    found = replace(found, ratings=np.array([1.0, *found.ratings[1:8], 1.0, *found.ratings[9:]]))
    assert validate(found, "prompt", by_prompt(found), FEW).pairs == 8 * 3 - 1
