"""The embedded generator behind the common interface."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

from vqinsight.generator import lora
from vqinsight.generator.base import Conditioning, Generator
from vqinsight.generator.nano.build import SHIFT
from vqinsight.generator.nano.planes import encode_words, to_pixels, to_planes
from vqinsight.generator.noise import shifted
from vqinsight.world.simple import FPS, FRAMES, SIDE

CARD = "generator.json"  # marks a folder as ours
STEPS, GUIDANCE = 12, 2.0


class NanoGenerator(Generator):
    """8 frames of 64×64 in a fraction of a second on a CPU; it knows the captions of ``world/simple.py`` and no others."""

    def __init__(self, name: str, denoiser: Any, vae: Any, text_encoder: Any, tokenizer: Any, scheduler: Any) -> None:
        self.name, self.prediction = name, "flow"
        self.denoiser, self.vae, self.text_encoder, self.tokenizer = denoiser, vae, text_encoder, tokenizer
        self.frozen = {"vae": vae.eval().requires_grad_(False), "text_encoder": text_encoder.eval()}
        self.text_encoder.requires_grad_(False)
        self.scheduler = scheduler
        self.size, self.fps, self.steps, self.guidance = (FRAMES, SIDE, SIDE), FPS, STEPS, GUIDANCE

    @property
    def latent_shape(self) -> tuple[int, ...]:
        """(channels, frames, height, width)."""
        side = self.vae.config.sample_size // 2 ** (len(self.vae.config.block_out_channels) - 1)
        return (self.vae.config.latent_channels, self.size[0], side, side)

    def _statistics(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Mean and deviation of each latent channel, shaped for (B, channels, frames, height, width)."""
        config = self.vae.config
        mean, std = config.latents_mean or [0.0], config.latents_std or [1.0]
        shape = (1, -1, 1, 1, 1)
        return torch.tensor(mean, device=self.device).view(shape), torch.tensor(std, device=self.device).view(shape)

    @torch.no_grad()
    def encode_video(self, frames: torch.Tensor) -> torch.Tensor:
        """(B, channels, F, 8, 8): the middle of what the auto-encoder believes, frame by frame."""
        count, length = frames.shape[:2]
        latents = self.vae.encode(to_planes(frames.flatten(0, 1).to(self.device))).latent_dist.mode()
        mean, std = self._statistics()
        return (latents.unflatten(0, (count, length)).transpose(1, 2) - mean) / std

    @torch.no_grad()
    def decode(self, latents: torch.Tensor) -> torch.Tensor:
        mean, std = self._statistics()
        planes = (latents * std + mean).transpose(1, 2)
        pixels = to_pixels(self.vae.decode(planes.flatten(0, 1)).sample)
        return pixels.unflatten(0, planes.shape[:2])

    @torch.no_grad()
    def encode_prompt(self, prompts: Sequence[str]) -> Conditioning:
        return Conditioning({"text": encode_words(self.text_encoder, self.tokenizer, prompts)})

    def predict(self, noisy: torch.Tensor, t: torch.Tensor, conditioning: Conditioning) -> torch.Tensor:
        text = conditioning.tensors["text"].to(noisy)
        return self.denoiser(noisy, t.to(noisy) * 1000, text, return_dict=False)[0]

    def sample_t(self, count: int, rng: torch.Generator) -> torch.Tensor:
        """Uniform, then shifted as the sampler's steps are."""
        return shifted(1 - torch.rand(count, generator=rng), SHIFT)

    def save(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        card: dict[str, Any] = {"family": "nano", "base": None, "lora": None}
        if lora.has_lora(self.denoiser) and not self._folded:
            weights, card["lora"] = lora.lora_state(self.denoiser)
            card["base"] = self.base
            save_file(weights, folder / "lora.safetensors")
        else:
            self.denoiser.save_pretrained(folder / "denoiser")
            self.vae.save_pretrained(folder / "vae")
            self.text_encoder.save_pretrained(folder / "text_encoder")
            self.tokenizer.save_pretrained(folder / "tokenizer")
            self.scheduler.save_pretrained(folder / "scheduler")
        (folder / CARD).write_text(json.dumps(card, indent=2) + "\n", encoding="utf-8")

    def provenance(self) -> dict[str, Any]:
        return {}
