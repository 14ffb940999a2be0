"""Windows of a clip, each judged as a clip of its own: names such as ``clip.mp4#t=10,20``, in seconds."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import lru_cache

import numpy as np

from vqinsight.errors import UnreadableVideo
from vqinsight.settings.inference import InferenceSettings
from vqinsight.video.entries import revision
from vqinsight.video.info import SYNTHETIC, VideoInfo, Window, inside_tar, window_of
from vqinsight.video.inputs import Source
from vqinsight.video.patches import PixelSpec
from vqinsight.video.preprocess import Observe, ProcessedClip, preprocess_frames
from vqinsight.video.read import iter_frames, probe
from vqinsight.video.views import ViewBuilder

_TOLERANCE = 1e-3  # seconds: names are written to the millisecond, and stamps may be rounded to it


def windows(path: str, seconds: float, *, folder_fps: float | None = None) -> list[str]:
    """The names of a clip's windows, in order: together they are the whole clip, and each frame is in one.

    All but the last take ``seconds``. What is left at the end is a window of its own from half of that on, else part
    of the one before it. An image, a synthetic clip and a window have none: the name itself is returned.

    Args:
        path: a clip, as ``vqinsight.load().score`` takes it.
        seconds: above 0.
        folder_fps: frame rate of a folder of frames.

    Raises:
        UnreadableVideo: the clip cannot be read.
    """
    if path.startswith(SYNTHETIC) or window_of(path) is not None:
        return [path]
    info = _info(path, folder_fps)
    if info.kind == "image":
        return [path]
    count = max(1, math.floor((info.duration + _TOLERANCE) / seconds + 0.5))
    ends = [*(number * seconds for number in range(1, count)), info.duration]
    return [f"{path}#t={_text(start)},{_text(end)}" for start, end in zip([0.0, *ends[:-1]], ends, strict=True)]


def in_windows(
    clips: Sequence[tuple[Source, str | None]], seconds: float, *, folder_fps: float | None = None
) -> Iterator[tuple[Source, str | None]]:
    """The windows of clips in order, each with the prompt of its clip; a clip that cannot be read is its error."""
    for source, prompt in clips:
        try:
            names = [source] if isinstance(source, UnreadableVideo) else windows(source, seconds, folder_fps=folder_fps)
        except UnreadableVideo as error:
            names = [error]
        yield from ((name, prompt) for name in names)


def preprocess_window(
    path: str,
    window: Window,
    settings: InferenceSettings,
    spec: PixelSpec,
    views: ViewBuilder,
    *,
    folder_fps: float | None = None,
    observe: Observe | None = None,
) -> ProcessedClip:
    """The window as a model is shown it; other arguments as for ``preprocess_clip``.

    In the record, ``indices`` and ``times`` are those in the file; number of frames and duration are the window's.

    Args:
        path: the name of the window.

    Raises:
        UnreadableVideo: a frame of the window cannot be read, or the clip ends before it.
    """
    try:
        if inside_tar(window.file) is not None:
            from vqinsight.video.tars import member_file  # only for tars

            with member_file(window.file) as copy:
                return _preprocess(path, window, probe(copy), settings, spec, views, observe)
        return _preprocess(path, window, _info(window.file, folder_fps), settings, spec, views, observe)
    except UnreadableVideo as error:
        raise UnreadableVideo(path, error.reason, error.remedy) from error


def _preprocess(
    path: str,
    window: Window,
    info: VideoInfo,
    settings: InferenceSettings,
    spec: PixelSpec,
    views: ViewBuilder,
    observe: Observe | None,
) -> ProcessedClip:
    first, stop = _frames(window, info)
    begin = float(info.times[first])
    part = replace(
        info,
        frames=stop - first,
        times=info.times[first:stop] - begin,
        duration=0.0 if info.kind == "image" else min(window.end, info.duration) - window.start,
        warnings=info.warnings if first == 0 else (),  # of the file: once is enough
    )

    def read(indices: Sequence[int]) -> Iterator[tuple[int, np.ndarray]]:
        for index, frame in iter_frames(info, [index + first for index in indices]):
            yield index - first, frame

    clip = preprocess_frames(part, read, settings, spec, views, observe)
    seen = replace(
        clip.input,
        indices=tuple(index + first for index in clip.input.indices),
        times=tuple(time + begin for time in clip.input.times),
    )
    return replace(clip, path=path, input=seen)


def _frames(window: Window, info: VideoInfo) -> tuple[int, int]:
    """The first frame of a window, and the one after its last: those first shown in it, or else the one on screen."""
    if window.end <= window.start:
        raise UnreadableVideo(window.file, "its window ends before it begins", "Write #t=START,END in seconds.")
    if window.start > 0 and window.start > info.duration - _TOLERANCE:
        raise UnreadableVideo(window.file, f"it ends at {info.duration:.2f} s", "Give a window inside it.")
    first, stop = np.searchsorted(info.times, [window.start - _TOLERANCE, window.end - _TOLERANCE]).tolist()
    return (first, stop) if first < stop else (max(first - 1, 0), max(first, 1))


def _info(path: str, folder_fps: float | None) -> VideoInfo:
    if inside_tar(path) is not None:
        from vqinsight.video.tars import member_file  # only for tars

        with member_file(path) as copy:
            return probe(copy)
    return _probed(path, revision(path), folder_fps)


@lru_cache(maxsize=4)
def _probed(path: str, stamp: str, folder_fps: float | None) -> VideoInfo:  # noqa: ARG001 - a changed file is read again
    """``probe``, once for all windows of a file: it reads all of it."""
    return probe(path, folder_fps=folder_fps)


def _text(seconds: float) -> str:
    return f"{seconds:.3f}".rstrip("0").rstrip(".")
