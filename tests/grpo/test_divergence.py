"""A loss, a gradient or a weight that is not finite stops the run; what it saved before stays and can be used."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch
from helpers import policy, process, runs
from torch.optim.optimizer import register_optimizer_step_post_hook
from typer.testing import CliRunner

from vqinsight.assessor.load import load_model
from vqinsight.cli.main import app
from vqinsight.errors import TrainingError
from vqinsight.grpo.divergence import largest
from vqinsight.grpo.trainer import GRPOTrainer
from vqinsight.training.sft import run_sft
from vqinsight.training.stage2_temporal import run_stage2

THREE = ("updates=3", "save_every=1", "grpo.max_new_tokens=8")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The setting that names a tiny random model."""
    return f"model.name={policy.save('qwen2_5_vl', tmp_path_factory.mktemp('model'))}"


def _spoil(monkeypatch: pytest.MonkeyPatch, change: Callable[[torch.Tensor, Any], torch.Tensor], update: int) -> None:
    """Change the loss of an update, counted from 1."""
    compute_loss = GRPOTrainer.compute_loss

    def spoilt(self: GRPOTrainer, model: Any, *given: Any, **options: Any) -> Any:
        loss = compute_loss(self, model, *given, **options)
        return change(loss, model) if self.state.global_step + 1 == update else loss

    monkeypatch.setattr(GRPOTrainer, "compute_loss", spoilt)


def _finite_loss_with_a_gradient_that_is_not(loss: torch.Tensor, model: Any) -> torch.Tensor:
    weight = next(p for p in model.parameters() if p.requires_grad).flatten()[0]
    return loss + (weight - weight.detach()).abs().sqrt()


@contextmanager
def _weights_after_step(step: int, value: float) -> Iterator[None]:
    """From inside the optimizer: what a step too large does."""
    done = 0

    def broken(optimizer: Any, *_: Any) -> None:
        nonlocal done
        done += 1
        if done == step:
            optimizer.param_groups[0]["params"][0].data.view(-1)[3] = value

    hook = register_optimizer_step_post_hook(broken)
    try:
        yield
    finally:
        hook.remove()


def test_a_loss_that_is_no_number_ends_the_command_with_1(
    model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _spoil(monkeypatch, lambda loss, _: loss * torch.nan, update=3)
    monkeypatch.chdir(tmp_path)
    runs.prepare(tmp_path)
    short = (model, "questions_per_update=1", "answers_per_forward=4", *THREE)
    changes = [each for change in short for each in ("--set", change)]
    ended = CliRunner().invoke(app, ["train", "config.toml", *changes], env={"COLUMNS": "300"})
    assert ended.exit_code == 1, ended.output
    said = " ".join(ended.stderr.split())
    assert "update 3: the loss is not a finite number (nan). The last good checkpoint is run/checkpoint-2" in said
    assert "learning_rate" in said and "Traceback" not in said
    kept = sorted(place.name for place in Path("run").glob("checkpoint-*"))
    assert kept == ["checkpoint-1", "checkpoint-2"] and not Path("run/final").exists()
    again = re.search(r"--set model\.name=(\S+?)\. ", said)  # what it advises works
    assert again is not None
    kept_model = load_model(again[1], device="cpu").model
    assert all(torch.isfinite(weight).all() for weight in kept_model.parameters())


@pytest.mark.parametrize("clip", ["1.0", "0.0"])
def test_a_gradient_that_is_no_number_never_meets_the_weights(
    clip: str, model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With gradients clipped, which makes all of them nan, and unclipped."""
    seen: list[GRPOTrainer] = []
    train = GRPOTrainer.train
    monkeypatch.setattr(GRPOTrainer, "train", lambda self, **options: seen.append(self) or train(self, **options))
    _spoil(monkeypatch, _finite_loss_with_a_gradient_that_is_not, update=1)
    with pytest.raises(TrainingError, match=r"update 1: the gradients are not finite .*no checkpoint yet"):
        run_stage2(runs.settings(tmp_path, model, *THREE, f"trainer.max_grad_norm={clip}"))
    assert seen and all(torch.isfinite(weight).all() for weight in seen[0].model.parameters())


def test_weights_that_are_not_finite_are_never_saved(model: str, tmp_path: Path) -> None:
    """In the supervised baseline, which shares the base class; after the last update too."""
    sft = (model, "stage=sft", "answers_per_forward=1", "updates=2")
    with (
        _weights_after_step(2, torch.inf),
        pytest.raises(TrainingError, match=r"update 2: .*weights.*\(inf\).*point-1"),
    ):
        run_sft(runs.settings(tmp_path, *sft, "save_every=1"))
    assert (tmp_path / "run" / "checkpoint-1").is_dir() and not (tmp_path / "run" / "checkpoint-2").exists()
    with _weights_after_step(2, torch.nan), pytest.raises(TrainingError, match=r"weights are not finite \(nan\)"):
        run_sft(runs.settings(tmp_path, *sft, "save_every=5", f"out={tmp_path / 'late'}"))
    assert not list((tmp_path / "late").glob("**/*.safetensors"))


def test_the_largest_value_shows_whatever_is_not_finite() -> None:
    plain = [torch.tensor([1.0, -3.0]), torch.tensor([[2.0]]), torch.zeros(0)]
    assert largest(plain) == 3.0
    for bad in (torch.nan, torch.inf, -torch.inf):
        spoilt = torch.ones(1000)
        spoilt[517] = bad
        for dtype in (torch.float32, torch.bfloat16, torch.float16):
            assert not torch.isfinite(largest([*plain, spoilt.to(dtype), torch.ones(3)]))
    assert largest([torch.full((1000,), 1e30)]) == pytest.approx(1e30)  # squares would overflow


RANK_1_FAILS = """
import os, torch
from vqinsight.cli.main import main
from vqinsight.grpo.trainer import GRPOTrainer
compute_loss = GRPOTrainer.compute_loss
def spoilt(self, *given, **options):
    return compute_loss(self, *given, **options) * (torch.nan if os.environ["RANK"] == "1" else 1)
GRPOTrainer.compute_loss = spoilt
main()
"""


@pytest.mark.full
@pytest.mark.slow
def test_processes_stop_together(tmp_path: Path) -> None:
    """The loss of one is no number: both say so and end, where a process that waits would have to be killed."""
    runs.prepare(tmp_path)
    (tmp_path / "program.py").write_text(RANK_1_FAILS)
    launch = [sys.executable, "-m", "torch.distributed.run", "--nproc_per_node=2", "program.py"]
    ended = subprocess.run(
        [*launch, "train", "config.toml", "--set", "answers_per_forward=2", "--set", "grpo.max_new_tokens=8"],
        cwd=tmp_path,
        env=os.environ | process.ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert ended.returncode == 1
    assert ended.stderr.count("Error: update 1: the loss is not a finite number (nan)") == 2
    assert not list((tmp_path / "run").glob("checkpoint-*"))
