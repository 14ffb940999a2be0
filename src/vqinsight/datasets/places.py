"""Finds the clips of labels on the disk, by their paths."""

from __future__ import annotations

import os
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

from vqinsight.datasets.download import BadRow
from vqinsight.errors import UsageError
from vqinsight.video.info import IMAGE_SUFFIXES, VIDEO_SUFFIXES

_DEPTH = 3  # most folders between the given one and a label file


def parts_of(label: str) -> tuple[str, ...]:
    r"""A label's path in normal form: its folders and its name.

    Removes byte order marks, surrounding whitespace and quotes, drive letters, leading slashes, ``.`` and empty
    folders; backslashes become separators; ``..`` removes the folder before it; text is normalised to NFC.

    >>> parts_of(' "D:\\LGVQ\\.\\videos//a.mp4"')
    ('LGVQ', 'videos', 'a.mp4')
    """
    text = unicodedata.normalize("NFC", label).replace("\\", "/")
    text = re.sub(r"^[A-Za-z]:/", "", text.strip("\ufeff\"' \t\r\n"))
    parts: list[str] = []
    for part in (part.strip() for part in text.split("/")):
        if part == "..":
            parts = parts[:-1]
        elif part not in ("", "."):
            parts.append(part)
    return tuple(parts)


class PathIndex:
    """Finds a path among many, where the two may be relative to different folders.

    Two paths are the same when one is the tail of the other: ``/home/x/videos/a/1.mp4``, ``videos/a/1.mp4`` and
    ``a/1.mp4`` are; ``a/1.mp4`` and ``b/1.mp4`` are not. An indexed path that is the shorter one must keep at least a
    folder, or ``b/1.mp4`` would match a bare ``1.mp4``; ``bare`` lifts that.
    """

    def __init__(self, paths: Iterable[str], *, bare: bool = False) -> None:
        self._shortest = 1 if bare else 2
        self._by_name: dict[str, list[tuple[tuple[str, ...], str]]] = defaultdict(list)
        for path in paths:
            if parts := parts_of(path):
                self._by_name[parts[-1]].append((parts, path))

    def find(self, label: str) -> str | None:
        """The indexed path of ``label``, as given; ``None`` if there is none.

        Raises:
            BadRow: the label is empty, or several paths match it equally well.
        """
        wanted = parts_of(label)
        if not wanted:
            raise BadRow("no path")
        candidates = self._by_name.get(wanted[-1], [])
        matches = [(parts, path) for parts, path in candidates if parts == wanted]
        if not matches:
            matches = [(parts, path) for parts, path in candidates if parts[-len(wanted) :] == wanted]
        if not matches:
            tails = [(p, path) for p, path in candidates if len(p) >= self._shortest and wanted[-len(p) :] == p]
            longest = max((len(parts) for parts, _ in tails), default=0)
            matches = [(parts, path) for parts, path in tails if len(parts) == longest]
        if len(matches) > 1:
            raise BadRow(f"{label.strip()} may be {matches[0][1]} or {matches[1][1]}")
        return matches[0][1] if matches else None


class ClipFiles:
    """All videos and images under a folder, links followed, hidden files (``._a.mp4`` of a Mac) left out."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.paths = tuple(sorted(_media(folder)))
        self._index = PathIndex(self.paths)

    def find(self, *labels: str) -> Path | None:
        """The file of the first label that has one; ``None`` if none exists.

        Raises:
            BadRow: a label is empty, or several files match it equally well.
        """
        for label in labels:
            found = self._index.find(label)
            if found is not None:
                return self.folder / found
        return None


def _media(folder: Path) -> Iterator[str]:
    seen: set[str] = set()
    for place, folders, files in os.walk(folder, followlinks=True):
        real = os.path.realpath(place)
        if real in seen:  # a link to a parent folder is a cycle
            folders.clear()
            continue
        seen.add(real)
        folders[:] = [name for name in folders if not name.startswith(".")]
        inside = Path(place).relative_to(folder).as_posix()
        for name in files:
            suffix = os.path.splitext(name)[1].lower()  # noqa: PTH122 - no Path for each of 40,000 names
            if suffix in VIDEO_SUFFIXES | IMAGE_SUFFIXES and not name.startswith("."):
                yield name if inside == "." else f"{inside}/{name}"


def existing_folder(place: str | Path) -> Path:
    """``place`` as a folder.

    Raises:
        UsageError: it is none.
    """
    if not Path(place).is_dir():
        raise UsageError(f"{place} is no folder. Name the one that the download was unpacked into.")
    return Path(place)


def look_for(folder: Path, *patterns: str) -> Path | None:
    """The file or folder of the first pattern with a match, in ``folder`` or up to ``_DEPTH`` folders below it."""
    for pattern in patterns:
        for depth in range(_DEPTH):
            found = sorted(folder.glob("*/" * depth + pattern))
            if found:
                return found[0]
    return None


def label_file(folder: Path, what: str, *names: str) -> Path:
    """The dataset's label file, by the first of its names that exists.

    Raises:
        UsageError: there is none.
    """
    found = look_for(folder, *names)
    if found is None:
        raise UsageError(f"{folder} has no {' or '.join(names)}: is it {what}? Unpack the official download as it is.")
    return found
