"""Checkpoints of a generator's training: the trained weights in float32, the optimizer and the progress."""

from __future__ import annotations

import math
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from vqinsight.common.files import atomic_path
from vqinsight.errors import UsageError
from vqinsight.generator.ema import RunningAverage

_KEPT = 2  # checkpoints: an interrupted write leaves the other


@dataclass(frozen=True)
class Progress:
    """The state of a run: updates done, and the winners' errors (trained, reference) of the last few of them."""

    step: int = 0
    watched: tuple[tuple[float, float], ...] = ()

    def rise(self) -> float:
        """The relative rise of the winners' error above the reference's; negative where it falls."""
        win, reference = (math.fsum(each) for each in zip(*self.watched, strict=True))
        return win / reference - 1


def save_checkpoint(
    out: Path,
    progress: Progress,
    learning: Mapping[str, torch.nn.Parameter],
    optimizer: torch.optim.Optimizer,
    average: RunningAverage | None,
) -> None:
    """Write ``checkpoint-N`` and remove all but the last two; the weights have to be finite."""
    folder = out / f"checkpoint-{progress.step}"
    kept: dict[str, Any] = {"optimizer": optimizer.state_dict(), "progress": vars(progress)}
    if average:
        kept["average"] = average.state()
    weights = {name: p.detach().cpu().contiguous() for name, p in learning.items()}
    with atomic_path(folder) as part:
        part.mkdir()
        save_file(weights, part / "learning.safetensors")
        torch.save(kept, part / "state.pt")
    for old in checkpoints(out)[:-_KEPT]:
        shutil.rmtree(old)


def restore(
    out: Path,
    learning: Mapping[str, torch.nn.Parameter],
    optimizer: torch.optim.Optimizer,
    average: RunningAverage | None,
    device: torch.device,
) -> Progress:
    """Load the last checkpoint in place, if there is one.

    Raises:
        UsageError: the run has a running average, and had none when the checkpoint was written.
    """
    places = checkpoints(out)
    if not places:
        return Progress()
    weights = load_file(places[-1] / "learning.safetensors")
    with torch.no_grad():
        for name, parameter in learning.items():
            parameter.copy_(weights[name])
    kept = torch.load(places[-1] / "state.pt", map_location=device, weights_only=True)
    optimizer.load_state_dict(kept["optimizer"])
    if average:
        if "average" not in kept:
            raise UsageError(f"{places[-1]} was written without dpo.ema. Set it to 0, or begin in another folder.")
        average.load(kept["average"])
    return Progress(**kept["progress"])


def checkpoints(out: Path) -> list[Path]:
    """The checkpoints of a run, oldest first."""
    found = [(re.fullmatch(r"checkpoint-(\d+)", place.name), place) for place in out.glob("checkpoint-*")]
    return [place for _, place in sorted((int(match[1]), place) for match, place in found if match)]
