"""A clip as a browser plays it: ``python -m vqinsight.web.playable SOURCE TARGET LIMITS`` in a process of its own.

Original bytes where browsers know container and codec, else a copy in H.264 of high quality. Standard output gets one
line of JSON: what ``Playable`` holds, or ``problem``.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

from vqinsight.errors import UnreadableVideo
from vqinsight.serving.limits import Limits
from vqinsight.serving.restraint import checked, restrain
from vqinsight.video.decode import open_video, self_contained_only
from vqinsight.video.info import VideoInfo
from vqinsight.video.read import iter_frames
from vqinsight.video.write import CRF

MOST_BYTES = 1024 * 1024 * 1024  # of a copy
PICTURES = {"png": "image/png", "jpeg": "image/jpeg", "webp": "image/webp", "gif": "image/gif"}
_TICKS = 90_000  # a second


def main() -> None:
    """Write the copy where one is needed, and say what it is."""
    source, target, limits = sys.argv[1], Path(sys.argv[2]), Limits(**json.loads(sys.argv[3]))
    answer = os.dup(1)
    restrain(limits, written=MOST_BYTES)
    try:
        with self_contained_only():
            found = prepare(source, target, limits)
    except UnreadableVideo as error:
        found = {"problem": error.reason}
    except (MemoryError, RuntimeError, av.error.FFmpegError) as error:
        found = {"problem": f"no copy can be made of it within the limits ({type(error).__name__})"}
    os.write(answer, json.dumps(found).encode())


def prepare(source: str, target: Path, limits: Limits) -> dict[str, Any]:
    """Type, size, frame times in seconds, and whether ``target`` was written.

    Raises:
        UnreadableVideo: it cannot be decoded, or exceeds a limit.
    """
    info = checked(source, None, limits)
    found = {"width": info.width, "height": info.height, "times": [round(float(t), 6) for t in info.times]}
    if info.kind == "image" and info.codec in PICTURES:
        return {**found, "type": PICTURES[info.codec], "is_copy": False}
    kind = browser_type(source) if info.kind == "video" else None
    if kind is None:
        write_copy(info, iter_frames(info, range(info.frames)), target)
    return {**found, "type": kind or "video/mp4", "is_copy": kind is None}


def browser_type(source: str) -> str | None:
    """The media type of a video that browsers play as it is: H.264 with 8 bits and 4:2:0 in mp4, or WebM."""
    with open_video(source) as stream:
        container, codec, pixels = stream.container.format.name, stream.codec.canonical_name, stream.pix_fmt
    if "mp4" in container.split(",") and codec == "h264" and pixels in ("yuv420p", "yuvj420p"):
        return "video/mp4"
    return "video/webm" if "webm" in container.split(",") and codec in ("vp8", "vp9", "av1") else None


def write_copy(info: VideoInfo, frames: Iterable[tuple[int, np.ndarray]], target: Path) -> None:
    """Every frame at its own time; odd sides get a further row or column like the last one."""
    options = {"crf": str(CRF), "preset": "veryfast", "threads": "1"}
    with av.open(str(target), "w", format="mp4", options={"movflags": "+faststart"}) as container:
        rate = Fraction(info.fps or 1).limit_denominator(1001)
        stream = container.add_stream("libx264", rate=rate, options=options)
        stream.width, stream.height = info.width + info.width % 2, info.height + info.height % 2
        stream.pix_fmt, stream.time_base = "yuv420p", Fraction(1, _TICKS)
        stream.codec_context.time_base = Fraction(1, _TICKS)
        for index, frame in frames:
            even = np.pad(frame, ((0, info.height % 2), (0, info.width % 2), (0, 0)), mode="edge")
            picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(even), format="rgb24")
            picture.pts, picture.time_base = round(float(info.times[index]) * _TICKS), Fraction(1, _TICKS)
            container.mux(stream.encode(picture))
        container.mux(stream.encode())


if __name__ == "__main__":
    main()
