"""Encodes frames as a widely playable mp4."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from vqinsight.common.files import atomic_path

CRF = 12  # high quality: the encoder's defects must not affect scores of a generator


def write_video(path: Path, frames: np.ndarray, fps: float) -> None:
    """Write H.264 in mp4, atomically; the same frames always give the same bytes.

    Args:
        frames: uint8 (F, H, W, 3) RGB, height and width even.
        fps: frames per second, above 0.

    Raises:
        ValueError: an odd size, or no frames.
    """
    count, height, width, _ = frames.shape
    if not count or height % 2 or width % 2:
        raise ValueError(f"{path}: {count} frames of {width}×{height} cannot be written: H.264 needs even sides")
    # Without x264's macroblock tree the same frames always give the same bytes.
    options = {"crf": str(CRF), "preset": "veryfast", "threads": "1", "x264-params": "mbtree=0"}
    with atomic_path(path) as part, av.open(str(part), "w", format="mp4") as container:
        rate = Fraction(fps).limit_denominator(1001)
        stream = container.add_stream("libx264", rate=rate, options=options)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="rgb24")))
        container.mux(stream.encode())
