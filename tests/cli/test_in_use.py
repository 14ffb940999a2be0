"""Two processes on one output: the second is refused, whatever the verb."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from helpers import process, runs
from typer.testing import CliRunner

from vqinsight.cli.main import app
from vqinsight.common.lock import FILE, hold_file, hold_folder

ALIGN = """
stage = "united"
out = "run"
rounds = 1

[prompts]
file = "prompts.txt"
"""


@pytest.mark.parametrize(
    ("place", "arguments"),
    [
        ("run", ("train", "config.toml")),
        ("run", ("train", "config.toml", "--resume")),
        ("run", ("align", "align.toml")),
        ("run", ("align", "align.toml", "--resume")),
        ("p.jsonl", ("pairs", "prompts.txt", "--out", "p.jsonl")),
        ("p_clips", ("pairs", "prompts.txt", "--out", "p.jsonl")),
        ("r.json", ("evaluate", "synthetic", "--limit", "1", "--out", "r.json")),
        ("r.json", ("evaluate", "--from", "r.predictions.parquet", "--out", "r.json")),
    ],
)
def test_it_is_refused_before_anything_is_loaded(
    place: str, arguments: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(os.environ, "COLUMNS", "200")
    runs.prepare(tmp_path)
    Path("align.toml").write_text(ALIGN)
    Path("prompts.txt").write_text("a cat\n")
    Path("r.predictions.parquet").touch()
    hold = hold_file if "." in place else hold_folder
    with hold(tmp_path / place):
        refused = CliRunner().invoke(app, list(arguments))
        assert refused.exit_code == 2, refused.stderr
        assert f"{place} is in use by process {os.getpid()} on " in " ".join(refused.stderr.split())
        assert not (tmp_path / place / "settings.json").exists()


@pytest.mark.slow
def test_two_real_runs(tmp_path: Path) -> None:
    """The second ends at once and the first goes on; a killed run keeps nobody out."""
    runs.prepare(tmp_path)
    lock = tmp_path / "run" / FILE
    first = process.start("train", "config.toml", folder=tmp_path, output=tmp_path / "first.log")
    try:
        deadline = time.monotonic() + 120
        while not lock.is_file() and first.is_alive() and time.monotonic() < deadline:
            time.sleep(0.01)
        second = process.run("train", "config.toml", "--resume", folder=tmp_path)
        assert second.returncode == 2 and f"in use by process {first.pid} on " in second.stderr
        assert first.is_alive() and lock.is_file()
    finally:
        first.kill()
        first.join()
    third = process.run("train", "config.toml", "--resume", "--set", "grpo.beta=0.7", folder=tmp_path)
    assert third.returncode == 2 and "in use" not in third.stderr and "begun with other settings" in third.stderr
