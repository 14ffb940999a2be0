"""A generator of a few hundred weights that speaks the whole interface: always the same scene, tinted, under noise.

A clip's latents are four numbers: how strong the noise is (the lower the better), and the tint. So it can be seen
whether preferences for clean clips reach the generator.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np
import torch
from diffusers import FlowMatchEulerDiscreteScheduler
from torch import nn

from vqinsight.generator.base import Generator
from vqinsight.generator.conditioning import Conditioning
from vqinsight.synthetic.generate import draw_siblings

FRAMES = 12
STRONGEST = 60.0  # deviation of the noise, in grey levels: nano was taught up to 46, and finds what is beyond all alike
WEIGHTS = "weights.pt"


@cache
def scene() -> torch.Tensor:
    """(F, H, W, 3) grey levels."""
    return torch.from_numpy(draw_siblings(5, 1, "train", prompt=True)[0].frames(np.arange(FRAMES))).float()


@cache
def texture() -> torch.Tensor:
    return torch.randn(scene().shape, generator=torch.Generator().manual_seed(1))


class Denoiser(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.read = nn.Linear(4 + 1 + 2, 24)
        self.to_q = nn.Linear(24, 24)
        self.say = nn.Linear(24, 4)

    def forward(self, noisy: torch.Tensor, t: torch.Tensor, text: torch.Tensor) -> torch.Tensor:
        return self.say(torch.tanh(self.to_q(torch.tanh(self.read(torch.cat([noisy, t[:, None], text], 1))))))


class ToyGenerator(Generator):
    family = "toy"

    def __init__(self, name: str = "toy") -> None:
        self.name, self.prediction, self.denoiser = name, "flow", Denoiser()
        self.scheduler = FlowMatchEulerDiscreteScheduler()
        self.frozen, self.fps, self.steps, self.guidance = {}, 12.0, 6, 1.0
        count, height, width, _ = scene().shape
        self.size = (count, height, width)
        if name != "toy":
            self.denoiser.load_state_dict(torch.load(Path(name) / WEIGHTS))

    @property
    def latent_shape(self) -> tuple[int, ...]:
        return (4,)

    def encode_video(self, frames: torch.Tensor) -> torch.Tensor:
        rest = frames.float() - scene()
        tint = rest.mean((1, 2, 3))
        share = (rest * texture()).mean((1, 2, 3, 4)) / STRONGEST
        return torch.cat([torch.logit(share, 0.01)[:, None] / 5, tint / 10], 1)

    def decode(self, latents: torch.Tensor) -> torch.Tensor:
        strength = STRONGEST * torch.sigmoid(5 * latents[:, 0])
        pixels = scene() + 10 * latents[:, None, None, None, 1:].clamp(-2, 2)
        pixels = pixels + strength[:, None, None, None, None] * texture()
        return pixels.clamp(0, 255).round().nan_to_num(0).to(torch.uint8)

    def encode_prompt(self, prompts: Sequence[str]) -> Conditioning:
        return Conditioning({"text": torch.tensor([[len(p) / 50, p.count("e") / 5] for p in prompts])})

    def predict(self, noisy: torch.Tensor, t: torch.Tensor, conditioning: Conditioning) -> torch.Tensor:
        return self.denoiser(noisy, t, conditioning.tensors["text"])

    def sample_t(self, count: int, rng: torch.Generator) -> torch.Tensor:
        return torch.rand(count, generator=rng)

    def _save_whole(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        torch.save(self.denoiser.state_dict(), folder / WEIGHTS)


def align_toy() -> None:
    """``vqinsight``, whose ``align`` teaches this generator."""
    from vqinsight.cli.main import main
    from vqinsight.training import stage3_united

    stage3_united.open_generator = ToyGenerator
    main()


def teach_toy() -> None:
    """DPO on this generator; the one argument names a JSON file with ``pairs``, ``settings`` and ``out``."""
    from accelerate import PartialState

    from vqinsight.generator.dpo_trainer import train_dpo
    from vqinsight.ranking.pairs_file import Pair, Pairs
    from vqinsight.settings.dpo import DpoSettings

    given = json.loads(Path(sys.argv[1]).read_text())
    pairs = Pairs(tuple(Pair(**each) for each in given["pairs"]), {})
    train_dpo(ToyGenerator(), pairs, DpoSettings(**given["settings"]), Path(given["out"]))
    PartialState().destroy_process_group()  # as vqinsight align ends


if __name__ == "__main__":
    teach_toy()
