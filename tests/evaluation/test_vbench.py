from __future__ import annotations

import json
from pathlib import Path

import pytest

from vqinsight.errors import UsageError
from vqinsight.evaluation.vbench import DIMENSIONS, overall, read_vbench, vbench_scores

HALF_WAY = {d.name: (d.low + d.high) / 2 for d in DIMENSIONS}


def write(folder: Path, raw: dict[str, float], name: str = "run_eval_results.json") -> None:
    entries = {key: [value, [{"video_path": "a-0.mp4", "video_results": value}]] for key, value in raw.items()}
    (folder / name).write_text(json.dumps(entries))


def test_by_hand():
    # Every dimension at its low end but two of quality: dynamic degree (weight 0.5 of 6.5) and aesthetic (1 of 6.5).
    raw = {d.name: d.low for d in DIMENSIONS} | {"dynamic degree": 1.0, "aesthetic quality": 0.5}
    found = vbench_scores(raw)
    assert found.quality == pytest.approx((0.5 * 1 + 1 * 0.5) / 6.5)
    assert found.semantic == 0.0
    assert found.overall == pytest.approx(found.quality * 4 / 5)
    # Scene at half of its range is one ninth of one half.
    assert vbench_scores(raw | {"scene": 0.4111}).semantic == pytest.approx(0.5 / 9)
    assert overall(0.5, 1.0) == pytest.approx(0.6)


def test_half_way_everywhere_is_a_half():
    found = vbench_scores(HALF_WAY)
    assert (found.quality, found.semantic, found.overall) == pytest.approx((0.5, 0.5, 0.5))
    assert found.normalised["scene"] == pytest.approx(0.5) and found.raw["scene"] == pytest.approx(0.4111)


def test_one_file_or_many_and_either_spelling(tmp_path):
    write(tmp_path, {key.replace(" ", "_"): value for key, value in HALF_WAY.items()})
    (tmp_path / "run_full_info.json").write_text(json.dumps([{"prompt_en": "a cat"}]))
    single = read_vbench(tmp_path)
    assert single == vbench_scores(HALF_WAY) == read_vbench(tmp_path / "run_eval_results.json")
    (tmp_path / "run_eval_results.json").unlink()
    for name, value in HALF_WAY.items():
        write(tmp_path, {name: value}, f"{name.replace(' ', '_')}_eval_results.json")
    assert read_vbench(tmp_path) == single


def test_missing_dimensions_are_refused_and_all_listed(tmp_path):
    write(tmp_path, {k: v for k, v in HALF_WAY.items() if k not in ("scene", "color", "dynamic degree")})
    with pytest.raises(UsageError, match="lack 3 of 16 dimensions: dynamic degree, color, scene"):
        read_vbench(tmp_path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"sharpness": 0.5}, "not dimensions of VBench: sharpness"),
        ({"scene": 52.0}, "not scene 52.0. Percentages"),
        ({"scene": float("nan")}, "not scene nan"),
        ({"human_action": 0.5}, "'human action' is given twice"),
    ],
)
def test_scores_that_cannot_be_used(change, message):
    with pytest.raises(UsageError, match=message):
        vbench_scores(HALF_WAY | change)


def test_two_files_that_disagree(tmp_path):
    write(tmp_path, HALF_WAY, "first.json")
    write(tmp_path, {"scene": HALF_WAY["scene"]}, "same.json")
    assert read_vbench(tmp_path).overall == pytest.approx(0.5)
    write(tmp_path, {"scene": 0.1}, "second.json")
    with pytest.raises(UsageError, match=r"scene: .*same\.json says 0\.4111, .*second\.json says 0\.1"):
        read_vbench(tmp_path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "cannot be read as JSON"),
        ("[1, 2]", "not VBench results"),
        ("{}", "not VBench results"),
        ('{"scene": 0.5}', "'scene' holds no score"),
        ('{"scene": [true, []]}', "'scene' holds no score"),
        ('{"scene": [NaN, []]}', "'scene' holds no score"),
    ],
)
def test_files_in_another_layout(text, message, tmp_path):
    (tmp_path / "results.json").write_text(text)
    with pytest.raises(UsageError, match=message):
        read_vbench(tmp_path)


def test_no_results(tmp_path):
    with pytest.raises(UsageError, match=r"no results"):
        read_vbench(tmp_path)
    with pytest.raises(UsageError, match="no such file or folder"):
        read_vbench(tmp_path / "absent")
