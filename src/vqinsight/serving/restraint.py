"""Limits of a process that opens a stranger's file, and of the file. Imports no torch."""

from __future__ import annotations

import os
import resource
import signal
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from vqinsight.errors import UnreadableVideo
from vqinsight.serving.limits import Limits
from vqinsight.video.bounds import check_size
from vqinsight.video.decode import open_video
from vqinsight.video.info import VideoInfo
from vqinsight.video.read import probe
from vqinsight.video.stills import ANIMATED, DAMAGE, FORMATS

SMALLER = "Send a shorter or smaller clip."


def restrain(limits: Limits, written: int = 0) -> int:
    """Limit this process: memory beyond what it holds, CPU and clock time, files written, no core, no output.

    Args:
        written: most bytes of a file that it may write.

    Returns:
        The most bytes of address space that it may have.
    """
    with open("/proc/self/statm", encoding="ascii") as file:  # noqa: PTH123 - not a file of ours
        held = int(file.read().split()[0]) * resource.getpagesize()
    for kind, most in (
        (resource.RLIMIT_AS, held + limits.decode_memory),
        (resource.RLIMIT_CPU, limits.decode_seconds),
        (resource.RLIMIT_FSIZE, written),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, 64),
    ):
        resource.setrlimit(kind, (most, most))
    signal.signal(signal.SIGALRM, signal.SIG_DFL)  # ends the process, also inside a library
    signal.alarm(limits.decode_seconds)
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 1)
    os.dup2(nothing, 2)
    return held + limits.decode_memory


def peak() -> int:
    """The most bytes of address space that this process has had."""
    with open("/proc/self/status", encoding="ascii") as file:  # noqa: PTH123 - not a file of ours
        return next(int(line.split()[1]) * 1024 for line in file if line.startswith("VmPeak:"))


def checked(path: str, fps: float | None, limits: Limits) -> VideoInfo:
    """Probe a file or a folder of frames; limits are checked on headers before anything is decoded.

    Raises:
        UnreadableVideo: with the limit that it exceeds, or why it cannot be read.
    """
    if Path(path).is_file() and not _is_picture(path, limits):
        with open_video(path) as stream:
            seconds = float(stream.container.duration or 0) / 1_000_000
            _check(path, stream.width, stream.height, stream.frames, seconds, limits)
    info = probe(path, folder_fps=fps)
    _check_info(info, limits)
    return info


def _is_picture(path: str, limits: Limits) -> bool:
    try:
        with Image.open(path, formats=FORMATS) as image:
            moving = getattr(image, "is_animated", False)
            frames = getattr(image, "n_frames", 1) if moving else 1
            _check(path, image.width, image.height, frames, 0.0, limits)
            return not moving or (image.format or "").lower() in ANIMATED
    except UnidentifiedImageError:
        return False
    except DAMAGE:  # ``probe`` says what is wrong
        return True


def _check_info(info: VideoInfo, limits: Limits) -> None:
    _check(info.path, info.width, info.height, info.frames, info.duration, limits)


def _check(path: str, width: int, height: int, frames: int, seconds: float, limits: Limits) -> None:
    check_size(path, width, height, limits.max_pixels)
    for value, most, what in (
        (frames, limits.max_frames, "frames"),
        (seconds, limits.max_seconds, "seconds"),
    ):
        if value > most:
            raise UnreadableVideo(path, f"it has {value} {what}, and {most} are allowed", SMALLER)
