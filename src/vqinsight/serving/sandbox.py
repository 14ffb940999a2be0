"""Decoding files of strangers in a process of its own for each, with limits on memory, CPU and time.

``python -m vqinsight.serving.sandbox SOCKET`` imports what decoding needs, and forks for each connection. A child takes
one clip, answers, and ends; what it allocates, breaks or hangs in ends with it. Answers are numbers in safetensors and
JSON, so that nothing that a child sends can run in the server.
"""

from __future__ import annotations

import base64
import json
import os
import pickle
import resource
import select
import signal
import socket
import sys
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from PIL import Image, UnidentifiedImageError
from safetensors.torch import save

from vqinsight.assessor.clips import ClipLoader
from vqinsight.errors import UnreadableVideo
from vqinsight.serving.limits import Limits
from vqinsight.video.bounds import check_size
from vqinsight.video.decode import open_video, self_contained_only
from vqinsight.video.info import VideoInfo
from vqinsight.video.preprocess import ProcessedClip, preprocess_frames
from vqinsight.video.read import iter_frames, probe
from vqinsight.video.stills import ANIMATED, DAMAGE, FORMATS

READY = b"ready\n"
_CLOSE = 128 * 1024 * 1024  # bytes below the limit at which an allocation may have failed
_SMALLER = "Send a shorter or smaller clip."


def main() -> None:
    """Serve until standard input ends; the loader and the limits come first, pickled by the server that started us."""
    loader, limits = pickle.load(sys.stdin.buffer)  # from our own parent, never from a client
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the server's to handle
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # children are not waited for
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(sys.argv[1])
        listener.listen(64)
        os.write(1, READY)
        while True:
            ready, _, _ = select.select([listener, sys.stdin], [], [])
            if sys.stdin in ready:
                return
            connection, _ = listener.accept()
            if os.fork() == 0:
                try:
                    listener.close()
                    serve(connection, loader, limits)
                finally:
                    os._exit(0)
            connection.close()


def serve(connection: socket.socket, loader: ClipLoader, limits: Limits) -> None:
    """Answer one request in this process, which is restrained for good."""
    with connection, connection.makefile("rwb") as stream:
        request = json.loads(stream.readline())
        most = restrain(limits)
        head, body = _answer(request, loader, limits)
        if "reason" in head and _peak() > most - _CLOSE:  # FFmpeg calls a file damaged that it has no memory for
            head["reason"] = f"it needs more memory than is allowed ({head['reason']})"
        stream.write(json.dumps({**head, "bytes": len(body)}).encode() + b"\n" + body)


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


def _peak() -> int:
    """The most bytes of address space that this process has had."""
    with open("/proc/self/status", encoding="ascii") as file:  # noqa: PTH123 - not a file of ours
        return next(int(line.split()[1]) * 1024 for line in file if line.startswith("VmPeak:"))


def _answer(request: dict[str, Any], loader: ClipLoader, limits: Limits) -> tuple[dict[str, Any], bytes]:
    try:
        with self_contained_only():
            if request.get("measure"):
                from vqinsight.serving.measuring import measure_packed  # imports OpenCV

                return measure_packed(checked(request["path"], request["fps"], limits))
            clip = decode(request["path"], request["fps"], loader, limits)
    except UnreadableVideo as error:
        return {"reason": error.reason, "remedy": error.remedy}, b""
    except (MemoryError, RuntimeError) as error:  # torch has no error of its own for the memory of the CPU
        return {"reason": f"it cannot be decoded within the limits ({type(error).__name__})", "remedy": _SMALLER}, b""
    views = [
        {"kind": v.kind, "grid": v.grid, "seconds_per_grid": v.seconds_per_grid, "times": v.times} for v in clip.views
    ]
    shown = asdict(clip.input) | {"preview": [base64.b64encode(jpeg).decode() for jpeg in clip.input.preview]}
    patches = {str(i): view.patches.contiguous() for i, view in enumerate(clip.views)}
    return {"kind": clip.kind, "input": shown, "views": views}, save(patches)


def decode(path: str, fps: float | None, loader: ClipLoader, limits: Limits) -> ProcessedClip:
    """A file or a folder of frames within the limits, as the model is shown it.

    Raises:
        UnreadableVideo: with the limit that it exceeds, or why it cannot be read.
    """
    info = checked(path, fps, limits)
    return preprocess_frames(
        info, partial(iter_frames, info), loader.settings, loader.spec, loader.views, loader.observe
    )


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
            raise UnreadableVideo(path, f"it has {value} {what}, and {most} are allowed", _SMALLER)


if __name__ == "__main__":
    main()
