"""Muon for the matrices inside the layers and AdamW for the rest, as one optimizer.

On the tower alone, AdamW needs about three times as many clips for the loss that this reaches with 5,300 (dev/log).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Any

import torch


class Muon(torch.optim.Muon):
    """torch's Muon, Nesterov's and with ``adjust_lr_fn="match_rms_adamw"``, computed in the precision of the weights.

    torch's Muon always computes in bfloat16. A CPU without bfloat16 takes .6 s for a matrix of 256 x 768, against .02 s
    in float32, which dominates a step of pre-training.
    """

    def __init__(self, params: Any, lr: float, weight_decay: float) -> None:
        super().__init__(params, lr=lr, weight_decay=weight_decay, adjust_lr_fn="match_rms_adamw")

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # type: ignore[override]
        """One update."""
        loss = closure() if closure is not None else None
        for group in self.param_groups:
            rate, decay, momentum = group["lr"], group["weight_decay"], group["momentum"]
            for weight in group["params"]:
                if weight.grad is None:
                    continue
                state = self.state[weight]
                if not state:
                    state["momentum_buffer"] = torch.zeros_like(weight)
                mean = state["momentum_buffer"].lerp_(weight.grad, 1 - momentum)
                update = orthogonal(weight.grad.lerp(mean, momentum), group["ns_coefficients"], group["ns_steps"])
                weight.mul_(1 - rate * decay)
                weight.add_(update, alpha=-rate * 0.2 * max(weight.shape) ** 0.5)
        return loss


def orthogonal(matrix: torch.Tensor, coefficients: tuple[float, float, float], steps: int) -> torch.Tensor:
    """A matrix with the same singular vectors whose singular values are all about 1, by Newton-Schulz steps.

    Source: Jordan et al., Muon: An optimizer for hidden layers in neural networks (2024).
    """
    a, b, c = coefficients
    tall = matrix.shape[0] > matrix.shape[1]
    near = matrix.T if tall else matrix
    near = near / near.norm().clamp_min(1e-7)
    for _ in range(steps):
        gram = near @ near.T
        near = a * near + (b * gram + c * gram @ gram) @ near
    return near.T if tall else near


class MuonAndAdamW(torch.optim.Optimizer):
    """``Muon`` and ``torch.optim.AdamW`` side by side.

    Args:
        model: its two-dimensional weights, embeddings apart, go to Muon.
        muon_rate: learning rate of Muon, scaled so that updates have the size of AdamW's.
        adamw_rate: learning rate of AdamW.
        factors: factors of both rates by prefix of a weight's name.
    """

    def __init__(
        self,
        model: torch.nn.Module,
        muon_rate: float,
        adamw_rate: float,
        factors: Mapping[str, float] | None = None,
        weight_decay: float = 0.05,
    ) -> None:
        embeddings = {id(module.weight) for module in model.modules() if isinstance(module, torch.nn.Embedding)}
        matrices: dict[float, list[torch.nn.Parameter]] = defaultdict(list)
        others: dict[float, list[torch.nn.Parameter]] = defaultdict(list)
        for name, weight in model.named_parameters():
            if weight.requires_grad:
                kind = matrices if weight.ndim == 2 and id(weight) not in embeddings else others
                kind[next((f for start, f in (factors or {}).items() if name.startswith(start)), 1.0)].append(weight)
        self._muon = Muon(
            [{"params": weights, "lr": muon_rate * factor} for factor, weights in matrices.items()],
            lr=muon_rate,
            weight_decay=weight_decay,
        )
        self._adamw = torch.optim.AdamW(
            [{"params": weights, "lr": adamw_rate * factor} for factor, weights in others.items()],
            lr=adamw_rate,
            betas=(0.9, 0.98),
            weight_decay=weight_decay,
        )
        super().__init__([*self._muon.param_groups, *self._adamw.param_groups], {})
        self.param_groups = [*self._muon.param_groups, *self._adamw.param_groups]  # same objects: schedulers set lr

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # type: ignore[override]
        """One update of both."""
        loss = closure() if closure is not None else None
        self._muon.step()
        self._adamw.step()
        return loss

    def state_dict(self) -> dict[str, Any]:
        """Both states."""
        return {"muon": self._muon.state_dict(), "adamw": self._adamw.state_dict()}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Both states."""
        self._muon.load_state_dict(state_dict["muon"])
        self._adamw.load_state_dict(state_dict["adamw"])
        self.param_groups = [*self._muon.param_groups, *self._adamw.param_groups]
