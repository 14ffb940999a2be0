"""A file becomes footage: decoded once, sampled, cut into views, with a record of what was looked at."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from PIL import Image

from vqinsight.config import LookSettings
from vqinsight.video.looked import Looked
from vqinsight.video.pixels import PixelSpec, target_size
from vqinsight.video.read import VideoInfo, iter_frames, probe
from vqinsight.video.sample import Sampling, choose_frames
from vqinsight.video.views import DetailSpec, View, image_views, video_views, wanted_frames

_PREVIEWS = 6  # frames kept for reports
_PREVIEW_WIDTH = 240


@dataclass(frozen=True)
class Footage:
    """One clip as the model will see it, and the record of how it was looked at."""

    path: str
    kind: str
    views: tuple[View, ...]
    looked: Looked


def load_footage(path: str, look: LookSettings, spec: PixelSpec, *, folder_fps: float | None = None) -> Footage:
    """Read a video, an image or a folder of frames once, frame by frame.

    Raises:
        UnreadableVideo: with the file, the reason and the remedy.
    """
    info = probe(path, folder_fps=folder_fps)
    detail = DetailSpec.of(look)
    if info.kind == "image":
        image = next(frame for _, frame in iter_frames(info, [0]))
        previews = {0: _preview(image)}
        sampling = Sampling((0,), (0.0,), 1.0, 1, info.fps, info.duration, "the image")
        views = image_views(image, spec, detail)
    else:
        sampling = sample(look, info.frames, info.times)
        wanted = wanted_frames(sampling.indices, info.frames, detail)
        shown = set(sampling.indices[:: max(1, -(-len(sampling.indices) // _PREVIEWS))])
        previews = {}

        def passing() -> Iterator[tuple[int, np.ndarray]]:
            for index, frame in iter_frames(info, wanted):
                if index in shown:
                    previews[index] = _preview(frame)
                yield index, frame

        views = video_views(passing(), sampling.indices, sampling.times, info.frames, spec, detail)
    return Footage(path, info.kind, views, _looked(info, sampling, spec, look, tuple(previews.values())))


def sample(look: LookSettings, total: int, times: np.ndarray) -> Sampling:
    """The frames that these settings look at, of a clip of ``total`` frames shown at ``times`` (seconds)."""
    return choose_frames(
        total, times, fps=look.fps, min_frames=look.min_frames, max_frames=look.max_frames, frames=look.frames
    )


def _looked(
    info: VideoInfo, sampling: Sampling, spec: PixelSpec, look: LookSettings, previews: tuple[bytes, ...]
) -> Looked:
    height, width = target_size(info.height, info.width, spec)
    return Looked(
        kind=info.kind,
        width=info.width,
        height=info.height,
        source_frames=info.frames,
        source_fps=info.fps,
        duration=info.duration,
        indices=sampling.indices,
        times=sampling.times,
        rule=sampling.rule,
        size=(width, height),
        detail=look.fragments,
        warnings=info.warnings,
        scopes=look.scopes,
        preview=previews,
    )


def _preview(frame: np.ndarray) -> bytes:
    image = Image.fromarray(frame)
    image.thumbnail((_PREVIEW_WIDTH, _PREVIEW_WIDTH))
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=80)
    return buffer.getvalue()
