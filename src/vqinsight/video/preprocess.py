"""Preprocessing of a file: decoded once, sampled, converted to views, with a record of what is shown."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from PIL import Image

from vqinsight.settings.inference import InferenceSettings
from vqinsight.video.info import inside_tar
from vqinsight.video.patches import PixelSpec, target_size
from vqinsight.video.read import VideoInfo, iter_frames, probe
from vqinsight.video.record import ClipInput
from vqinsight.video.sampling import Sampling, choose_frames
from vqinsight.video.views import View, ViewBuilder

_PREVIEWS = 6  # frames kept for reports
_PREVIEW_WIDTH = 240


@dataclass(frozen=True)
class ProcessedClip:
    """The views of one clip, and the record of what is shown."""

    path: str
    kind: str
    views: tuple[View, ...]
    input: ClipInput


def preprocess_clip(
    path: str,
    settings: InferenceSettings,
    spec: PixelSpec,
    views: ViewBuilder,
    *,
    folder_fps: float | None = None,
) -> ProcessedClip:
    """Read a video, an image, a folder of frames or a clip in a tar once, frame by frame.

    Args:
        settings: how frames are sampled.
        spec: patch size and normalisation.
        views: builds the views.
        folder_fps: frame rate of a folder of frames.

    Raises:
        UnreadableVideo: with the file, the reason and the remedy.
    """
    if inside_tar(path) is not None:
        from vqinsight.video.tars import member_file  # only for tars

        with member_file(path) as copy:
            return replace(preprocess_clip(copy, settings, spec, views), path=path)
    info = probe(path, folder_fps=folder_fps)
    return preprocess_frames(info, partial(iter_frames, info), settings, spec, views)


def preprocess_frames(
    info: VideoInfo,
    read: Callable[[Sequence[int]], Iterator[tuple[int, np.ndarray]]],
    settings: InferenceSettings,
    spec: PixelSpec,
    views: ViewBuilder,
) -> ProcessedClip:
    """A probed clip as a model is shown it; arguments as for ``preprocess_clip``.

    Args:
        read: yields ``(index, frame)`` of the given frames in ascending order, as ``read.iter_frames`` does.

    Raises:
        UnreadableVideo: a frame cannot be read.
    """
    if info.kind == "image":
        image = next(frame for _, frame in read([0]))
        previews = {0: _preview(image)}
        sampling = Sampling((0,), (0.0,), 1.0, 1, info.fps, info.duration, "the image")
        shown = views.build_image(image, spec)
    else:
        sampling = sample_frames(settings, info.frames, info.times)
        kept = set(sampling.indices[:: max(1, -(-len(sampling.indices) // _PREVIEWS))])
        previews = {}

        def passing() -> Iterator[tuple[int, np.ndarray]]:
            for index, frame in read(views.needed_frames(sampling)):
                if index in kept:
                    previews[index] = _preview(frame)
                yield index, frame

        shown = views.build(passing(), sampling, spec)
    return ProcessedClip(
        info.path, info.kind, shown, _clip_input(info, sampling, spec, views.extra, tuple(previews.values()))
    )


def sample_frames(settings: InferenceSettings, total: int, times: np.ndarray) -> Sampling:
    """The frames sampled by these settings from a clip of ``total`` frames with ``times`` (seconds)."""
    return choose_frames(
        total,
        times,
        fps=settings.fps,
        min_frames=settings.min_frames,
        max_frames=settings.max_frames,
        frames=settings.frames,
    )


def _clip_input(
    info: VideoInfo, sampling: Sampling, spec: PixelSpec, extra: tuple[str, ...], previews: tuple[bytes, ...]
) -> ClipInput:
    height, width = target_size(info.height, info.width, spec)
    return ClipInput(
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
        warnings=tuple(dict.fromkeys((*info.warnings, *info.noticed))),
        extra=extra,
        preview=previews,
    )


def _preview(frame: np.ndarray) -> bytes:
    image = Image.fromarray(frame)
    image.thumbnail((_PREVIEW_WIDTH, _PREVIEW_WIDTH))
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=80)
    return buffer.getvalue()
