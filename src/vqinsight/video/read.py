"""Reading clips with PyAV: probe a clip once, then iterate over chosen frames.

Colours: a file's colour matrix and range are applied; untagged files are read as BT.601, limited range, as by FFmpeg.
HDR is tone-mapped, see ``hdr``. Transparent pixels (gif, png, webp, avif, VP8, VP9, ProRes 4444) are composited on
white, as by the Qwen processors. Interlaced frames are deinterlaced, see ``fields``. The pixel aspect ratio is ignored.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from vqinsight.errors import UnreadableVideo, UsageError
from vqinsight.video import container, decode, stills
from vqinsight.video.info import COPY_AGAIN, DOWNLOAD_FIRST, VideoInfo, is_url

__all__ = ["VideoInfo", "iter_frames", "probe"]


def probe(path: str | Path, *, folder_fps: float | None = None) -> VideoInfo:
    """Determine a clip's kind, number of frames and their times, and check that it is complete.

    Reads the file once from end to end (its packets; only the first frame is decoded), so that the frame count and
    times do not depend on its header. A file without time stamps is decoded once instead.

    Args:
        path: a video, a still image, or a folder of images of one size in natural order (frame2 before frame10).
        folder_fps: frames per second of a folder of frames; 24 is assumed, with a warning, where it is not given.

    Raises:
        UnreadableVideo: the file is missing, empty, no video, audio only, truncated, or damaged at its first frame; the
            folder has no images, or images of several sizes.
        UsageError: ``folder_fps`` is not above 0.
    """
    if folder_fps is not None and not (math.isfinite(folder_fps) and folder_fps > 0):
        raise UsageError(
            f"the frame rate of a folder must be above 0, got {folder_fps:g}. Give it in frames per second."
        )
    name = os.fspath(path)
    place = Path(name)
    with _plain_errors(name):
        if place.is_dir():
            return stills.probe_folder(name, folder_fps)
        if is_url(name):
            raise UnreadableVideo(name, "this is a URL", DOWNLOAD_FIRST)
        if not place.exists():
            raise UnreadableVideo(name, "no such file", "Check the path.")
        if not place.is_file():
            raise UnreadableVideo(name, "not a regular file", "Give a video file, an image, or a folder of frames.")
        if place.stat().st_size == 0:
            raise UnreadableVideo(name, "the file is empty (0 bytes)", COPY_AGAIN)
        return stills.probe_image(name) or container.probe_container(name)


def iter_frames(info: VideoInfo, indices: Sequence[int]) -> Iterator[tuple[int, np.ndarray]]:
    """Read the given frames only, one at a time, in ascending order.

    Decoding starts at the keyframe before a frame; only the given frames are converted to RGB. Memory holds one RGB
    frame and the decoder's frames, independent of the clip's length.

    Args:
        info: from ``probe``.
        indices: frame numbers from 0 to ``info.frames - 1``, in any order; one that repeats is read once.

    Yields:
        ``(index, frame)``: the frame is uint8 (height, width, 3), RGB, turned upright.

    Raises:
        IndexError: a number outside the clip.
        UnreadableVideo: a frame is damaged, or the file has changed since ``probe``.
    """
    wanted = sorted({int(index) for index in indices})
    if wanted and (wanted[0] < 0 or wanted[-1] >= info.frames):
        raise IndexError(f"{info.path} has frames 0 to {info.frames - 1}, asked for {wanted[0]} to {wanted[-1]}")
    return _read(info, wanted)


def _read(info: VideoInfo, wanted: list[int]) -> Iterator[tuple[int, np.ndarray]]:
    with _plain_errors(info.path):
        if info.kind == "frames":
            for index in wanted:
                yield index, stills.read_frame_file(info, index)
        elif info.kind == "image":
            for index in wanted:
                yield index, stills.read_image(info.path)
        elif info.codec in stills.ANIMATED:
            yield from stills.iter_animation(info.path, wanted)
        else:
            yield from decode.iter_container_frames(info, wanted)


@contextmanager
def _plain_errors(path: str) -> Iterator[None]:
    """Turn errors of the operating system into ``UnreadableVideo`` with the reason."""
    try:
        yield
    except PermissionError as error:
        raise UnreadableVideo(path, "no permission to read it", "Change its permissions, or copy it.") from error
    except OSError as error:
        raise UnreadableVideo(
            path, f"cannot be read ({error.strerror or error})", "Check the path and the disk."
        ) from error
