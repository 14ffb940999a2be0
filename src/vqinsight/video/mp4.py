"""Contradictions in the header of an mp4 or mov: numbers that are stored twice, or follow from others, and differ.

FFmpeg believes each number by itself. One that is damaged then changes times, or leaves frames out, without an error.
Boxes and fields are those of ISO 14496-12.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np

_CONTAINERS = frozenset({b"moov", b"trak", b"mdia", b"minf", b"stbl", b"edts", b"mvex"})
_SLACK = 0.02  # seconds, beside two frames, by which lengths may differ: they are stored in several units
_MOST = 64 * 1024 * 1024  # bytes of a header that is checked

Boxes = dict[bytes, bytes]


def contradictions(path: str) -> list[str]:
    """What contradicts itself in a file's header, in a few words each; empty where nothing does, and for other files.

    Files in fragments, whose header counts nothing, are not checked.

    Raises:
        OSError: the file cannot be read.
    """
    header = _header(path)
    if header is None:
        return []
    try:
        tracks = [_boxes(box) for name, box in _parts(header) if name == b"trak"]
        movie = _boxes(header)
        if b"trex" in movie or b"mvhd" not in movie:
            return []
        videos = [track for track in tracks if track.get(b"hdlr", b"")[8:12] == b"vide"]
        found = [said for track in videos for said in _track(track, movie[b"mvhd"])]
        return found or list(_places(tracks, Path(path).stat().st_size))
    except (struct.error, IndexError, ValueError):
        return ["its header cannot be parsed"]


def _header(path: str) -> bytes | None:
    """The content of the box ``moov``."""
    with Path(path).open("rb") as file:
        position = 0
        while len(head := file.read(16)) >= 8:
            length, name = int.from_bytes(head[:4]), head[4:8]
            begin = 8
            if length == 1:
                length, begin = int.from_bytes(head[8:16]), 16
            if position == 0 and not name.isalnum():
                return None
            if name == b"moov":
                file.seek(position + begin)
                return file.read(length - begin) if begin <= length <= _MOST else None
            if length < begin:
                return None
            position += length
            file.seek(position)
    return None


def _parts(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    position = 0
    while position + 8 <= len(data):
        length, name = struct.unpack_from(">I4s", data, position)
        if length < 8:
            return
        yield name, data[position + 8 : position + length]
        position += length


def _boxes(data: bytes) -> Boxes:
    """The first box of each name, of all levels; of tracks only that of ``data`` itself."""
    found: Boxes = {}
    for name, content in _parts(data):
        found.setdefault(name, content)
        if name in _CONTAINERS and name != b"trak":
            found = {**_boxes(content), **found}
    return found


def _clock(box: bytes) -> tuple[int, int]:
    """Ticks a second and length in ticks, of ``mvhd`` and ``mdhd``."""
    scale, length = struct.unpack_from(">IQ", box, 20) if box[0] else struct.unpack_from(">II", box, 12)
    return scale, 0 if length in (2**32 - 1, 2**64 - 1) else length


def _rows(box: bytes, columns: int, skip: int = 4) -> np.ndarray:
    """int64 (rows, columns): the table of a box, whose count of rows stands after ``skip`` bytes."""
    (count,) = struct.unpack_from(">I", box, skip)
    table = np.frombuffer(box, ">u4", min(count * columns, (len(box) - skip - 4) // 4), skip + 4)
    if len(table) < count * columns:
        raise ValueError("a table is longer than its box")
    return table.astype(np.int64).reshape(count, columns)


def _sizes(box: bytes) -> np.ndarray:
    """int64: bytes of each sample."""
    size, count = struct.unpack_from(">II", box, 4)
    return np.full(count, size, np.int64) if size else _rows(box, 1, 8)[:, 0]


def _track(track: Boxes, movie: bytes) -> Iterator[str]:
    movie_scale, movie_length = _clock(movie)
    scale, length = _clock(track[b"mdhd"])
    if not scale or not movie_scale:
        yield "a time scale is 0"
        return
    durations = _rows(track[b"stts"], 2)
    sizes = _sizes(track[b"stsz"])
    if not sizes.all():
        yield "it has frames of 0 bytes"
        return
    count, ticks = len(sizes), int((durations[:, 0] * durations[:, 1]).sum())
    frame = ticks / count if count else 0
    for name in (b"stts", b"ctts"):
        if name in track and (times := int(_rows(track[name], 2)[:, 0].sum())) != count:
            yield f"it has {count} frames, and times of {times}"
            return
    if length and abs(ticks - length) > 1.5 * frame:  # FFmpeg itself writes a frame more than there are at times
        yield f"its frames last {ticks / scale:.4g} s, its track {length / scale:.4g} s"
    seconds, slack = (length or ticks) / scale, 2 * frame / scale + _SLACK
    edits = _edits(track.get(b"elst"), movie_scale)
    shown = sum(lasting for lasting, _ in edits)
    promised, whole = _shown(track[b"tkhd"]) / movie_scale, movie_length / movie_scale
    if edits and abs(shown - promised) > slack:
        yield f"its edits last {shown:.4g} s, its track {promised:.4g} s"
    lasting, start = max((edit for edit in edits if edit[1] >= 0), default=(promised, 0))
    if lasting > seconds - start / scale + slack:
        yield f"it holds {seconds:.4g} s, and {lasting:.4g} s from {start / scale:.4g} s on are shown"
    if not edits and promised and seconds > promised + slack:
        yield f"it holds {seconds:.4g} s, and {promised:.4g} s are shown"
    if promised > whole + slack:
        yield f"its track lasts {promised:.4g} s, the whole file {whole:.4g} s"
    yield from _uneven(track, durations)


def _shown(box: bytes) -> int:
    """Ticks of the movie that a track is shown, from its ``tkhd``; 0 where that is unknown."""
    (length,) = struct.unpack_from(">Q", box, 28) if box[0] else struct.unpack_from(">I", box, 20)
    return 0 if length in (2**32 - 1, 2**64 - 1) else int(length)


def _edits(box: bytes | None, movie_scale: int) -> list[tuple[float, int]]:
    """Seconds that each edit lasts, and the tick of the track at which it starts: -1 for a pause."""
    if box is None:
        return []
    (count,) = struct.unpack_from(">I", box, 4)
    row = ">QqI" if box[0] else ">IiI"
    edits = [struct.unpack_from(row, box, 8 + number * struct.calcsize(row)) for number in range(count)]
    return [(length / movie_scale, start) for length, start, _ in edits]


def _uneven(track: Boxes, durations: np.ndarray) -> Iterator[str]:
    """Frames that are decoded at even times and shown at uneven ones."""
    if b"ctts" not in track or len(np.unique(durations[:-1, 1])) > 1:
        return
    shifts = _rows(track[b"ctts"], 2)
    delays = np.repeat(shifts[:, 1].astype(np.uint32).astype(np.int32).astype(np.int64), shifts[:, 0])
    step = int(durations[0, 1])
    times = np.sort(np.arange(len(delays)) * step + delays)
    gaps = np.diff(times)
    if len(gaps) and np.abs(gaps - step).max() > max(1, step // 50):
        yield "its frames are decoded at even times, and shown at uneven ones"


def _places(tracks: list[Boxes], size: int) -> Iterator[str]:
    """Samples that lie in the place of others or outside the file."""
    extents = []
    for track in tracks:
        box = track.get(b"stco"), track.get(b"co64")
        if b"stsz" not in track or b"stsc" not in track or not any(box):
            continue
        offsets = _rows(box[0], 1)[:, 0] if box[0] else _rows(box[1] or b"", 2) @ np.array([1 << 32, 1])
        runs, sizes = _rows(track[b"stsc"], 3), _sizes(track[b"stsz"])
        ends = np.append(runs[1:, 0], len(offsets) + 1)
        per_chunk = np.repeat(runs[:, 1], np.maximum(ends - runs[:, 0], 0))
        kinds = struct.unpack_from(">I", track[b"stsd"], 4)[0]
        if len(per_chunk) != len(offsets) or per_chunk.sum() != len(sizes) or runs[:, 2].max(initial=1) > kinds:
            yield "its chunks do not hold its frames"
            return
        bounds = np.concatenate([[0], np.cumsum(sizes)])[np.concatenate([[0], np.cumsum(per_chunk)])]
        extents += list(zip(offsets.tolist(), (offsets + np.diff(bounds)).tolist(), strict=True))
    extents.sort()
    if extents and extents[-1][1] > size:
        yield "some of its frames lie behind the end of the file"
    if any(end > following for (_, end), (following, _) in pairwise(extents)):
        yield "some of its frames overlap in the file"
