"""CogVideoX (v-prediction)."""

from __future__ import annotations

from typing import Any

import torch
from diffusers import CogVideoXDDIMScheduler

from vqinsight.errors import ModelError
from vqinsight.generator.conditioning import Conditioning
from vqinsight.generator.pipeline import PipelineGenerator, to_pixels


class CogVideoXGenerator(PipelineGenerator):
    """CogVideoX 2b and 5b; in latents the frame axis precedes the channels."""

    family, prediction = "cogvideox", "v"
    defaults = ((49, 480, 720), 8.0, 50, 6.0)

    def __init__(self, name: str, pipeline: Any) -> None:
        if pipeline.transformer.config.patch_size_t is not None:
            raise ModelError(
                f"{name}: CogVideoX 1.5 cuts time into patches and is not supported. Use CogVideoX-2b or 5b."
            )
        # The DPM sampler of the 5b keeps state between steps; DDIM on the same schedule does not.
        pipeline.scheduler = CogVideoXDDIMScheduler.from_config(pipeline.scheduler.config)
        super().__init__(name, pipeline)

    @property
    def compression(self) -> tuple[int, int, int]:
        config = self.vae.config
        side = 2 ** (len(config.block_out_channels) - 1)
        return int(config.temporal_compression_ratio), side, side

    @property
    def latent_shape(self) -> tuple[int, ...]:
        """(frames, channels, height, width)."""
        frames, height, width = self.latent_grid()
        return frames, self.vae.config.latent_channels, height, width

    @torch.no_grad()
    def encode_video(self, frames: torch.Tensor) -> torch.Tensor:
        latents = self.vae.encode(self.to_planes(frames)).latent_dist.mode()
        return latents.transpose(1, 2) * self.vae.config.scaling_factor

    @torch.no_grad()
    def decode(self, latents: torch.Tensor) -> torch.Tensor:
        return to_pixels(self.vae.decode(latents.transpose(1, 2) / self.vae.config.scaling_factor).sample)

    def predict(self, noisy: torch.Tensor, t: torch.Tensor, conditioning: Conditioning) -> torch.Tensor:
        rotary = None
        if self.pipeline.transformer.config.use_rotary_positional_embeddings:
            side = self.compression[1]
            rotary = self.pipeline._prepare_rotary_positional_embeddings(
                noisy.shape[3] * side, noisy.shape[4] * side, noisy.shape[1], noisy.device
            )
        text = conditioning.tensors["text"].to(noisy)
        return self.denoiser(noisy, text, t.to(noisy.device), image_rotary_emb=rotary, return_dict=False)[0]
