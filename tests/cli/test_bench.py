"""``vqinsight bench``: what it prints, and its JSON."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from helpers import encode
from typer.testing import CliRunner

from vqinsight.cli.bench import _lines
from vqinsight.cli.main import app
from vqinsight.inference import bench


def test_bench_of_given_clips(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small = {kind: (64, 48, 8, fps, suffix, options) for kind, (*_, fps, suffix, options) in bench.KINDS.items()}
    monkeypatch.setattr(bench, "KINDS", small)
    monkeypatch.setattr(bench, "_PRODUCT_SECONDS", 0.01)
    clips = [str(encode.video(tmp_path / f"{name}.mp4", 8)) for name in "ab"]
    (tmp_path / "c.mp4").write_text("no video")
    done = CliRunner().invoke(app, ["bench", *clips, str(tmp_path / "c.mp4"), "--json", "--device", "cpu"])
    assert done.exit_code == 0, done.stderr
    found = json.loads(done.stdout)
    score = found["score"]
    assert (score["clips"], score["failed"]) == (3, 1)
    assert score["clips_per_hour"] == pytest.approx(3600 * 2 / score["seconds"])
    least = [phase["limit_seconds"] for phase in found["phases"].values()]
    assert all(value > 0 for value in least)
    assert found["limit_clips_per_hour"] == pytest.approx(3600 / sum(least))
    assert found["most_of_the_time"] in found["phases"]
    assert (found["rank"]["clips"], found["rank"]["answers"]) == (2, 2)
    assert set(found["reading"]) == set(small) and all(row["seconds"] > 0 for row in found["reading"].values())
    text = "\n".join(_lines(found))
    assert "clips an hour (3 clips, 1 failed)" in text and "rank 2" in text and "GFLOP/s" in text


def test_bench_without_a_clip_that_can_be_judged(tmp_path: Path) -> None:
    (tmp_path / "c.mp4").write_text("no video")
    done = CliRunner().invoke(app, ["bench", str(tmp_path / "c.mp4")])
    assert done.exit_code == 2 and "None of the 1 clips could be judged. The first: " in done.stderr
    assert "c.mp4" in done.stderr and done.stdout == ""
