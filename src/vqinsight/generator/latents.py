"""A cache of the pairs' latents on the disk: each clip is decoded and encoded once for all updates."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from vqinsight.common.files import atomic_path, write_atomic
from vqinsight.errors import UnreadableVideo
from vqinsight.generator.base import Generator
from vqinsight.ranking.pairs_file import Pair
from vqinsight.video.read import iter_frames, probe


@dataclass(frozen=True)
class CachedPair:
    """A pair whose latents are in ``file``."""

    pair: Pair
    file: Path

    def load(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Latents of the winner and of the loser, without a batch axis."""
        with safe_open(self.file, "pt") as file:
            return file.get_tensor("win"), file.get_tensor("lose")


def read_clip(path: str) -> np.ndarray:
    """Every frame of a clip, uint8 (F, H, W, 3).

    Raises:
        UnreadableVideo: it cannot be read.
    """
    info = probe(path)
    return np.stack([frame for _, frame in iter_frames(info, range(info.frames))])


def cache_latents(
    generator: Generator,
    pairs: Sequence[Pair],
    folder: Path,
    *,
    part: tuple[int, int] = (0, 1),
    on_progress: Callable[[int, int], None] | None = None,
) -> None:
    """Encode the pairs that ``folder`` does not hold yet; a failure is recorded there with the reason.

    Args:
        part: (index, count): this process's share of the pairs.
    """
    folder.mkdir(parents=True, exist_ok=True)
    mine = list(enumerate(pairs))[part[0] :: part[1]]
    for done, (number, pair) in enumerate(mine, start=1):
        file, failed = _places(folder, number)
        if not file.is_file() and not failed.is_file():
            try:
                win, lose = (_encode(generator, path) for path in (pair.win, pair.lose))
            except UnreadableVideo as error:
                write_atomic(failed, json.dumps({"reason": str(error)}) + "\n")
            else:
                with atomic_path(file) as part_file:
                    save_file({"win": win, "lose": lose}, part_file)
        if on_progress is not None:
            on_progress(done, len(mine))


def cached(pairs: Sequence[Pair], folder: Path) -> tuple[list[CachedPair], list[str]]:
    """The pairs with cached latents of one shape, and the reasons why others are left out."""
    kept: list[CachedPair] = []
    left_out: list[str] = []
    shape: torch.Size | None = None
    for number, pair in enumerate(pairs):
        file, failed = _places(folder, number)
        if failed.is_file():
            left_out.append(json.loads(failed.read_text(encoding="utf-8"))["reason"])
            continue
        each = CachedPair(pair, file)
        win, lose = each.load()
        shape = shape or win.shape
        if win.shape != shape or lose.shape != shape:
            left_out.append(
                f"{pair.win}, {pair.lose}: latents of {tuple(win.shape)} and {tuple(lose.shape)} beside those of "
                f"{tuple(shape)} before them. All clips need one size and one number of frames."
            )
            continue
        kept.append(each)
    return kept, left_out


def _places(folder: Path, number: int) -> tuple[Path, Path]:
    return folder / f"{number:06d}.safetensors", folder / f"{number:06d}.failed.json"


@torch.no_grad()
def _encode(generator: Generator, path: str) -> torch.Tensor:
    frames = torch.from_numpy(read_clip(path))[None].to(generator.device)
    return generator.encode_video(frames)[0].cpu().contiguous()
