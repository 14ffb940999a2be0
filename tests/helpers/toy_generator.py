"""A generator of a few hundred weights that speaks the whole interface: clips of 4 frames of 16 x 16."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn

from vqinsight.generator.base import Conditioning, Generator


class Denoiser(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.read = nn.Linear(3 + 1 + 2, 16)
        self.to_q = nn.Linear(16, 16)
        self.say = nn.Linear(16, 3)

    def forward(self, noisy: torch.Tensor, t: torch.Tensor, text: torch.Tensor) -> torch.Tensor:
        shape = noisy.shape[:-1]
        extra = torch.cat([t[:, None], text], 1).view(len(t), 1, 1, 1, 3).expand(*shape, 3)
        return self.say(torch.tanh(self.to_q(torch.tanh(self.read(torch.cat([noisy, extra], -1))))))


class ToyGenerator(Generator):
    def __init__(self) -> None:
        self.name, self.prediction, self.denoiser = "toy", "flow", Denoiser()
        self.frozen, self.size, self.fps, self.steps, self.guidance = {}, (4, 16, 16), 8.0, 4, 1.0

    @property
    def latent_shape(self) -> tuple[int, ...]:
        return (4, 4, 4, 3)

    def encode_video(self, frames: torch.Tensor) -> torch.Tensor:
        b, f, h, w, c = frames.shape
        small = frames.float().view(b, f, h // 4, 4, w // 4, 4, c).mean((3, 5))
        return small / 127.5 - 1

    def decode(self, latents: torch.Tensor) -> torch.Tensor:
        frames = ((latents.clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8)
        return frames.repeat_interleave(4, 2).repeat_interleave(4, 3)

    def encode_prompt(self, prompts: Sequence[str]) -> Conditioning:
        return Conditioning({"text": torch.tensor([[len(p) / 50, p.count("e") / 5] for p in prompts])})

    def predict(self, noisy: torch.Tensor, t: torch.Tensor, conditioning: Conditioning) -> torch.Tensor:
        return self.denoiser(noisy, t, conditioning.tensors["text"])

    def sample_t(self, count: int, rng: torch.Generator) -> torch.Tensor:
        return torch.rand(count, generator=rng)

    def save(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        torch.save(self.denoiser.state_dict(), folder / "weights.pt")

    def provenance(self) -> dict[str, Any]:
        return {"name": self.name}
