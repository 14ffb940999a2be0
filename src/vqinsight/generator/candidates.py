"""N candidate clips per prompt, written as they are made."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch

from vqinsight.common.journal import Journal
from vqinsight.common.seeds import seed_of
from vqinsight.generator.base import Generator
from vqinsight.ranking.candidate_folders import MADE, Candidates, read_made
from vqinsight.video.write import write_video

_DARK = 16  # largest pixel value of a clip that counts as black


def make_candidates(
    generator: Generator,
    prompts: Sequence[str],
    count: int,
    folder: Path,
    *,
    seed: int = 0,
    batch_size: int = 8,
    steps: int | None = None,
    guidance: float | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> list[Candidates]:
    """Make ``count`` clips per prompt; prompts already in ``folder`` are skipped.

    A clip that is not finite or is black is left out, and recorded with the reason in the prompt's row.

    Args:
        folder: gets ``00000/00.mp4`` and so on, and ``candidates.jsonl``.
        seed: fixes a clip together with its prompt's index and its number.
        batch_size: clips that are sampled together; lower it to save memory.
        steps, guidance: of sampling, instead of the generator's defaults.
        on_progress: called with (prompts done, prompts).

    Raises:
        UsageError: the folder holds clips of another generator, or of other prompts or settings.
    """
    settings = {
        "generator": generator.provenance(),
        "prompts": hashlib.sha256("\n".join(prompts).encode()).hexdigest()[:12],
        "count": count,
        "seed": seed,
        "steps": steps,
        "guidance": guidance,
    }
    journal = Journal(folder / MADE, settings)
    for place, prompt in enumerate(prompts):
        name = f"{place:05d}"
        if name not in journal.rows:
            (folder / name).mkdir(exist_ok=True)
            clips, bad, shown = [], {}, []
            for first in range(0, count, batch_size):
                numbers = range(first, min(first + batch_size, count))
                seeds = [seed_of(f"{seed}/{place}/{number}") for number in numbers]
                latents = generator.sample([prompt] * len(seeds), seeds, steps=steps, guidance=guidance)
                for number, clip, latent in zip(numbers, generator.decode(latents).cpu().numpy(), latents, strict=True):
                    reason = unusable(clip, latent)
                    if reason:
                        bad[f"{number:02d}"] = reason
                        continue
                    write_video(folder / name / f"{number:02d}.mp4", clip, generator.fps)
                    clips.append(f"{name}/{number:02d}.mp4")
                    shown.append(clip)
            journal.add({"id": name, "prompt": prompt, "clips": clips, "bad": bad, "diversity": diversity(shown)})
        if on_progress is not None:
            on_progress(place + 1, len(prompts))
    return read_made(folder)


def unusable(frames: np.ndarray, latents: torch.Tensor) -> str | None:
    """Why a generated clip, uint8 (F, H, W, 3), is unusable; ``None`` where it is usable."""
    if not torch.isfinite(latents).all():
        return "not a number"
    return "black" if frames.max() < _DARK else None


def diversity(clips: Sequence[np.ndarray]) -> float | None:
    """Root mean square distance of pixels (0–255) between clips of one prompt, a mean over pairs; ``None`` below two.

    It measures mode collapse over rounds of DPO.
    """
    pairs = list(itertools.combinations(clips, 2))
    if not pairs:
        return None
    return float(np.mean([np.sqrt(np.mean((a.astype(np.float32) - b.astype(np.float32)) ** 2)) for a, b in pairs]))
