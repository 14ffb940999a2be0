"""Noise and training targets for epsilon, v (both with a variance-preserving schedule) and flow.

``x`` are clean latents, ``noise`` is standard normal, both (B, ...); ``t`` is (B,). Libraries' schedulers are not used
for this: their ``scale_noise`` looks t up in the steps last set for sampling.
"""

from __future__ import annotations

from typing import Literal

import torch

Prediction = Literal["epsilon", "v", "flow"]


def _like(values: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    """(B,) with as many axes as ``x``, in its number format."""
    return values.to(device=x.device, dtype=x.dtype).view(-1, *[1] * (x.dim() - 1))


def diffuse(x: torch.Tensor, noise: torch.Tensor, alpha_bar: torch.Tensor) -> torch.Tensor:
    """sqrt(ᾱ) x + sqrt(1 - ᾱ) noise; ``alpha_bar`` (B,) is ᾱ at each clip's t."""
    return _like(alpha_bar.sqrt(), x) * x + _like((1 - alpha_bar).sqrt(), x) * noise


def velocity(x: torch.Tensor, noise: torch.Tensor, alpha_bar: torch.Tensor) -> torch.Tensor:
    """The target of v-prediction: sqrt(ᾱ) noise - sqrt(1 - ᾱ) x."""
    return _like(alpha_bar.sqrt(), x) * noise - _like((1 - alpha_bar).sqrt(), x) * x


def flow(x: torch.Tensor, noise: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
    """(1 - t) x + t noise, t in [0, 1]: a straight line from the clip to noise, whose velocity is noise - x."""
    return _like(1 - t, x) * x + _like(t, x) * noise


def flow_towards(clip: torch.Tensor, noisy: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
    """The flow at ``noisy`` (time ``t`` in (0, 1]) of a network that predicts the clip: (noisy - clip) / t."""
    return (noisy - clip) / _like(t.clamp(min=1e-3), noisy)


def shifted(u: torch.Tensor, shift: float) -> torch.Tensor:
    """u in [0, 1] moved towards noise: s u / (1 + (s - 1) u). Sampler and training must use the same shift."""
    return shift * u / (1 + (shift - 1) * u)
