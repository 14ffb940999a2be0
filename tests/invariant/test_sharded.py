"""Weights sharded over two processes learn what whole ones learn, from answers that are the same to the letter."""

from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path

import pytest
import torch
from helpers import runs

SHARED = (
    "--set",
    "updates=2",
    "--set",
    "questions_per_update=4",
    "--set",
    "answers_per_forward=2",
    "--set",
    "data.0.weight=4e6",
)
STAGES = {
    "temporal": ("--set", "save_every=1"),
    "adapter": ("--set", "model.lora_rank=4"),
    "trainable tower": ("--set", "model.train_vision=true"),
    "sft": ("--set", "stage=sft"),
}


def learned(folder: Path) -> dict[str, torch.Tensor]:
    return runs.weights(folder, "adapter_model" if (folder / "adapter_model.safetensors").exists() else "model")


def same(one: Path, other: Path) -> None:
    """Sums over two processes are taken in another order where weights are sharded."""
    expected, found = learned(one / "final"), learned(other / "final")
    assert expected and set(expected) <= set(found)
    for name, weight in expected.items():
        torch.testing.assert_close(found[name], weight, rtol=1e-4, atol=1e-6)
    if (one / "samples.md").exists():
        assert (one / "samples.md").read_text() == (other / "samples.md").read_text()


@pytest.mark.slow
@pytest.mark.parametrize("stage", STAGES)
def test_sharded_is_whole(tmp_path: Path, stage: str) -> None:
    """Pairs have two clips and scores one, and a group's answers lie on both: without care they wait for ever."""
    given = (*SHARED, *STAGES[stage])
    plain = runs.train(tmp_path, *given, "--set", "out=plain", processes=2)
    assert plain.returncode == 0, plain.stderr
    sharded = runs.train(tmp_path, *given, "--set", "out=sharded", sharded=True)
    assert sharded.returncode == 0, sharded.stderr
    same(tmp_path / "plain", tmp_path / "sharded")
    if stage == "temporal":
        goes_on(tmp_path, *given, "--set", "out=sharded")


def goes_on(folder: Path, *given: str) -> None:
    """From the first of two checkpoints a sharded run ends where it ended without a stop, bit for bit."""
    run = folder / "sharded"
    expected = learned(run / "final")
    shutil.rmtree(run / "final")
    shutil.rmtree(run / "checkpoint-2")
    resumed = runs.train(folder, *given, "--resume", sharded=True)
    assert resumed.returncode == 0, resumed.stderr
    found = learned(run / "final")
    assert all(torch.equal(found[name], weight) for name, weight in expected.items())


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("deepspeed") is None, reason="pip install deepspeed")
@pytest.mark.parametrize("zero", [2, 3])
@pytest.mark.parametrize("stage", ["temporal", "sft"])
def test_deepspeed_is_whole(tmp_path: Path, stage: str, zero: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DS_ACCELERATOR", "cpu")
    given = (*SHARED, *STAGES[stage])
    plain = runs.train(tmp_path, *given, "--set", "out=plain", processes=2)
    assert plain.returncode == 0, plain.stderr
    config = runs.CONFIGS / "distributed" / f"deepspeed_zero{zero}.json"
    arguments = (*given, "--set", "out=sharded", "--set", f"trainer.deepspeed={config}")
    sharded = runs.train(tmp_path, *arguments, processes=2)
    assert sharded.returncode == 0, sharded.stderr
    same(tmp_path / "plain", tmp_path / "sharded")
