"""Damaged clips among good ones: what becomes of each."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import av.error
import numpy as np

from benchmarks.performance.faults_runs import SHOWN, Row, as_straight, asked, helper, row_of, rows, serving
from vqinsight.video.read import VideoInfo, iter_frames, probe
from vqinsight.video.sampling import choose_frames

GOOD, DISTINCT, EACH, FRAMES = 2000, 250, 40, 8
_TEXT = "Clips of spring, to be cut.\n"
_PLACE = frozenset({"id", "revision", "path", "position", "seconds"})  # copies of one clip differ in these
Damage = Callable[[bytes, np.random.Generator], bytes]


def damaged(folder: Path) -> Row:
    """200 damaged clips of five kinds among 2,000 good ones, copies of 250 distinct clips, each with 4 frames shown."""
    origin = {
        f"{number * GOOD // EACH:04}_{kind}.mp4": folder / "originals" / f"{(place * EACH + number) % DISTINCT:04}.mp4"
        for place, kind in enumerate(KINDS)
        for number in range(EACH)
    }
    _make(folder, origin)
    with serving() as server:
        asked(server, folder, "originals", "straight")
        code = asked(server, folder, "clips", "results")
    straight = {Path(row["path"]).name: row for row in rows(folder / "straight")}
    there = rows(folder / "results")
    found = Counter(Path(row["path"]).name for row in there)
    good = [row for row in there if Path(row["path"]).name not in origin]
    expected = [{**straight[f"{int(Path(row['path']).stem) % DISTINCT:04}.mp4"], "id": row["id"]} for row in good]
    wrong = as_straight(good, expected, _PLACE)
    outcomes: dict[str, Counter[str]] = {kind: Counter() for kind in KINDS}
    for row in there:
        path = Path(row["path"])
        if path.name in origin:
            outcomes[path.stem.split("_")[1]][_outcome(row, path, origin[path.name])] += 1
    wrong += sum(each["wrong"] for each in outcomes.values())
    wanted = {path.name for path in (folder / "clips").iterdir()}
    kinds = {kind: dict(each) for kind, each in outcomes.items()}
    return row_of(len(origin), wanted, found, wrong, sound=code == 1, outcomes=kinds)


def _make(folder: Path, origin: dict[str, Path]) -> None:
    (folder / "originals").mkdir()
    (folder / "clips").mkdir()
    films = [film(folder / "originals" / f"{number:04}.mp4", number) for number in range(DISTINCT)]
    for number in range(GOOD):
        shutil.copy(films[number % DISTINCT], folder / "clips" / f"{number:04}.mp4")
    for number, (name, source) in enumerate(origin.items()):
        kind = name.removesuffix(".mp4").split("_")[1]
        draw = np.random.default_rng((33, number))
        (folder / "clips" / name).write_bytes(KINDS[kind](source.read_bytes(), draw))


def film(path: Path, seed: int) -> Path:
    """Write 8 moving frames of 64 × 48, of which no two seeds give the same."""
    draw = np.random.default_rng(seed)
    coarse = draw.integers(0, 255, (12, 16, 3), dtype=np.uint8).repeat(4, 0).repeat(4, 1)
    noise = draw.normal(0, float(draw.integers(0, 24)), coarse.shape)
    still = np.clip(coarse + noise, 0, 255).astype(np.uint8)
    step = int(draw.integers(1, 5))
    frames = [np.roll(still, step * number, axis=1) for number in range(FRAMES)]
    written: Path = helper("encode").video(path, frames, fps=FRAMES)
    return written


def _outcome(row: dict[str, Any], path: Path, source: Path) -> str:
    """``named``, ``as undamaged``, ``as a plain decode`` of the damaged file, or ``wrong``."""
    if row["status"] != "ok":
        return "named" if path.name in (row["error"] or "") and row["overall"] is None else "wrong"
    info = probe(path)
    frames, plain = _chosen(info), _plain(path, timed=len(info.stamps) > 0)
    if any(stamp not in plain or not np.array_equal(frame, plain[stamp]) for stamp, frame in frames):
        return "wrong"
    whole = _chosen(probe(source))
    same = len(frames) == len(whole) and all(np.array_equal(a[1], b[1]) for a, b in zip(frames, whole, strict=True))
    return "as undamaged" if same else "as a plain decode"


def _chosen(info: VideoInfo) -> list[tuple[int, np.ndarray]]:
    """Time stamps, or numbers where a file has none, and pixels of the frames that are read for a score."""
    chosen = choose_frames(info.frames, info.times, frames=SHOWN).indices
    stamps = info.stamps if len(info.stamps) else range(info.frames)
    return [(int(stamps[index]), frame) for index, frame in iter_frames(info, chosen)]


def _plain(path: Path, *, timed: bool) -> dict[int, np.ndarray]:
    """All frames of a file by time stamp or number, decoded one after the other, without what does not decode."""
    frames: dict[int, np.ndarray] = {}
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        stream.codec_context.thread_count = 1
        for packet in container.demux(stream):
            try:
                for frame in packet.decode():
                    frames[frame.pts if timed else len(frames)] = frame.to_ndarray(format="rgb24")
            except av.error.FFmpegError:
                continue
    return frames


def _cut(content: bytes, draw: np.random.Generator) -> bytes:
    return content[: int(len(content) * draw.uniform(0.02, 0.98))]


def _flipped(content: bytes, draw: np.random.Generator) -> bytes:
    """1 to 16 bits, anywhere."""
    changed = bytearray(content)
    for place in draw.integers(0, len(content), int(draw.integers(1, 17))):
        changed[place] ^= 1 << int(draw.integers(8))
    return bytes(changed)


def _emptied(content: bytes, draw: np.random.Generator) -> bytes:
    """No bytes at all, or zeros for a tenth of the file."""
    if draw.random() < 0.5:
        return b""
    start = int(draw.integers(len(content)))
    length = min(len(content) // 10, len(content) - start)
    return content[:start] + bytes(length) + content[start + length :]


def _text(content: bytes, draw: np.random.Generator) -> bytes:  # noqa: ARG001 - one signature
    return (_TEXT * int(draw.integers(1, 200))).encode()


def _lying(content: bytes, draw: np.random.Generator) -> bytes:
    """One field of the header says another number: frames, their sizes or places, durations, width and height."""
    box, offset = [(b"stts", 12), (b"stsz", 12), (b"stsz", 16), (b"stco", 12), (b"mdhd", 20), (b"avc1", 28)][
        int(draw.integers(6))
    ]
    start = content.index(box) + offset
    value = int.from_bytes(content[start : start + 4]) * int(draw.integers(2, 9)) + int(draw.integers(3))
    return content[:start] + (value % 2**32).to_bytes(4) + content[start + 4 :]


KINDS: dict[str, Damage] = {
    "truncated": _cut,
    "flipped": _flipped,
    "emptied": _emptied,
    "text": _text,
    "lying": _lying,
}
