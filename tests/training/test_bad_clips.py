"""Clips that cannot be read are left out, counted and named; too many of them stop the run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from helpers import runs
from helpers.encode import video

TABLE = """
[[data]]
dataset = "table"
dir = "clips.csv"
"""


def _config(folder: Path, good: int, bad: int) -> None:
    rows = ["path,prompt,spatial,temporal,alignment,low,high"]
    for number in range(good):
        video(folder / f"good{number}.mp4")
        rows.append(f"good{number}.mp4,a cat,{20 + number},50,60,0,100")
    for number in range(bad):
        (folder / f"bad{number}.mp4").write_bytes(b"this is no video")
        rows.append(f"bad{number}.mp4,a dog,70,50,60,0,100")
    (folder / "clips.csv").write_text("\n".join(rows) + "\n")
    head, rest = runs.CONFIG.split("[[data]]", 1)
    (folder / "config.toml").write_text(head + TABLE + "[rewards]" + rest.split("[rewards]", 1)[1])


@pytest.mark.slow
def test_a_bad_clip_is_left_out_and_named(tmp_path: Path) -> None:
    _config(tmp_path, good=3, bad=1)
    run = runs.train(tmp_path, "--set", "max_failed=0.5")
    assert run.returncode == 0, run.stderr
    failures = [json.loads(line) for line in (tmp_path / "run" / "failures.jsonl").read_text().splitlines()]
    assert {Path(failure["path"]).name for failure in failures} == {"bad0.mp4"}
    assert len(failures) == 3  # 12 questions, each clip three times
    assert "bad0.mp4" in run.stderr and "3 of 12 questions" in run.stderr


@pytest.mark.full
@pytest.mark.slow
def test_too_many_stop_the_run(tmp_path: Path) -> None:
    _config(tmp_path, good=2, bad=2)
    run = runs.train(tmp_path, "--set", "max_failed=0.2", "--set", "updates=20")
    assert run.returncode == 1
    assert "max_failed" in run.stderr and "bad" in run.stderr and "Traceback" not in run.stderr
