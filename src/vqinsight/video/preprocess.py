"""Preprocessing of a file: decoded once, sampled, converted to views, with a record of what is shown."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Protocol

import numpy as np
from PIL import Image

from vqinsight.settings.inference import InferenceSettings
from vqinsight.video.info import inside_tar, window_of
from vqinsight.video.patches import PixelSpec, target_size
from vqinsight.video.read import VideoInfo, iter_frames, probe
from vqinsight.video.record import ClipInput, Evidence
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


def evidence_text(clip: ProcessedClip) -> str | None:
    """What a question about the clip states of it, or ``None``."""
    return clip.input.evidence.text if clip.input.evidence is not None else None


class Observer(Protocol):
    """Is shown every frame of a clip while it is read for a model."""

    def add(self, index: int, time: float, frame: np.ndarray) -> None:
        """The next frame, uint8 (H, W, 3) RGB, with its number and its presentation time in seconds."""

    def finish(self) -> Evidence:
        """What the frames say, after the last one."""


Observe = Callable[[VideoInfo], Observer]


def preprocess_clip(
    path: str,
    settings: InferenceSettings,
    spec: PixelSpec,
    views: ViewBuilder,
    *,
    folder_fps: float | None = None,
    observe: Observe | None = None,
) -> ProcessedClip:
    """Read a video, an image, a folder of frames, a clip in a tar, or a window of one of them once, frame by frame.

    Args:
        settings: how frames are sampled.
        spec: patch size and normalisation.
        views: builds the views.
        folder_fps: frame rate of a folder of frames.
        observe: makes what is shown every frame, all of which are then decoded.

    Raises:
        UnreadableVideo: with the file, the reason and the remedy.
    """
    if (window := window_of(path)) is not None:
        from vqinsight.video.windows import preprocess_window  # only for windows

        return preprocess_window(path, window, settings, spec, views, folder_fps=folder_fps, observe=observe)
    if inside_tar(path) is not None:
        from vqinsight.video.tars import member_file  # only for tars

        with member_file(path) as copy:
            return replace(preprocess_clip(copy, settings, spec, views, observe=observe), path=path)
    info = probe(path, folder_fps=folder_fps)
    return preprocess_frames(info, partial(iter_frames, info), settings, spec, views, observe)


def preprocess_frames(
    info: VideoInfo,
    read: Callable[[Sequence[int]], Iterator[tuple[int, np.ndarray]]],
    settings: InferenceSettings,
    spec: PixelSpec,
    views: ViewBuilder,
    observe: Observe | None = None,
) -> ProcessedClip:
    """A probed clip as a model is shown it; arguments as for ``preprocess_clip``.

    Args:
        read: yields ``(index, frame)`` of the given frames in ascending order, as ``read.iter_frames`` does.
        observe: see ``preprocess_clip``.

    Raises:
        UnreadableVideo: a frame cannot be read.
    """
    observer = observe(info) if observe is not None else None
    if info.kind == "image":
        image = next(frame for _, frame in read([0]))
        if observer is not None:
            observer.add(0, 0.0, image)
        previews = {0: small_jpeg(image)}
        sampling = Sampling((0,), (0.0,), 1.0, 1, info.fps, info.duration, "the image")
        shown = views.build_image(image, spec)
    else:
        sampling = sample_frames(settings, info.frames, info.times)
        kept = set(sampling.indices[:: max(1, -(-len(sampling.indices) // _PREVIEWS))])
        needed = views.needed_frames(sampling)
        previews = {}

        def passing() -> Iterator[tuple[int, np.ndarray]]:
            shown = set(needed)
            for index, frame in read(needed if observer is None else range(info.frames)):
                if observer is not None:
                    observer.add(index, float(info.times[index]), frame)
                if index in kept:
                    previews[index] = small_jpeg(frame)
                if index in shown:
                    yield index, frame

        shown = views.build(passing(), sampling, spec)
    seen = _clip_input(info, sampling, spec, views.extra, tuple(previews.values()))
    if observer is not None:
        seen = replace(seen, evidence=observer.finish())
    return ProcessedClip(info.path, info.kind, shown, seen)


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


def small_jpeg(frame: np.ndarray) -> bytes:
    """A frame, uint8 (height, width, 3), as a JPEG of at most 240 pixels a side, for reports."""
    image = Image.fromarray(frame)
    image.thumbnail((_PREVIEW_WIDTH, _PREVIEW_WIDTH))
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=80)
    return buffer.getvalue()
