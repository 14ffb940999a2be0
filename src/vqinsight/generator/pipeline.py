"""Generators around diffusers pipelines: the part that is common to all families.

The pipeline's own method encodes prompts. The layout of latents, the call of the network and the sampler of each family
are in ``families/``.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import torch

from vqinsight.errors import ModelError
from vqinsight.generator.base import Generator
from vqinsight.generator.checkpoint import write_card
from vqinsight.generator.conditioning import Conditioning
from vqinsight.generator.noise import shifted


class PipelineGenerator(Generator):
    """A generator around a diffusers pipeline.

    Attributes:
        pipeline: the diffusers pipeline; it shares its networks with the generator.
        compression: pixels per latent in time, height and width.
    """

    part: ClassVar[str] = "transformer"  # the pipeline's name of its denoiser
    defaults: ClassVar[tuple[tuple[int, int, int], float, int, float]]  # size, fps, steps, guidance

    def __init__(self, name: str, pipeline: Any) -> None:
        self.name, self.pipeline = name, pipeline
        self.denoiser = getattr(pipeline, self.part)
        self.vae = pipeline.vae
        self.frozen = {
            key: network
            for key, network in pipeline.components.items()
            if isinstance(network, torch.nn.Module) and key != self.part
        }
        for network in self.frozen.values():
            network.eval().requires_grad_(False)
        self.scheduler = pipeline.scheduler
        self.size, self.fps, self.steps, self.guidance = self.defaults
        if self.prediction != "flow":
            self.alphas_cumprod = self.scheduler.alphas_cumprod.float()

    @property
    @abstractmethod
    def compression(self) -> tuple[int, int, int]:
        """Pixels per latent in time, height and width."""

    def latent_grid(self) -> tuple[int, int, int]:
        """Latents in time, height and width of a clip of ``size``.

        Raises:
            ModelError: the size does not fit the auto-encoder.
        """
        frames, height, width = self.size
        time, down, across = self.compression
        if (frames - 1) % time or height % down or width % across:
            raise ModelError(
                f"{self.name}: {frames} frames of {height}×{width} do not fit; frames must be a multiple of {time} "
                f"plus 1, height and width multiples of {down} and {across}."
            )
        return (frames - 1) // time + 1, height // down, width // across

    def encode_prompt(self, prompts: Sequence[str]) -> Conditioning:
        with torch.no_grad():
            text = self.pipeline.encode_prompt(list(prompts), device=self.device, do_classifier_free_guidance=False)[0]
        return Conditioning({"text": text})

    def sample_t(self, count: int, rng: torch.Generator) -> torch.Tensor:
        if self.prediction == "flow":
            return shifted(1 - torch.rand(count, generator=rng), self.shift())
        return torch.randint(self.scheduler.config.num_train_timesteps, (count,), generator=rng)

    def shift(self) -> float:
        """Shift of the training times of flow models towards noise, equal to the sampler's."""
        config = self.scheduler.config
        return float(config.get("flow_shift") or config.get("shift") or 1.0)

    def to_planes(self, frames: torch.Tensor) -> torch.Tensor:
        """uint8 (B, F, H, W, 3) becomes (B, 3, F, H, W) in [-1, 1]."""
        return frames.to(self.device).permute(0, 4, 1, 2, 3).to(self.vae.dtype) / 127.5 - 1

    def _save_whole(self, folder: Path) -> None:
        learner = getattr(self.pipeline, self.part)
        setattr(self.pipeline, self.part, self.denoiser)
        try:
            self.pipeline.save_pretrained(folder)
        finally:
            setattr(self.pipeline, self.part, learner)
        write_card(folder, {"family": self.family})


class StandardizedGenerator(PipelineGenerator):
    """A pipeline whose latents are standardized per channel."""

    @abstractmethod
    def _statistics(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Mean and deviation of the auto-encoder's latents, each (1, channels, 1, 1, 1)."""

    @torch.no_grad()
    def encode_video(self, frames: torch.Tensor) -> torch.Tensor:
        mean, std = self._statistics()
        return (self.vae.encode(self.to_planes(frames)).latent_dist.mode() - mean) / std


def to_pixels(planes: torch.Tensor) -> torch.Tensor:
    """(B, 3, F, H, W) becomes uint8 (B, F, H, W, 3); values that are not finite give black."""
    planes = torch.nan_to_num(planes.float(), nan=-1.0)
    return ((planes + 1) * 127.5).round().clamp(0, 255).byte().permute(0, 2, 3, 4, 1)
