"""The embedded generator behind the common interface."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderKL, FlowMatchEulerDiscreteScheduler, WanTransformer3DModel
from transformers import AutoTokenizer, CLIPTextModel

from vqinsight.assessor.save import save_tokenizer
from vqinsight.errors import ModelError
from vqinsight.generator.base import Generator
from vqinsight.generator.checkpoint import read_card, write_card
from vqinsight.generator.conditioning import Conditioning
from vqinsight.generator.families.nano_layout import encode_words, say_clip, to_pixels, to_planes
from vqinsight.generator.families.nano_networks import NEAR, SHIFT
from vqinsight.generator.noise import flow_towards, shifted
from vqinsight.synthetic.simple import FPS, FRAMES, SIDE

STEPS, GUIDANCE = 12, 3.5
CARD = {"family": "nano", "says": "clip", "times": "frames"}  # it predicts the clip and reads one time per frame


class NanoGenerator(Generator):
    """8 frames of 64×64 in a fraction of a second on a CPU, for the captions of ``synthetic/simple.py``."""

    family = "nano"

    def __init__(self, name: str, denoiser: Any, vae: Any, text_encoder: Any, tokenizer: Any, scheduler: Any) -> None:
        self.name, self.prediction = name, "flow"
        self.denoiser, self.vae, self.text_encoder, self.tokenizer = denoiser, vae, text_encoder, tokenizer
        self.frozen = {"vae": vae, "text_encoder": text_encoder}
        for network in self.frozen.values():
            network.eval().requires_grad_(False)
        self.scheduler = scheduler
        self.size, self.fps, self.steps, self.guidance = (FRAMES, SIDE, SIDE), FPS, STEPS, GUIDANCE

    @property
    def latent_shape(self) -> tuple[int, ...]:
        """(channels, frames, height, width)."""
        config = self.vae.config
        side = config.sample_size // 2 ** (len(config.block_out_channels) - 1)
        return (config.latent_channels, self.size[0], side, side)

    @torch.no_grad()
    def encode_video(self, frames: torch.Tensor) -> torch.Tensor:
        """(B, channels, F, 8, 8): the mode of the auto-encoder's posterior, frame by frame."""
        latents = self.vae.encode(to_planes(frames.flatten(0, 1).to(self.device))).latent_dist.mode()
        mean, std = self._statistics()
        return (latents.unflatten(0, frames.shape[:2]).transpose(1, 2) - mean) / std

    @torch.no_grad()
    def decode(self, latents: torch.Tensor) -> torch.Tensor:
        mean, std = self._statistics()
        planes = (latents * std + mean).transpose(1, 2)
        return to_pixels(self.vae.decode(planes.flatten(0, 1)).sample).unflatten(0, planes.shape[:2])

    def _statistics(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Mean and deviation of each latent channel, shaped for (B, channels, frames, height, width)."""
        config, shape = self.vae.config, (1, -1, 1, 1, 1)
        mean, std = config.latents_mean or [0.0], config.latents_std or [1.0]
        return torch.tensor(mean, device=self.device).view(shape), torch.tensor(std, device=self.device).view(shape)

    @torch.no_grad()
    def encode_prompt(self, prompts: Sequence[str]) -> Conditioning:
        return Conditioning({"text": encode_words(self.text_encoder, self.tokenizer, prompts)})

    def predict(self, noisy: torch.Tensor, t: torch.Tensor, conditioning: Conditioning) -> torch.Tensor:
        text = conditioning.tensors["text"].to(noisy)
        return flow_towards(say_clip(self.denoiser, noisy, t, text), noisy, t)

    def sample_t(self, count: int, rng: torch.Generator) -> torch.Tensor:
        """Uniform, then shifted like the sampler's steps, at least ``NEAR``."""
        return shifted(1 - torch.rand(count, generator=rng), SHIFT).clamp(min=NEAR)

    def _save_whole(self, folder: Path) -> None:
        for name in ("denoiser", "vae", "text_encoder", "scheduler"):
            getattr(self, name).save_pretrained(folder / name)
        save_tokenizer(self.tokenizer, folder / "tokenizer")
        write_card(folder, CARD)


def open_nano(name: str, folder: Path) -> NanoGenerator:
    """Read a folder of an embedded generator.

    Raises:
        ModelError: a file is missing or damaged, or the denoiser predicts the flow or reads one time for all frames.
    """
    if read_card(folder) != CARD:
        raise ModelError(f"{name}: trained by an earlier version, whose denoiser is used differently. Train it again.")
    try:
        return NanoGenerator(
            name,
            WanTransformer3DModel.from_pretrained(folder / "denoiser", dtype=torch.float32),
            AutoencoderKL.from_pretrained(folder / "vae", dtype=torch.float32),
            CLIPTextModel.from_pretrained(folder / "text_encoder", dtype=torch.float32),
            AutoTokenizer.from_pretrained(folder / "tokenizer"),
            FlowMatchEulerDiscreteScheduler.from_pretrained(folder / "scheduler"),
        )
    except (OSError, ValueError, KeyError) as error:
        raise ModelError(f"{name}: cannot be loaded ({str(error).strip().splitlines()[0]}).") from error
