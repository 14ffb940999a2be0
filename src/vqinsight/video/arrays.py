"""Frames in memory as a clip: uint8 arrays or tensors, as a generator makes them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from vqinsight.errors import UsageError
from vqinsight.settings.inference import InferenceSettings
from vqinsight.video.info import ASSUMED_FPS, VideoInfo
from vqinsight.video.patches import PixelSpec
from vqinsight.video.preprocess import Observe, ProcessedClip, preprocess_frames
from vqinsight.video.views import ViewBuilder


def frames_array(video: Any) -> np.ndarray:
    """uint8 (T, H, W, 3) of an array or tensor (T, H, W, 3) or (T, 3, H, W), without a copy where that is possible.

    Raises:
        UsageError: another shape, a shape that could be either, or values that are not uint8.
    """
    array = np.asarray(video.detach().cpu() if hasattr(video, "detach") else video)
    shape = tuple(array.shape)
    if array.dtype != np.uint8:
        raise UsageError(f"Frames are {array.dtype}. Give uint8 from 0 to 255: (x * 255).round().to(torch.uint8).")
    last, first = array.ndim == 4 and shape[3] == 3, array.ndim == 4 and shape[1] == 3
    if last == first or 0 in shape:
        raise UsageError(f"Frames of shape {shape} are neither (T, H, W, 3) nor (T, 3, H, W).")
    return array if last else np.moveaxis(array, 1, 3)


def preprocess_array(
    name: str,
    frames: np.ndarray,
    settings: InferenceSettings,
    spec: PixelSpec,
    views: ViewBuilder,
    *,
    fps: float | None = None,
    observe: Observe | None = None,
) -> ProcessedClip:
    """What a model is shown of frames in memory; one frame is an image.

    Args:
        name: stands for the clip in results.
        frames: uint8 (T, H, W, 3), RGB.
        settings, spec, views, observe: as for ``preprocess_clip``.
        fps: frames per second; 24 is assumed, with a warning, where it is not given.
    """
    count, height, width, _ = frames.shape
    rate, still = fps or ASSUMED_FPS, count == 1
    warnings = () if fps or still else (f"frames without a rate; assumed {ASSUMED_FPS:g} per second",)
    info = VideoInfo(
        path=name,
        kind="image" if still else "frames",
        width=width,
        height=height,
        frames=count,
        header_frames=None,
        fps=0.0 if still else rate,
        duration=0.0 if still else count / rate,
        codec="rawvideo",
        times=np.arange(count) / rate,
        warnings=warnings,
    )

    def read(indices: Sequence[int]) -> Iterator[tuple[int, np.ndarray]]:
        for index in sorted(set(indices)):
            yield index, np.ascontiguousarray(frames[index])

    return preprocess_frames(info, read, settings, spec, views, observe)
