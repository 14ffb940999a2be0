"""A run that was killed again and again ends with the very weights of one that never stopped."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from helpers import runs
from typer.testing import CliRunner, Result

from vqinsight.cli.main import app
from vqinsight.weights import ASSESSOR

# Every batch of answers is used for two updates, and a checkpoint follows the second.
TWICE = ("--set", "grpo.updates_per_rollout=2", "--set", "updates=6", "--set", "save_every=2")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("changes", "updates", "checkpoint"),
    [
        pytest.param((), 3, 2, id="once"),
        pytest.param(TWICE, 6, 4, id="twice", marks=pytest.mark.full),
    ],
)
def test_killed_is_straight(
    tmp_path: Path, changes: tuple[str, ...], updates: int, checkpoint: int, straight: Callable[..., Path]
) -> None:
    """Killed while it samples, and at the moment a checkpoint begins to be written; then a process with all its own."""
    changes = (*runs.COMPARED, *changes)
    out = tmp_path / "run"
    runs.kill_when(tmp_path, f"update 1/{updates}", *changes)
    runs.kill_when(tmp_path, out / f"checkpoint-{checkpoint}", *changes, "--resume")
    again = runs.train(tmp_path, *changes, "--resume", real=True)
    assert again.returncode == 0, again.stderr
    expected, found = runs.weights(straight(*changes) / "final"), runs.weights(out / "final")
    assert expected.keys() == found.keys()
    assert all(torch.equal(expected[name], found[name]) for name in expected)
    begun = runs.weights(ASSESSOR)
    moved = [name for name in expected if not torch.equal(begun[name], expected[name])]
    assert moved and not any("visual" in name for name in moved)  # it learned, and the tower was frozen


@pytest.mark.slow
def test_a_run_is_not_overwritten_and_not_mixed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    short = ("--set", "updates=1", "--set", "questions_per_update=1", "--set", "answers_per_forward=4")
    assert runs.train(tmp_path, *short).returncode == 0
    monkeypatch.chdir(tmp_path)
    caplog.set_level(logging.INFO)

    def again(*arguments: str) -> Result:
        return CliRunner().invoke(app, ["train", "config.toml", *short, *arguments])

    twice = again()
    assert twice.exit_code == 2 and "--resume" in twice.stderr
    other = again("--set", "grpo.beta=0.2", "--resume")
    assert other.exit_code == 2 and "grpo" in other.stderr and "another out" in other.stderr
    done = again("--resume")
    assert done.exit_code == 0 and "finished already" in caplog.text
