"""Existing clips by prompt: a folder that this package wrote, or one with a sub-folder per prompt."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from vqinsight.datasets.rows import read_json_lines
from vqinsight.errors import UsageError
from vqinsight.video.info import VIDEO_SUFFIXES, natural_key
from vqinsight.video.inputs import media_files

MADE = "candidates.jsonl"
PROMPT = "prompt.txt"


@dataclass(frozen=True)
class Candidates:
    """Clips made from one prompt; ``id`` is unique in a run."""

    id: str
    prompt: str
    paths: tuple[str, ...]


def read_candidates(folder: Path) -> list[Candidates]:
    """The clips of every prompt. Without ``candidates.jsonl`` each sub-folder is one prompt: the text in its
    ``prompt.txt``, or else its name with underscores read as blanks.

    Raises:
        UsageError: the folder does not exist or holds no clips.
    """
    if not folder.is_dir():
        raise UsageError(f"{folder}: no such folder of clips.")
    found = find_candidates(folder)
    if not found:
        raise UsageError(
            f"{folder} holds no sub-folders with videos. Put the clips of each prompt into one of its own."
        )
    return found


def find_candidates(folder: Path) -> list[Candidates]:
    """As ``read_candidates``; none where no sub-folder holds a video."""
    if (folder / MADE).is_file():
        return read_made(folder)
    found = []
    for place in sorted((each for each in folder.iterdir() if each.is_dir()), key=lambda each: natural_key(each.name)):
        clips = media_files(place)
        note = place / PROMPT
        prompt = note.read_text(encoding="utf-8").strip() if note.is_file() else place.name.replace("_", " ")
        if any(clip.suffix.lower() in VIDEO_SUFFIXES for clip in clips):  # else the images are frames of one clip
            found.append(Candidates(place.name, prompt, tuple(map(str, clips))))
    return found


def read_made(folder: Path) -> list[Candidates]:
    """Read a folder written by ``make_candidates``."""
    return [
        Candidates(row.values["id"], row.values["prompt"], tuple(str(folder / clip) for clip in row.values["clips"]))
        for row in read_json_lines(folder / MADE)
        if row.problem is None  # an incomplete last line of an interrupted run
    ]
