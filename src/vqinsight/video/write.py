"""Encodes frames, as a widely playable mp4 or as other files that benchmarks need."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fractions import Fraction
from pathlib import Path
from typing import BinaryIO, Literal

import av
import numpy as np

from vqinsight.common.files import atomic_path

CRF = 12  # high quality: the encoder's defects must not affect scores of a generator


# Without x264's macroblock tree, and with one thread, the same frames always give the same bytes.
SAME_BYTES = {"threads": "1", "x264-params": "mbtree=0"}
_CODECS = {"mp4": ("libx264", "yuv420p"), "gif": ("gif", "rgb8"), "avi": ("ffv1", "bgr0")}


def encode(
    file: Path | BinaryIO,
    frames: Iterable[np.ndarray],
    fps: float,
    options: Mapping[str, str],
    kind: Literal["mp4", "gif", "avi"] = "mp4",
) -> None:
    """Write frames to a file: H.264 in mp4, a gif, or FFV1 in avi, which loses nothing.

    Args:
        frames: at least one, each uint8 (H, W, 3) RGB of one size; for H.264 height and width even.
        fps: frames per second, above 0.
        options: of the encoder.
        kind: of file.
    """
    codec, pixels = _CODECS[kind]
    target = str(file) if isinstance(file, Path) else file
    with av.open(target, "w", format=kind) as container:
        stream = container.add_stream(codec, rate=Fraction(fps).limit_denominator(1001), options=dict(options))
        stream.pix_fmt = pixels
        for number, frame in enumerate(frames):
            if not number:
                stream.height, stream.width = frame.shape[:2]
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="rgb24")))
        container.mux(stream.encode())


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
    with atomic_path(path) as part:
        encode(part, frames, fps, {**SAME_BYTES, "crf": str(CRF), "preset": "veryfast"})
