"""Runs: curves, groups and alarms from a run's folder, also while it is written."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from web.conftest import Start

from vqinsight.web.run_files import find_runs, read_run
from vqinsight.web.runs import curve


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """A run with two checkpoints, and one that has just begun."""
    place = tmp_path / "runs" / "stage2"
    rows = [
        {"step": 1, "epoch": 0.1, "loss": 0.5, "reward": 1.0, "reward_format": 0.2, "zero_spread": 0.9},
        {"step": 2, "epoch": 0.2, "loss": 0.25, "reward": 2.0, "reward_format": 0.4, "zero_spread": 0.1},
    ]
    for count in (1, 2):
        folder = place / f"checkpoint-{count}"
        folder.mkdir(parents=True)
        (folder / "trainer_state.json").write_text(json.dumps({"log_history": [*rows[:count], {"step": 2, "x": "y"}]}))
    (place / "samples.md").write_text("## Update 1: natural, a.mp4\n\nold\n## Update 2: natural, <b>.mp4\n\n    new\n")
    (place / "failures.jsonl").write_text('{"position": 1, "path": "bad.mp4", "reason": "torn"}\n{"position": 2, "pa')
    (tmp_path / "runs" / "begun").mkdir()
    (tmp_path / "runs" / "begun" / "log.jsonl").write_text('{"step": 1, "accuracy": 0.5}\n{"step": 2, "acc')
    return tmp_path / "runs"


def test_a_run_is_read(runs: Path) -> None:
    assert find_runs(runs) == ["begun", "stage2"]
    found = read_run(runs, "stage2")
    assert found.curves["reward_format"] == [(1.0, 0.2), (2.0, 0.4)] and "epoch" not in found.curves
    assert found.groups[0].startswith("Update 2") and found.left_out == ["bad.mp4: torn"]
    assert len(found.alarms) == 1 and "teach nothing: last at step 1, 90%" in found.alarms[0]
    assert read_run(runs, "begun").curves == {"accuracy": [(1.0, 0.5)]}


def test_the_page(start: Start, runs: Path) -> None:
    with start(folder=runs) as web:
        assert "stage2" in web.get("/runs").text
        page = web.get("/runs", params={"run": "stage2"}).text
        assert page.count("<polyline") == 4 and "from 1 to 2, last 2" in page
        assert "&lt;b&gt;.mp4" in page and "teach nothing" in page


def test_points_of_a_curve() -> None:
    assert curve("x", [(0, 1.0), (5, 3.0), (10, 2.0)]).points == "0.0,80.0 150.0,0.0 300.0,40.0"
    assert curve("x", [(0, 1.0), (10, 1.0)]).points == "0.0,40.0 300.0,40.0"
    alone = curve("x", [(6, 1.0)])
    assert (alone.points, alone.steps) == ("0.0,40.0 300.0,40.0", (6, 6))
