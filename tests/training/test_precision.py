"""What learns has float32 weights: at a learning rate of 1e-6 bfloat16 ones would stay as they are."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from helpers import runs
from safetensors.torch import load_file
from transformers import TrainerCallback

from vqinsight.assessor.attention import BLOCKS, SEGMENTS, text_attention
from vqinsight.errors import TrainingError, UsageError
from vqinsight.grpo.trainer import GRPOTrainer
from vqinsight.settings.reader import read_toml
from vqinsight.settings.train import TrainSettings
from vqinsight.training.run import build_trainable_assessor
from vqinsight.training.stage2_temporal import run_stage2
from vqinsight.weights import ASSESSOR

REAL = ("learning_rate=1e-6", "model.dtype=bfloat16", "updates=2", "trainer.lr_scheduler_type=constant")


def _settings(folder: Path, *changes: str) -> TrainSettings:
    file = folder / "config.toml"
    file.write_text(runs.CONFIG)
    return read_toml(TrainSettings, file, [f"out={folder / 'run'}", *changes])


class Moved(TrainerCallback):
    """Counts the learned entries with a gradient that two updates changed."""

    def __init__(self) -> None:
        self.before: dict[str, torch.Tensor] = {}
        self.touched: dict[str, torch.Tensor] = {}
        self.share = 0.0

    def on_train_begin(self, args: Any, state: Any, control: Any, model: Any = None, **_: Any) -> None:
        self.before = {n: p.detach().clone() for n, p in model.named_parameters() if p.requires_grad}
        self.touched = {n: torch.zeros_like(p, dtype=torch.bool) for n, p in self.before.items()}

    def on_pre_optimizer_step(self, args: Any, state: Any, control: Any, model: Any = None, **_: Any) -> None:
        for name, parameter in model.named_parameters():
            if parameter.grad is not None:
                self.touched[name] |= parameter.grad != 0

    def on_train_end(self, args: Any, state: Any, control: Any, model: Any = None, **_: Any) -> None:
        after = dict(model.named_parameters())
        moved = sum(int(((after[n] != p) & self.touched[n]).sum()) for n, p in self.before.items())
        self.share = moved / sum(int(each.sum()) for each in self.touched.values())


def _share_moved(settings: TrainSettings, monkeypatch: pytest.MonkeyPatch) -> float:
    watch = Moved()
    build = GRPOTrainer.__init__

    def watched(self: GRPOTrainer, *given: Any, **options: Any) -> None:
        build(self, *given, **options)
        self.add_callback(watch)

    monkeypatch.setattr(GRPOTrainer, "__init__", watched)
    run_stage2(settings)
    return watch.share


@pytest.mark.slow
@pytest.mark.parametrize("rank", [0, pytest.param(4, marks=pytest.mark.full)])
def test_a_small_learning_rate_moves_the_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rank: int) -> None:
    settings = _settings(tmp_path, *REAL, f"model.lora_rank={rank}", "questions_per_update=4")
    assert _share_moved(settings, monkeypatch) > 0.9
    file = "adapter_model.safetensors" if rank else "model.safetensors"
    saved = load_file(tmp_path / "run" / "final" / file)
    assert {weight.dtype for weight in saved.values()} == {torch.float32}
    if not rank:
        assert '"dtype": "float32"' in (tmp_path / "run" / "final" / "config.json").read_text()


@pytest.mark.full
@pytest.mark.slow
@pytest.mark.parametrize("rank", [0, 4])
def test_resumed_is_straight_in_bfloat16(tmp_path: Path, rank: int) -> None:
    """A checkpoint holds the float32 weights, or going on from it would round them."""
    given = _settings(tmp_path, *REAL, f"model.lora_rank={rank}", "questions_per_update=4", "save_every=1")
    final, file = run_stage2(given), "adapter_model" if rank else "model"
    straight = runs.weights(final, file)
    shutil.rmtree(final)
    shutil.rmtree(tmp_path / "run" / "checkpoint-2")
    resumed = runs.weights(run_stage2(given, resume=True), file)
    assert all(torch.equal(resumed[name], weight) for name, weight in straight.items())


@pytest.mark.full
@pytest.mark.slow
def test_sharded_weights_move(tmp_path: Path) -> None:
    """FSDP2 keeps float32 shards; what is computed from them is bfloat16."""
    changes = [part for change in (*REAL, "questions_per_update=4") for part in ("--set", change)]
    run = runs.train(tmp_path, *changes, sharded=True)
    assert run.returncode == 0, run.stderr
    before, after = runs.weights(ASSESSOR), runs.weights(tmp_path / "run" / "final")
    layers = [name for name in before if "layers" in name and "visual" not in name]
    moved = sum(int((before[name] != after[name]).sum()) for name in layers)
    assert moved > 0.9 * sum(before[name].numel() for name in layers)


def test_frozen_weights_have_the_precision_of_the_passes(tmp_path: Path) -> None:
    model = build_trainable_assessor(_settings(tmp_path, *REAL)).loaded.model
    assert text_attention(model) == (BLOCKS if model.device.type == "cuda" else SEGMENTS)
    assert {p.dtype for p in model.model.visual.parameters()} == {torch.bfloat16}
    assert {p.dtype for p in model.model.language_model.parameters()} == {torch.float32}
    adapted = build_trainable_assessor(_settings(tmp_path, *REAL, "model.lora_rank=2")).loaded.model
    assert {p.dtype for p in adapted.parameters() if p.requires_grad} == {torch.float32}
    assert {p.dtype for p in adapted.parameters() if not p.requires_grad} == {torch.bfloat16}


def test_learned_weights_of_low_precision_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def low(settings: TrainSettings) -> Any:
        assessor = build_trainable_assessor(settings)
        assessor.loaded.model.bfloat16()
        return assessor

    monkeypatch.setattr("vqinsight.training.run.build_trainable_assessor", low)
    with pytest.raises(TrainingError, match=r"not float32.*trainer\.bf16 = true"):
        run_stage2(_settings(tmp_path))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (("model.dtype=float16",), "overflows"),
        (("trainer.fp16=true",), "overflows"),
        (("model.dtype=bfloat16", "trainer.bf16=false"), "contradicts"),
        (("model.lora_rank=2", "model.lora_targets=.*lm_head"), "lora_targets"),
    ],
)
def test_precisions_that_do_not_train(tmp_path: Path, changes: tuple[str, ...], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        run_stage2(_settings(tmp_path, *changes))
