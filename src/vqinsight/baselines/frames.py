"""Frames for image-based baselines, from files and synthetic clips."""

from __future__ import annotations

import numpy as np

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
