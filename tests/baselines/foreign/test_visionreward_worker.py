"""What VisionReward's worker does itself: which frames it takes, and what its answers come to."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

import pytest

from vqinsight.baselines.foreign.process import WORKERS


@pytest.fixture
def worker(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    monkeypatch.setattr(sys, "path", [str(WORKERS), *sys.path])
    monkeypatch.setattr(sys, "argv", ["worker", "--code", str(tmp_path), "--device", "cpu"])
    found = importlib.util.spec_from_file_location("visionreward_worker", WORKERS / "visionreward.py")
    assert found is not None and found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("frames", "fps", "wanted"),
    [
        (48, 24, [0, 24, 47]),  # the last one begins at 1.96 s, which rounds to 2
        (10, 24, [0]),  # at 0.375 s, which rounds to 0
        (60, 24, [0, 24, 48]),  # at 2.458 s: second 2 is there
        (120, 2, list(range(0, 48, 2))),  # a minute: the first 24 seconds
    ],
)
def test_one_frame_a_second(worker: Any, frames: int, fps: int, wanted: list[int]) -> None:
    assert worker.each_second([frame / fps for frame in range(frames)]) == wanted


def test_only_yes_counts_for_a_question(worker: Any) -> None:
    weights = [0.5, 0.25, 1.0]
    assert worker.weighted(["yes", "no", "yes"], weights) == pytest.approx((0.5 - 0.25 + 1.0) / 3)
    assert worker.weighted(["Yes", "yes.", ""], weights) == pytest.approx(-1.75 / 3)
