"""Clips that clients send: data URLs, base64, lists of frames, files of a form, and paths below allowed folders."""

from __future__ import annotations

import base64
import binascii
import os
import re
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from vqinsight.errors import UnreadableVideo, UsageError
from vqinsight.serving.limits import Limits
from vqinsight.video.info import is_url

_DATA = re.compile(
    r"data:(?P<type>[\w.+-]+/[\w.+-]+)?(?:;fps=(?P<fps>\d{1,4}(?:\.\d{1,6})?))?(?:;[\w.+-]+=[\w.+-]+)*;base64,",
    re.ASCII,
)
_SUFFIXES = {
    b"\x89PNG": ".png",
    b"\xff\xd8\xff": ".jpg",
    b"RIFF": ".webp",
    b"BM": ".bmp",
    b"II*\0": ".tif",
    b"MM\0*": ".tif",
}
_COPY = 1 << 20  # bytes copied at a time
_OUTSIDE = "it does not lie below a folder of --allow-dir"


@dataclass(frozen=True)
class Upload:
    """One clip as a client sent it: exactly one of a file's bytes, of each frame's bytes, or a path.

    Attributes:
        name: what the client calls it in results.
        fps: frames per second of ``frames``.
    """

    name: str
    file: bytes | None = None
    frames: tuple[bytes, ...] | None = None
    path: str | None = None
    fps: float | None = None


def upload_of(name: str, text: str, fps: float | None = None) -> Upload:
    """A clip from a data URL or from plain base64; ``data:video/jpeg;base64,f1,f2,…`` is a list of frames.

    ``data:video/png;fps=8;base64,…`` gives their rate too, where ``fps`` does not.

    Raises:
        UsageError: an address, since a server fetches nothing; or no base64.
    """
    found = _DATA.match(text[:200])
    if found is None and (is_url(text[:200]) or text.startswith("data:")):
        raise UsageError(f"{name}: send the clip itself as data:video/mp4;base64,…; addresses are not fetched.")
    kind = found["type"] if found else ""
    content = text[found.end() :] if found else text
    if kind in ("video/jpeg", "video/png"):
        fps = fps or (float(found["fps"]) if found and found["fps"] else None) or None
        return Upload(name, frames=tuple(from_base64(name, each) for each in content.split(",")), fps=fps)
    return Upload(name, file=from_base64(name, content), fps=fps)


def from_base64(name: str, text: str) -> bytes:
    """The bytes.

    Raises:
        UsageError: it is no base64, or nothing.
    """
    try:
        content = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise UsageError(f"{name}: this is no base64.") from None
    if not content:
        raise UsageError(f"{name}: no bytes were sent.")
    return content


def lay_down(upload: Upload, folder: Path, allowed: Sequence[Path], limits: Limits) -> Path:
    """Write a clip into a private folder under names of our own; returns the file, or the folder of its frames.

    Raises:
        UnreadableVideo: too many frames, frames that are no images, or a path that may not be read.
    """
    if upload.path is not None:
        return _copy(upload.name, upload.path, folder / "clip", allowed, limits)
    if upload.file is not None:
        (folder / "clip").write_bytes(upload.file)
        return folder / "clip"
    frames = upload.frames or ()
    if not 0 < len(frames) <= limits.max_frames:
        raise UnreadableVideo(
            upload.name, f"it has {len(frames)} frames, and 1 to {limits.max_frames} are allowed", "Send fewer frames."
        )
    if len(frames) == 1:  # a picture, as a file of one picture is
        return lay_down(Upload(upload.name, file=frames[0]), folder, allowed, limits)
    place = folder / "frames"
    place.mkdir()
    for number, frame in enumerate(frames):
        suffix = next((each for start, each in _SUFFIXES.items() if frame.startswith(start)), None)
        if suffix is None:
            raise UnreadableVideo(upload.name, f"frame {number} is no image", "Send PNG or JPEG files as frames.")
        (place / f"{number:06d}{suffix}").write_bytes(frame)
    return place


def _copy(name: str, path: str, target: Path, allowed: Sequence[Path], limits: Limits) -> Path:
    """Copy a file below an allowed folder; what counts is where the opened file lies, not its name."""
    # One answer for what is absent and what is forbidden: it says nothing about the disk.
    refused = UnreadableVideo(name, f"no such file, or {_OUTSIDE}", "Check the path.")
    try:
        # Links in the path are followed here, none at its end afterwards; a pipe does not block.
        opened = os.open(os.path.realpath(path), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except (OSError, ValueError):
        raise refused from None
    real = Path(os.readlink(f"/proc/self/fd/{opened}"))  # noqa: PTH115 - of what is open
    if not any(real.is_relative_to(place) for place in allowed) or not stat.S_ISREG(os.fstat(opened).st_mode):
        os.close(opened)
        raise refused
    with os.fdopen(opened, "rb") as file, target.open("wb") as copy:
        while block := file.read(_COPY):
            copy.write(block)
            if copy.tell() > limits.max_bytes:
                reason = f"it is larger than the {limits.max_bytes} bytes that are allowed"
                raise UnreadableVideo(name, reason, "Send a smaller clip.")
    return target
