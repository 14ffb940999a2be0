"""Pairs for the toy generator, and settings under which it learns from them in a few updates."""

from __future__ import annotations

from pathlib import Path

import torch

from vqinsight.ranking.pairs_file import Pair, Pairs
from vqinsight.settings.dpo import DpoSettings
from vqinsight.video.write import write_video

from .toy_generator import ToyGenerator

QUICK = DpoSettings(
    beta=5,
    updates=8,
    pairs_per_update=4,
    pairs_per_forward=2,
    learning_rate=1e-2,
    save_every=2,
    log_every=1,
    max_rise=0,
)


def preferred(folder: Path) -> Pairs:
    """Three pairs: winners under a little noise, losers under much."""
    generator, made = ToyGenerator(), []
    for number in range(3):
        names = []
        for name, strength in (("win", -0.4), ("lose", 0.0)):
            clip = generator.decode(torch.tensor([[strength + number / 20, 0.5, 0.0, number / 3]]))[0].numpy()
            write_video(folder / f"{name}{number}.mp4", clip, generator.fps)
            names.append(str(folder / f"{name}{number}.mp4"))
        made.append(Pair(str(number), f"clip {number}", *names))
    return Pairs(tuple(made), {})
