"""Frames for image-based baselines, from files and synthetic clips."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from vqinsight.baselines.base import Scorer
from vqinsight.baselines.sampling import Choose
from vqinsight.synthetic.clips import named_clip
from vqinsight.video.info import SYNTHETIC
from vqinsight.video.read import iter_frames, probe


def chosen_frames(path: str, choose: Choose) -> dict[int, np.ndarray]:
    """Read some frames of a clip.

    Args:
        path: a video, an image, a folder of frames, or a clip of the synthetic set by its name.
        choose: maps the clip's frame count, at least 1, to the indices of the frames to read.

    Returns:
        Frame by index, ascending: uint8 (H, W, 3) RGB. A still has one frame, index 0.

    Raises:
        UnreadableVideo: the file cannot be used.
    """
    if path.startswith(SYNTHETIC):
        clip, still = named_clip(path)
        total = clip.scene.frames
        wanted = sorted({int(i) for i in choose(1 if still else total)})
        shown = [total // 2] if still else wanted
        return dict(zip(wanted, clip.frames(np.array(shown)), strict=True))
    info = probe(path)
    return dict(iter_frames(info, choose(info.frames)))


class FrameScorer(Scorer):
    """A scorer of sampled frames.

    Attributes:
        choose: its rule of sampling; ``None`` for one that reads files after all.
        read_frames: reads chosen frames, as ``chosen_frames`` does.
    """

    choose: Choose | None = None
    read_frames: Callable[[str, Choose], dict[int, np.ndarray]] = staticmethod(chosen_frames)

    def frames(self, path: str) -> dict[int, np.ndarray]:
        """The frames of a clip that it sees; see ``chosen_frames``."""
        assert self.choose is not None
        return self.read_frames(path, self.choose)


class KeptFrames:
    """Frames that several systems see, decoded once and kept as PNG files.

    Args:
        folder: for the files; the caller removes it.

    Attributes:
        decoded: how often a clip was opened.
    """

    def __init__(self, folder: Path) -> None:
        self.decoded = 0
        self._folder = folder
        self._kept: dict[str, tuple[int, Path, dict[int, Path]]] = {}  # frame count, folder, and file by index

    def read(self, path: str, choose: Choose) -> dict[int, np.ndarray]:
        """As ``chosen_frames``; only what is not kept is decoded."""
        if path in self._kept:
            total, _, files = self._kept[path]
            wanted = sorted(set(choose(total)))
            if all(index in files for index in wanted):
                return {index: np.asarray(Image.open(files[index])) for index in wanted}
        counted: list[int] = []

        def noted(total: int) -> list[int]:
            counted.append(total)
            return list(choose(total))

        self.decoded += 1
        found = chosen_frames(path, noted)
        if path not in self._kept:
            place = self._folder / f"{len(self._kept):06d}"
            place.mkdir()
            self._kept[path] = (counted[0], place, {})
        _, place, files = self._kept[path]
        for index, frame in found.items():
            files[index] = place / f"{index}.png"
            Image.fromarray(frame).save(files[index], compress_level=1)
        return found
