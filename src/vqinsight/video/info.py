"""Properties of a clip, known before its frames are decoded."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np

ASSUMED_FPS = 24.0
COPY_AGAIN = "Copy or download it again."
DOWNLOAD_FIRST = "Download it first, then name the file."
ON_WHITE = "transparent pixels are shown on white"
SYNTHETIC = "synthetic:"  # prefix of the names of synthetic clips
LIST_SUFFIXES = frozenset({".csv", ".tsv", ".txt", ".jsonl", ".parquet"})
TAR = ".tar"
IMAGE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff"})
VIDEO_SUFFIXES = frozenset(
    {".mp4", ".m4v", ".mov", ".mkv", ".webm", ".gif", ".apng", ".avi", ".mpg", ".mpeg", ".ts", ".mts", ".m2ts", ".wmv"}
    | {".flv", ".ogv", ".3gp"}
)


def _no_ticks() -> np.ndarray:
    return np.empty(0, np.int64)


@dataclass(frozen=True)
class VideoInfo:
    """A clip's actual properties, independent of its header.

    Attributes:
        path: the file or folder as the user named it.
        kind: a video file, a still image, or a folder of frames.
        width, height: pixels of a frame as shown, that is after rotation.
        frames: frames that can be shown, counted by reading the file; a still image has 1.
        header_frames: number of frames in the file's header, ``None`` where it has none.
        fps: average frames per second, above 0; 0 for a still image.
        duration: seconds from the first frame's start to the last frame's end; 0 for a still image.
        codec: FFmpeg's or Pillow's name of the codec, lower case (``"h264"``, ``"gif"``, ``"png"``).
        times: float64, one per frame, ascending: seconds at which each frame is shown; the first is 0.
        warnings: problems of the file, one sentence each; empty for none.
        stamps: int64, one per frame: presentation stamps in the stream's own ticks, by which a decoded frame is known.
            Empty where the file has no usable stamps: frames are then told apart by counting.
        keys: int64, ascending: stamps at which decoding can start.
        files: the frame files of a folder, in order.
        interlaced: whether its first frame is flagged as two fields.
        noticed: further warnings, added (as keys) while frames are read.
    """

    path: str
    kind: Literal["video", "image", "frames"]
    width: int
    height: int
    frames: int
    header_frames: int | None
    fps: float
    duration: float
    codec: str
    times: np.ndarray = field(repr=False, compare=False)
    warnings: tuple[str, ...] = ()
    stamps: np.ndarray = field(default_factory=_no_ticks, repr=False, compare=False)
    keys: np.ndarray = field(default_factory=_no_ticks, repr=False, compare=False)
    files: tuple[str, ...] = field(default=(), repr=False)
    interlaced: bool = False
    noticed: dict[str, None] = field(default_factory=dict, repr=False, compare=False)


def is_url(name: str) -> bool:
    """Whether ``name`` is an address (https://…, s3://…): clips are read from the disk only."""
    return re.match(r"[A-Za-z][A-Za-z0-9+.-]*://", name) is not None


def inside_tar(path: str) -> tuple[str, str] | None:
    """The tar file and the member's name, of a path that leads into a tar as if it were a folder; else ``None``."""
    for end in (found.end() - 1 for found in re.finditer(r"\.tar/", path, re.IGNORECASE)):
        if os.path.isfile(path[:end]):  # noqa: PTH113 - Path.is_file fails on long names
            return path[:end], path[end + 1 :]
    return None


def natural_key(path: str | Path) -> tuple[tuple[int, int, str], ...]:
    """Sort key under which ``frame2`` comes before ``frame10``; works on names and on whole paths."""
    parts = re.split(r"(\d+)", str(path))
    return tuple((0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts if part)


@dataclass(frozen=True)
class Window:
    """A stretch of a clip that is judged as a clip of its own: ``file`` from ``start`` to before ``end``, seconds."""

    file: str
    start: float
    end: float


def window_of(path: str) -> Window | None:
    """The window that a name such as ``clip.mp4#t=10,20`` stands for (W3C Media Fragments), else ``None``: a file of
    that name is a file.
    """
    found = re.fullmatch(r"(.+)#t=(\d+(?:\.\d+)?),(\d+(?:\.\d+)?)", path, re.DOTALL)
    if found is None or os.path.lexists(path):
        return None
    return Window(found[1], float(found[2]), float(found[3]))


def image_files(folder: Path) -> list[Path]:
    """The image files directly in ``folder``, in natural order; hidden files are left out."""
    found = (p for p in folder.iterdir() if p.suffix.lower() in IMAGE_SUFFIXES and not p.name.startswith("."))
    return sorted((p for p in found if p.is_file()), key=lambda p: natural_key(p.name))


def on_white(rgba: np.ndarray) -> np.ndarray:
    """Lay uint8 (height, width, 4) on white: uint8 (height, width, 3)."""
    if rgba[..., 3].min(initial=255) == 255:
        return rgba[..., :3]
    found = np.empty((*rgba.shape[:2], 3), np.uint8)
    for top in range(0, len(rgba), 256):  # the products take several times the memory of the pixels
        rows = rgba[top : top + 256]
        alpha = rows[..., 3:].astype(np.uint16)
        found[top : top + 256] = (rows[..., :3] * alpha + 255 * (255 - alpha) + 127) // 255
    return found
