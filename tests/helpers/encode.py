"""Real little videos, encoded on the fly, in which every frame shows its own number."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

COLUMNS, ROWS = 4, 3  # 12 bits: numbers up to 4095


def numbered(number: int, width: int = 64, height: int = 48) -> np.ndarray:
    """uint8 (height, width, 3): a board of dark (0) and light (1) fields that spells ``number`` in binary."""
    bits = [(number >> bit) & 1 for bit in range(COLUMNS * ROWS)]
    board = np.array(bits, np.uint8).reshape(ROWS, COLUMNS) * 160 + 48
    rows = np.arange(height) * ROWS // height
    columns = np.arange(width) * COLUMNS // width
    return np.repeat(board[rows][:, columns][..., None], 3, axis=2)


def number_of(frame: np.ndarray) -> int:
    """The number a frame shows, read from the middle of each field."""
    height, width = frame.shape[:2]
    number = 0
    for bit in range(COLUMNS * ROWS):
        row, column = divmod(bit, COLUMNS)
        y, x = int((row + 0.5) * height / ROWS), int((column + 0.5) * width / COLUMNS)
        number |= int(frame[y, x].mean() > 128) << bit
    return number


def video(
    path: str | Path,
    frames: int | Iterable[np.ndarray] = 24,
    *,
    codec: str = "libx264",
    pix_fmt: str = "yuv420p",
    size: tuple[int, int] = (64, 48),
    fps: int | Fraction = 24,
    options: dict[str, str] | None = None,
    container: dict[str, str] | None = None,
    stamps: Sequence[int] | None = None,
    sound: bool = False,
    layout: str | None = None,
) -> Path:
    """Write a video and return its path.

    Args:
        frames: numbered frames to write, or the frames themselves, uint8 (height, width, 3) RGB.
        options, container: options of the encoder and of the container.
        stamps: presentation times in milliseconds, one per frame, instead of a constant rate.
        sound: add a silent sound track as long as the video.
        layout: the container, where the suffix does not tell.
    """
    if isinstance(frames, int):
        frames = (numbered(number, *size) for number in range(frames))
    with av.open(str(path), "w", format=layout, options=container or {}) as output:
        stream = output.add_stream(codec, rate=fps, options=options or {})
        stream.width, stream.height, stream.pix_fmt = size[0], size[1], pix_fmt
        stream.codec_context.thread_count = 1
        if stamps is not None:
            stream.codec_context.time_base = Fraction(1, 1000)
        track = _sound_track(output) if sound else None
        count = 0
        for count, pixels in enumerate(frames, start=1):
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            if stamps is not None:
                frame.pts, frame.time_base = stamps[count - 1], Fraction(1, 1000)
            output.mux(stream.encode(frame))
        output.mux(stream.encode())
        if track is not None:
            _write_silence(output, track, count / float(fps))
    return Path(path)


def sound_only(path: str | Path, seconds: float = 1.0) -> Path:
    """A file with a sound track and nothing else."""
    with av.open(str(path), "w") as output:
        _write_silence(output, _sound_track(output, "libmp3lame" if str(path).endswith("mp3") else "aac"), seconds)
    return Path(path)


def cut(path: str | Path, share: float) -> Path:
    """A copy that ends after ``share`` of the bytes."""
    content = Path(path).read_bytes()
    target = Path(path).with_name(f"cut{round(share * 1000):04d}_{Path(path).name}")
    target.write_bytes(content[: int(len(content) * share)])
    return target


def turn(path: str | Path, matrix: tuple[int, int, int, int]) -> Path:
    """Rewrite the display matrix (a, b, c, d) of an mp4 in place, as a phone would: x' = ax + cy, y' = bx + dy."""
    content = bytearray(Path(path).read_bytes())
    start = content.index(b"tkhd") + 4 + 40
    a, b, c, d = (value * 65536 for value in matrix)
    content[start : start + 36] = struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30)
    Path(path).write_bytes(content)
    return Path(path)


def _sound_track(output: Any, codec: str = "aac") -> Any:
    track = output.add_stream(codec, rate=44100)
    track.layout = "mono"
    return track


def _write_silence(output: Any, track: Any, seconds: float) -> None:
    done, total = 0, int(seconds * 44100)
    while done < total:
        samples = min(1024, total - done)
        silence = av.AudioFrame.from_ndarray(np.zeros((1, samples), np.float32), format="fltp", layout="mono")
        silence.sample_rate, silence.pts, silence.time_base = 44100, done, Fraction(1, 44100)
        output.mux(track.encode(silence))
        done += samples
    output.mux(track.encode())


def beginning(path: Path, source: str | Path, count: int) -> Path:
    """A video of the first ``count`` frames of another."""
    with av.open(str(source)) as given:
        stream = given.streams.video[0]
        frames = [
            frame.to_ndarray(format="rgb24") for frame, _ in zip(given.decode(stream), range(count), strict=False)
        ]
    return video(path, frames, size=(frames[0].shape[1], frames[0].shape[0]))
