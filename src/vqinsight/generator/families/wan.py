"""Wan 2.1 (flow)."""

from __future__ import annotations

from typing import Any

import torch

from vqinsight.errors import ModelError
from vqinsight.generator.conditioning import Conditioning
from vqinsight.generator.pipeline import StandardizedGenerator, to_pixels


class WanGenerator(StandardizedGenerator):
    """Wan 2.1 text-to-video, 1.3B and 14B."""

    family, prediction = "wan", "flow"
    defaults = ((81, 480, 832), 16.0, 50, 5.0)

    def __init__(self, name: str, pipeline: Any) -> None:
        if getattr(pipeline, "transformer_2", None) is not None:
            raise ModelError(f"{name}: Wan 2.2 has two denoisers and is not supported. Use a Wan 2.1 model.")
        super().__init__(name, pipeline)

    @property
    def compression(self) -> tuple[int, int, int]:
        config = self.vae.config
        return int(config.scale_factor_temporal), int(config.scale_factor_spatial), int(config.scale_factor_spatial)

    @property
    def latent_shape(self) -> tuple[int, ...]:
        """(channels, frames, height, width)."""
        return (self.vae.config.z_dim, *self.latent_grid())

    def _statistics(self) -> tuple[torch.Tensor, torch.Tensor]:
        config, shape = self.vae.config, (1, -1, 1, 1, 1)
        mean, std = torch.tensor(config.latents_mean), torch.tensor(config.latents_std)
        return mean.view(shape).to(self.device), std.view(shape).to(self.device)

    @torch.no_grad()
    def decode(self, latents: torch.Tensor) -> torch.Tensor:
        mean, std = self._statistics()
        return to_pixels(self.vae.decode((latents * std + mean).to(self.vae.dtype)).sample)

    def predict(self, noisy: torch.Tensor, t: torch.Tensor, conditioning: Conditioning) -> torch.Tensor:
        text = conditioning.tensors["text"].to(noisy)
        return self.denoiser(noisy, t.to(noisy) * 1000, text, return_dict=False)[0]
