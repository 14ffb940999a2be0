"""Frames for image-based baselines, from files and synthetic clips."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from vqinsight.synthetic.clips import named_clip
from vqinsight.video.info import SYNTHETIC
from vqinsight.video.read import iter_frames, probe


def chosen_frames(path: str, choose: Callable[[int], Sequence[int]]) -> dict[int, np.ndarray]:
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


def evenly(total: int, count: int) -> list[int]:
    """At most ``count`` distinct frame indices, evenly spaced from the first to the last of ``total``."""
    return sorted({int(i) for i in np.rint(np.linspace(0, total - 1, min(count, total)))})


def windows(total: int, count: int, length: int) -> list[list[int]]:
    """``count`` runs of ``length`` neighbouring frames spread over the clip; one run of all frames if it is short."""
    if total <= count * length:
        return [list(range(total))]
    starts = np.rint(np.linspace(0, total - length, count)).astype(int)
    return [list(range(start, start + length)) for start in starts]
