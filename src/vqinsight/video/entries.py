"""Rows of a source: each clip or pair with an id that stays the same from run to run, and a revision of its content."""

from __future__ import annotations

import hashlib
import json
import os
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from vqinsight.errors import UnreadableVideo
from vqinsight.video.info import SYNTHETIC, inside_tar, window_of
from vqinsight.video.inputs import Source, location, media_files

ABSENT = "absent"  # revision of a file that is not there


@dataclass(frozen=True)
class Place:
    """A row of a source.

    Attributes:
        id: 32 hex digits, a hash of the clip's absolute path, its prompt, and which of the rows with these two it is;
            of a pair of its clips' ids. A clip that joins the source changes no other's id.
        revision: changes with the size or the time of modification of the file, of the tar that the clip lies in, or
            of a file in a folder of frames.
        position: place in the source, from 0.
    """

    id: str
    revision: str
    position: int


@dataclass(frozen=True)
class Entry(Place):
    """One clip of a source; ``source`` and ``prompt`` as from ``expand_inputs``."""

    source: Source
    prompt: str | None


@dataclass(frozen=True)
class PairEntry(Place):
    """Two clips of one prompt, to be compared."""

    a: Entry
    b: Entry


@dataclass(frozen=True)
class PairGroup:
    """Pairs among clips of one prompt.

    Attributes:
        clips: each once; all of them are decoded.
        pairs: indices into ``clips``; the first is Video A in the forward question.
    """

    prompt: str | None
    clips: tuple[Source, ...]
    pairs: tuple[tuple[int, int], ...]


def entries(clips: Iterable[tuple[Source, str | None]], start: int = 0) -> list[Entry]:
    """The rows of clips in order; ``start`` is the position of the first."""
    times: Counter[tuple[str, str | None]] = Counter()
    found = []
    for position, (source, prompt) in enumerate(clips, start):
        key = (_place(source), prompt)
        digest = hashlib.sha256(json.dumps([*key, times[key]]).encode())
        times[key] += 1
        found.append(Entry(digest.hexdigest()[:32], revision(source), position, source, prompt))
    return found


def pair_entries(pairs: Iterable[tuple[Entry, Entry]], start: int = 0) -> list[PairEntry]:
    """The rows of pairs in order; ``start`` is the position of the first."""
    times: Counter[tuple[str, str]] = Counter()
    found = []
    for position, (a, b) in enumerate(pairs, start):
        key = (a.id, b.id)
        digest = hashlib.sha256(json.dumps([*key, times[key]]).encode())
        times[key] += 1
        found.append(PairEntry(digest.hexdigest()[:32], f"{a.revision} | {b.revision}", position, a, b))
    return found


def revision(source: Source) -> str:
    """Size and time of modification of a clip, as text; of a bad row of a list what is wrong with it."""
    if isinstance(source, UnreadableVideo):
        return f"{ABSENT}: {source.reason}"
    if source.startswith(SYNTHETIC):
        return "synthetic"
    if (window := window_of(source)) is not None:
        return revision(window.file)
    inside = inside_tar(source)
    place = Path(source if inside is None else inside[0])
    try:
        files = media_files(place) if place.is_dir() else [place]
        stamps = [_stamp(file) for file in files]
    except (OSError, ValueError):  # it is read later, and then says why it cannot be
        return ABSENT
    if not place.is_dir():
        return stamps[0]
    lines = "\n".join(f"{os.fsencode(file.name).hex()} {stamp}" for file, stamp in zip(files, stamps, strict=True))
    return f"{len(files)} files, {hashlib.sha256(lines.encode()).hexdigest()[:16]}"


def _place(source: Source) -> str:
    if isinstance(source, UnreadableVideo):
        return location(source.path)  # as it is once the file is there
    return source if source.startswith(SYNTHETIC) else location(source)


def _stamp(file: Path) -> str:
    stat = file.stat()
    return f"{stat.st_size} bytes, {stat.st_mtime_ns} ns"
