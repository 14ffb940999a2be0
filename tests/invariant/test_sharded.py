"""Weights sharded over two processes learn what whole ones learn, from answers that are the same to the letter."""

from __future__ import annotations

import importlib.util
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from helpers import runs

STAGES = {
    "temporal": runs.ON_TWO,
    "adapter": (*runs.ON_TWO, "--set", "model.lora_rank=4"),
    "trainable tower": (*runs.ON_TWO, "--set", "model.train_vision=true"),
    "sft": runs.SFT,
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
@pytest.mark.parametrize(
    "stage", [stage if stage == "temporal" else pytest.param(stage, marks=pytest.mark.full) for stage in STAGES]
)
def test_sharded_is_whole(stage: str, straight: Callable[..., Path]) -> None:
    """Pairs have two clips and scores one, and a group's answers lie on both: without care they wait for ever."""
    given = (*runs.COMPARED, *STAGES[stage])
    same(straight(*given, processes=2), straight(*given, sharded=True))


@pytest.mark.full
@pytest.mark.slow
def test_a_sharded_run_goes_on(tmp_path: Path, straight: Callable[..., Path]) -> None:
    """From the last but one of its checkpoints it ends where it ended without a stop, bit for bit."""
    given = (*runs.COMPARED, *STAGES["temporal"])
    run = tmp_path / "run"
    shutil.copytree(straight(*given, sharded=True), run)
    expected = learned(run / "final")
    shutil.rmtree(run / "final")
    shutil.rmtree(run / "checkpoint-3")
    resumed = runs.train(tmp_path, *given, "--resume", sharded=True)
    assert resumed.returncode == 0, resumed.stderr
    found = learned(run / "final")
    assert all(torch.equal(found[name], weight) for name, weight in expected.items())


@pytest.mark.full
@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("deepspeed") is None, reason="pip install deepspeed")
@pytest.mark.parametrize("zero", [2, 3])
@pytest.mark.parametrize("stage", ["temporal", "sft"])
def test_deepspeed_is_whole(
    stage: str, zero: int, monkeypatch: pytest.MonkeyPatch, straight: Callable[..., Path]
) -> None:
    monkeypatch.setenv("DS_ACCELERATOR", "cpu")
    given = (*runs.COMPARED, *STAGES[stage])
    config = runs.CONFIGS / "distributed" / f"deepspeed_zero{zero}.json"
    sharded = straight(*given, "--set", f"trainer.deepspeed={config}", processes=2)
    same(straight(*given, processes=2), sharded)
