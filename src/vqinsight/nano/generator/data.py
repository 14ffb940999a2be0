"""Training data of the embedded generator: clips of the synthetic set, their latents and their captions.

The clips are of mixed quality. Half of the captions name the quality, so that prompts can ask for it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.utils.data import Dataset

from vqinsight.common.files import atomic_path
from vqinsight.generator.families.nano_layout import to_planes
from vqinsight.generator.families.nano_networks import SHIFT
from vqinsight.generator.noise import shifted
from vqinsight.synthetic.simple import FRAMES, SIDE, draw_simple, quality_words

ONE_WAY = r"\b(right|down)\b"  # directions preferred at first: ``Plan.one_way``
UNTOLD = 0.1  # share of empty prompts, for guidance
BF16 = torch.backends.cpu.get_cpu_capability().startswith("AVX512")  # elsewhere it is fifty times slower than float32


@dataclass(frozen=True)
class Plan:
    """The length of training and its settings.

    Attributes:
        clips: distinct clips, rendered once.
        autoencoder_steps: of ``frames`` frames each.
        steps: of the denoiser, of ``batch`` clips each.
        one_way: number of first steps in which motion to the left or up is rare, with a rising share. With all
            directions from the start, neither the words of direction nor the order of frames is learned.
        autoencoder_rate: AdamW's, at its peak.
        rate: Muon's, and AdamW's where that is not for Muon.
        average: decay of the moving average of the denoiser, which is saved.
    """

    clips: int = 8_000
    autoencoder_steps: int = 6_000
    frames: int = 32
    autoencoder_rate: float = 1e-3
    steps: int = 8_000
    one_way: int = 400
    batch: int = 32
    rate: float = 1e-3
    average: float = 0.998
    save_every: int = 250
    seed: int = 0


def render_clips(file: Path, plan: Plan) -> np.ndarray:
    """uint8 (clips, 8, 64, 64, 3) on disk; rendered unless the file is complete."""
    shape = (plan.clips, FRAMES, SIDE, SIDE, 3)
    if not file.is_file():
        with atomic_path(file) as part:
            clips = np.lib.format.open_memmap(part, mode="w+", dtype=np.uint8, shape=shape)
            for number in range(plan.clips):
                clips[number] = draw_simple(_seed(plan, number)).frames
            clips.flush()
    return np.load(file, mmap_mode="r")


def _seed(plan: Plan, number: int) -> int:
    return plan.seed * 10_000_000 + number


class Frames(Dataset[torch.Tensor]):
    """Single frames of the clips, in a fixed random order."""

    def __init__(self, clips: np.ndarray, count: int, seed: int) -> None:
        self._clips, self._count, self._seed = clips, count, seed

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, index: int) -> torch.Tensor:
        rng = np.random.default_rng((self._seed, 41, index))
        return torch.from_numpy(self._clips[rng.integers(len(self._clips)), rng.integers(FRAMES)].copy())


@torch.no_grad()
def encode_clips(file: Path, vae: Any, clips: np.ndarray) -> torch.Tensor:
    """Standardised float16 latents of all clips, made once.

    The statistics go into the auto-encoder's settings; existing ones are kept, as a denoiser is trained with them.
    """
    if not file.is_file():
        vae.eval()
        with torch.autocast("cpu", torch.bfloat16, enabled=BF16):
            parts = [
                vae.encode(to_planes(torch.from_numpy(clips[i : i + 8].copy()).flatten(0, 1))).latent_dist.mode()
                for i in range(0, len(clips), 8)
            ]
        raw = torch.cat(parts).float()
        axes = (0, 2, 3)
        mean, std = raw.mean(axes), raw.std(axes)
        if vae.config.latents_mean:
            mean, std = torch.tensor(vae.config.latents_mean), torch.tensor(vae.config.latents_std)
        latents = (raw - mean.view(1, -1, 1, 1)) / std.view(1, -1, 1, 1)
        latents = latents.unflatten(0, (-1, FRAMES)).transpose(1, 2).half().contiguous()
        with atomic_path(file) as part:
            torch.save({"latents": latents, "mean": mean.tolist(), "std": std.tolist()}, part)
    stored = torch.load(file, mmap=True)
    vae.register_to_config(latents_mean=stored["mean"], latents_std=stored["std"])
    return stored["latents"]


class Captioned(Dataset[dict[str, Any]]):
    """Latents with their caption, noise and time, all fixed by the index."""

    def __init__(self, latents: torch.Tensor, plan: Plan) -> None:
        self._latents, self._plan = latents, plan
        drawn = (draw_caption(_seed(plan, number)) for number in range(len(latents)))
        self._captions = [(prompt, words) for prompt, words in drawn]
        self._one_way = [place for place, (prompt, _) in enumerate(self._captions) if re.search(ONE_WAY, prompt)]

    def __len__(self) -> int:
        return self._plan.steps * self._plan.batch

    def __getitem__(self, index: int) -> dict[str, Any]:
        rng = np.random.default_rng((self._plan.seed, 42, index))
        number = int(rng.integers(len(self._latents)))
        if self._one_way and rng.random() < 1 - index / max(self._plan.one_way * self._plan.batch, 1):
            number = self._one_way[number % len(self._one_way)]
        prompt, words = self._captions[number]
        prompt = f"{prompt}, {words}" if rng.random() < 0.5 else prompt
        latents = self._latents[number].float()
        return {
            "latents": latents,
            "noise": torch.from_numpy(rng.standard_normal(latents.shape, dtype=np.float32)),
            "t": shifted(torch.tensor(1 - rng.random(), dtype=torch.float32), SHIFT),
            "prompts": "" if rng.random() < UNTOLD else prompt,
        }


def draw_caption(seed: int) -> tuple[str, str]:
    """Prompt and quality words of the clip with this seed."""
    clip = draw_simple(seed)
    return clip.prompt, quality_words(clip.truth)


def collate(items: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Tensors stacked, prompts listed."""
    batch = {name: torch.stack([item[name] for item in items]) for name in ("latents", "noise", "t")}
    return {**batch, "prompts": [item["prompts"] for item in items]}
