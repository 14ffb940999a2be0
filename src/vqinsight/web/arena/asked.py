"""The clips and pairs of an arena, from entries of a source; what no player can show is left out by name."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from vqinsight.errors import UnreadableVideo, UsageError
from vqinsight.video.entries import Entry
from vqinsight.video.info import VIDEO_SUFFIXES
from vqinsight.video.inputs import location
from vqinsight.web.arena.votes import ArenaClip, Pair


@dataclass(frozen=True)
class Asked:
    """What raters are asked.

    Attributes:
        clips: by id, with absolute paths.
        pairs: each once.
        left_out: path and reason.
    """

    clips: dict[str, ArenaClip]
    pairs: list[Pair]
    left_out: dict[str, str]


def asked_pairs(pairs: Iterable[tuple[Entry, Entry]]) -> Asked:
    """The pairs whose two clips are video files.

    Raises:
        UsageError: there is no such pair.
    """
    found = Asked({}, [], {})
    known: dict[str, Pair] = {}
    for entries in pairs:
        reasons = {_name(entry): reason for entry in entries if (reason := _refused(entry))}
        found.left_out.update(reasons)
        if reasons or entries[0].id == entries[1].id:
            continue
        for entry in entries:
            path = location(entry.source)
            found.clips[entry.id] = ArenaClip(entry.id, path, entry.prompt, entry.revision)
        pair = Pair.of(entries[0].id, entries[1].id)
        known[pair.id] = pair
    if not known:
        first = next((f" {name}: {reason}." for name, reason in found.left_out.items()), "")
        raise UsageError(f"There is no pair to vote on. Name two video files of one prompt or more.{first}")
    found.pairs.extend(known.values())
    return found


def _name(entry: Entry) -> str:
    return entry.source.path if isinstance(entry.source, UnreadableVideo) else entry.source


def _refused(entry: Entry) -> str | None:
    if isinstance(entry.source, UnreadableVideo):
        return entry.source.reason
    place = Path(entry.source)
    try:
        if not place.is_file():
            return "no file on this disk"
    except OSError as error:
        return str(error.strerror)
    return None if place.suffix.lower() in VIDEO_SUFFIXES else "no video"
