"""LTX-Video (flow)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from diffusers.pipelines.ltx.pipeline_ltx import calculate_shift

from vqinsight.generator.conditioning import Conditioning
from vqinsight.generator.pipeline import StandardizedGenerator, to_pixels


class LTXGenerator(StandardizedGenerator):
    """LTX-Video 0.9; latents are stored unpacked and packed for the network."""

    family, prediction = "ltx", "flow"
    defaults = ((97, 512, 704), 25.0, 50, 3.0)

    @property
    def compression(self) -> tuple[int, int, int]:
        return (
            self.pipeline.vae_temporal_compression_ratio,
            self.pipeline.vae_spatial_compression_ratio,
            self.pipeline.vae_spatial_compression_ratio,
        )

    @property
    def latent_shape(self) -> tuple[int, ...]:
        """(channels, frames, height, width)."""
        return (self.vae.config.latent_channels, *self.latent_grid())

    def _statistics(self) -> tuple[torch.Tensor, torch.Tensor]:
        shape = (1, -1, 1, 1, 1)
        return self.vae.latents_mean.view(shape), self.vae.latents_std.view(shape) / self.vae.config.scaling_factor

    @torch.no_grad()
    def decode(self, latents: torch.Tensor) -> torch.Tensor:
        mean, std = self._statistics()
        # Later auto-encoders can denoise too: time 0 disables it, so that decoding is deterministic.
        time = torch.zeros(len(latents), device=self.device) if self.vae.config.timestep_conditioning else None
        return to_pixels(self.vae.decode(latents * std + mean, time, return_dict=False)[0])

    def encode_prompt(self, prompts: Sequence[str]) -> Conditioning:
        with torch.no_grad():
            text, mask, _, _ = self.pipeline.encode_prompt(
                list(prompts), do_classifier_free_guidance=False, device=self.device
            )
        return Conditioning({"text": text, "mask": mask})

    def predict(self, noisy: torch.Tensor, t: torch.Tensor, conditioning: Conditioning) -> torch.Tensor:
        frames, height, width = noisy.shape[2:]
        config = self.pipeline.transformer.config
        time, down, across = self.compression
        said = self.denoiser(
            hidden_states=self.pipeline._pack_latents(noisy, config.patch_size, config.patch_size_t),
            encoder_hidden_states=conditioning.tensors["text"].to(noisy),
            timestep=t.to(noisy) * 1000,
            encoder_attention_mask=conditioning.tensors["mask"].to(noisy.device),
            num_frames=frames,
            height=height,
            width=width,
            rope_interpolation_scale=(time / self.fps, down, across),
            return_dict=False,
        )[0]
        return self.pipeline._unpack_latents(said, frames, height, width, config.patch_size, config.patch_size_t)

    def _mu(self) -> float:
        config = self.scheduler.config
        return float(
            calculate_shift(
                math.prod(self.latent_grid()),
                config.get("base_image_seq_len", 256),
                config.get("max_image_seq_len", 4096),
                config.get("base_shift", 0.5),
                config.get("max_shift", 1.15),
            )
        )

    def shift(self) -> float:
        """The sampler's shift, which may grow with the size of the clip."""
        return math.exp(self._mu()) if self.scheduler.config.use_dynamic_shifting else super().shift()

    def _new_scheduler(self, steps: int) -> Any:
        scheduler = type(self.scheduler).from_config(self.scheduler.config)
        sigmas = np.linspace(1.0, 1 / steps, steps)
        moving = {"mu": self._mu()} if scheduler.config.use_dynamic_shifting else {}
        scheduler.set_timesteps(sigmas=sigmas, device=self.device, **moving)
        return scheduler
