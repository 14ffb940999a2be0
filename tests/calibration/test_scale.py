"""A scale's file, whom it fits, and values on it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from helpers import rated, records

from vqinsight.calibration.calibrate import fit_scale
from vqinsight.calibration.scale import Scale, load_scale, named_place
from vqinsight.errors import UsageError
from vqinsight.evaluation.metrics.bootstrap import Bootstrap
from vqinsight.results import ClipScore, read_record


@pytest.fixture(scope="module")
def scale() -> Scale:
    found = rated.observations(40, judge=1.0)
    return fit_scale(found, rated.ratings(found), "mine", dict(rated.SETTINGS), Bootstrap(50))


@pytest.fixture(scope="module")
def measuring() -> Scale:
    found = rated.observations(40, blur=1.0)
    return fit_scale(found, rated.ratings(found), "mine", dict(rated.SETTINGS), Bootstrap(50))


def test_saved_and_read_again_it_is_the_same(scale: Scale, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    scale.save(named_place("mine"))
    assert load_scale("mine") == load_scale(tmp_path / "data" / "vqinsight" / "scales" / "mine.json") == scale
    plain = json.loads(scale.as_json())
    assert plain["fitted_on"]["clips"] == 40 and len(plain["fitted_on"]["digest"]) == 64
    with pytest.raises(UsageError, match=r"There is no scale 'other' .* Named scales: mine\. vqinsight calibrate"):
        load_scale("other")
    with pytest.raises(UsageError, match="no name of a scale"):
        named_place("../mine")
    (tmp_path / "bad.json").write_text('{"name": "x"}', encoding="utf-8")
    with pytest.raises(UsageError, match=r"bad.json is no scale of this version: .* Fit it again"):
        load_scale(str(tmp_path / "bad.json"))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"weights": "def"}, "weights was 'abc', is 'def'"),
        ({"template": "standard"}, "template was 'brief', is 'standard'"),
        ({"look": {"fps": 4}}, "look.fps was 2, is 4"),
        ({"samples": 8}, "samples was 1, is 8"),
    ],
)
def test_another_model_is_refused(change: dict[str, Any], said: str, scale: Scale) -> None:
    scale.check({**rated.SETTINGS, "device": "cuda", "seed": 7})
    with pytest.raises(UsageError, match=said):
        scale.check({**rated.SETTINGS, **change})


def test_a_server_that_tells_no_digest_is_known_by_its_models_name(scale: Scale) -> None:
    remote = replace(scale, model={**rated.SETTINGS, "weights": "remote"})
    remote.check({**rated.SETTINGS, "weights": "remote"})
    with pytest.raises(UsageError, match="model was 'nano', is 'other'"):
        remote.check({**rated.SETTINGS, "weights": "remote", "model": "other"})


def test_other_measurements_are_refused(scale: Scale) -> None:
    with pytest.raises(UsageError, match=r"fitted on version 0 of the measurements, which are at version"):
        replace(scale, measurement_version=0).check(rated.SETTINGS)


def test_a_value_is_the_map_with_its_range(scale: Scale) -> None:
    assert scale.used == "judge"
    record = scale.apply(records.score("a.mp4", (50.0,)))
    on = record.calibrated
    assert on is not None and on.value is not None and on.low is not None and on.high is not None
    assert on.value == pytest.approx(float(scale.judge([50.0])[0])) and on.high - on.low == pytest.approx(
        2 * scale.error
    )
    low, high = (scale.apply(records.score("a.mp4", (value,))).calibrated for value in (1.0, 99.0))
    assert low.value < on.value < high.value and "lies outside those fitted on" in low.note and on.note is None
    again = read_record(json.loads(json.dumps(record.as_dict())))
    assert isinstance(again, ClipScore) and again.calibrated == on


@pytest.mark.parametrize(
    ("record", "said"),
    [
        (records.unreadable("x.mp4"), "the file is empty"),
        (records.missing("x.mp4"), "no usable answer"),
        (records.score("x.mp4", (1.0, 2.0, 3.0), prompt="a cat"), "scored as generated (spatial, temporal, alignment)"),
    ],
)
def test_without_the_score_there_is_no_value(record: ClipScore, said: str, scale: Scale, measuring: Scale) -> None:
    for each in (scale, measuring):
        on = each.apply(record).calibrated
        assert on is not None and on.value is None and on.low is None and said in str(on.note)


def test_measurements_are_of_the_file(measuring: Scale, encode: ModuleType, tmp_path: Path) -> None:
    assert measuring.used == "measurements"
    clip = encode.video(tmp_path / "a.mp4", 8)
    on = measuring.apply(records.score(str(clip), (50.0,))).calibrated
    assert on is not None and on.value is not None and measuring.fitted_on.low <= on.value <= measuring.fitted_on.high
    gone = measuring.apply(records.score(str(tmp_path / "gone.mp4"), (50.0,))).calibrated
    assert gone is not None and gone.value is None and "no such file" in str(gone.note)
