"""Divergence: a run stops before a loss, gradients or weights that are not finite reach the weights or a checkpoint."""

from __future__ import annotations

import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch
from torch.distributed.tensor import DTensor
from transformers import TrainerCallback

from vqinsight.assessor.save import last_checkpoint
from vqinsight.errors import TrainingError


def largest(tensors: Iterable[torch.Tensor]) -> torch.Tensor:
    """The largest absolute value, a scalar: nan or inf where one value is; of sharded tensors this process's part."""
    parts = [part for part in map(_local, tensors) if part.numel()]
    return torch.nn.utils.get_total_norm(parts, math.inf)


def _local(tensor: torch.Tensor) -> torch.Tensor:
    if isinstance(tensor, DTensor):  # FSDP2
        return tensor.to_local()
    part: torch.Tensor = getattr(tensor, "ds_tensor", tensor)  # ZeRO-3
    return part.detach()


class Divergence(TrainerCallback):
    """Checks the loss and the gradients of each update before the optimizer uses them, and weights before a save.

    All processes come to the same verdict, so that none waits for one that stopped.

    Args:
        trainer: whose run it is. With DeepSpeed the optimizer has made its step by then; the check then comes before
            anything is saved.
    """

    def __init__(self, trainer: Any) -> None:
        self._trainer = trainer
        self._losses: list[torch.Tensor] = []

    def add(self, loss: torch.Tensor) -> None:
        """Take the loss of one forward pass."""
        self._losses.append(loss.detach().float())

    def on_pre_optimizer_step(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ARG002
        """Check this update.

        Raises:
            TrainingError: the loss or a gradient is not finite.
        """
        loss, gradient = self._everywhere(torch.stack(self._losses).sum(), self._gradient())
        self._losses.clear()
        update = state.global_step + 1
        if not math.isfinite(loss):
            raise self._stop(update, f"the loss is not a finite number ({loss})")
        if not math.isfinite(gradient):
            raise self._stop(update, f"the gradients are not finite ({gradient})")

    def check_weights(self) -> None:
        """Check the trained weights.

        Raises:
            TrainingError: one is not finite.
        """
        trainer = self._trainer
        (weight,) = self._everywhere(largest(p for p in trainer.model.parameters() if p.requires_grad))
        if not math.isfinite(weight):
            raise self._stop(trainer.state.global_step, f"the weights are not finite ({weight})")

    def _gradient(self) -> torch.Tensor:
        trainer = self._trainer
        if trainer.accelerator.mixed_precision == "fp16":  # its scaler skips updates whose gradients overflow
            return torch.zeros(())
        if trainer.is_deepspeed_enabled:
            norm = trainer.model_wrapped.get_global_grad_norm()
            return torch.tensor(0.0 if norm is None else float(norm))
        return largest(p.grad for p in trainer.model.parameters() if p.grad is not None)

    def _everywhere(self, *values: torch.Tensor) -> list[float]:
        """Sums over all processes: not finite where one process's value is not."""
        accelerator = self._trainer.accelerator
        sums: list[float] = accelerator.reduce(
            torch.stack([value.to(accelerator.device, torch.float32) for value in values]), "sum"
        ).tolist()
        return sums

    def _stop(self, update: int, what: str) -> TrainingError:
        place = last_checkpoint(Path(self._trainer.args.output_dir))
        again = "Lower learning_rate and begin"
        if place is None:
            return TrainingError(f"update {update}: {what}. There is no checkpoint yet. {again} again, in another out.")
        return TrainingError(
            f"update {update}: {what}. The last good checkpoint is {place}. {again} another run from it, in another "
            f"out: --set model.name={place}. Going on with the same settings ends in the same way."
        )
