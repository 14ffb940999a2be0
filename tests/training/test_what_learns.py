"""Which weights a run changes: adapters alone, the language model alone, or the tower as well."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from helpers import runs
from safetensors.torch import load_file

from vqinsight.assessor.load import load_model
from vqinsight.weights import ASSESSOR

# Enough questions that the answers of some group earn different rewards: without that nothing is learned.
SHORT = ("--set", "updates=2", "--set", "questions_per_update=6", "--set", "data.0.weight=4e6")


def _changed(folder: Path) -> list[str]:
    before, after = runs.weights(ASSESSOR), runs.weights(folder)
    return [name for name in before if not torch.equal(before[name], after[name])]


@pytest.mark.full
@pytest.mark.slow
def test_a_tower_that_learns(tmp_path: Path) -> None:
    """Also with the clip of Eq. 2 acting and a reference that has a tower of its own."""
    run = runs.train(tmp_path, *SHORT, "--set", "model.train_vision=true", "--set", "grpo.updates_per_rollout=2")
    assert run.returncode == 0, run.stderr
    changed = _changed(tmp_path / "run" / "final")
    assert any("visual" in name for name in changed) and any("visual" not in name for name in changed)


@pytest.mark.slow
def test_an_adapter(tmp_path: Path) -> None:
    """Its absence is the reference; the finished folder holds only the adapter and is loaded like any model."""
    run = runs.train(tmp_path, *SHORT, "--set", "model.lora_rank=4", "--set", "grpo.beta=0.1")
    assert run.returncode == 0, run.stderr
    final = tmp_path / "run" / "final"
    weights = load_file(final / "adapter_model.safetensors")
    assert weights and all("lora" in name for name in weights) and not any("visual" in name for name in weights)
    assert any(weight.abs().max() > 0 for name, weight in weights.items() if "lora_B" in name)
    loaded = load_model(str(final), device="cpu")
    assert loaded.settings.template == "brief"
    plain = load_model("nano", device="cpu").model.state_dict()
    merged = loaded.model.state_dict()
    assert [name for name in plain if not torch.equal(plain[name], merged[name])]


@pytest.mark.full
@pytest.mark.slow
def test_a_tower_that_learns_beside_an_adapter(tmp_path: Path) -> None:
    """It is saved with the adapter, or its lessons would be lost."""
    changes = ("--set", "model.lora_rank=4", "--set", "model.train_vision=true", "--set", "grpo.beta=0.1")
    run = runs.train(tmp_path, *SHORT, *changes)
    assert run.returncode == 0, run.stderr
    plain = load_model("nano", device="cpu").model.state_dict()
    merged = load_model(str(tmp_path / "run" / "final"), device="cpu").model.state_dict()
    changed = [name for name in plain if not torch.equal(plain[name], merged[name])]
    assert any("visual" in name for name in changed) and any("language_model" in name for name in changed)
