"""GenAI-Bench, videos: pairs of generated clips with human votes (Jiang et al., 2024). For tests only."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from vqinsight.common.files import atomic_path
from vqinsight.datasets.download import BadRow, Download, Tray, check_choice
from vqinsight.datasets.places import ClipFiles, existing_folder
from vqinsight.datasets.rows import parquet_columns, read_parquet
from vqinsight.errors import UsageError
from vqinsight.tasks.types import Choice, Example, Preference, Question

SPLITS = ("test_v1", "test")
COLUMNS = ("prompt", "left_video", "right_video", "left_model", "right_model", "vote_type")
_INSIDE = " (inside the Parquet file)"
VOTES: dict[str, Choice] = {"leftvote": "A", "rightvote": "B", "tievote": "tie", "bothbad_vote": "tie"}


def recognise(folder: Path) -> bool:
    """Whether the folder looks like this download."""
    return any("left_video" in parquet_columns(path) for split in SPLITS for path in _files(folder, split)[:1])


def load(folder: str | Path, split: str = "test_v1", *, unpack: str | Path | None = None) -> Download:
    """Read GenAI-Bench's ``video_generation`` as downloaded: its Parquet files and the clips that they name or contain.

    Clips are given by file name or URL, or stored inside the Parquet files. Named ones are searched for under
    ``folder`` by their name. "Tie" and "both are bad" are both ties.

    Args:
        folder: of the download.
        split: ``test_v1`` (1,069 votes, used for published results) or ``test`` (1,889 votes).
        unpack: folder for clips that are stored inside the Parquet files, named by their digest; without it such clips
            count as missing. Existing clips are not written again.

    Raises:
        UsageError: an unknown split, no Parquet file of it, a missing column, or a folder that is not writable.
    """
    check_choice("GenAI-Bench split", split, SPLITS)
    root = existing_folder(folder)
    parquets = _files(root, split)
    if not parquets:
        raise UsageError(f"{root} has no video_generation/{split}-*.parquet. Download that folder of GenAI-Bench.")
    files = ClipFiles(root)
    target = Path(unpack) if unpack is not None else None
    tray = Tray("genai_bench", split)
    packed, count = 0, 0
    for path in parquets:
        for row in read_parquet(path, COLUMNS):
            name, count = f"{split}-{count:04d}", count + 1
            try:
                prompt = row.text("prompt")
                vote = row.text("vote_type")
                if vote not in VOTES:
                    raise BadRow(f"vote_type {vote!r} is none of {', '.join(VOTES)}")
                pair = [_clip(row.values[side], files, target, f"{name} {side}") for side in COLUMNS[1:3]]
            except BadRow as error:
                tray.leave_out(row.where, str(error))
                continue
            packed += any(label.endswith(_INSIDE) for label, place in pair if place is None)
            clips = tray.clips(pair, prompt)
            if clips:
                source = f"{row.optional('left_model')} vs {row.optional('right_model')}"
                answer = Preference(VOTES[vote])
                tray.add(Example(name, Question("compare", clips), answer, None, prompt, source), row.where)
    inside = "pairs lie inside the Parquet file: give a folder to unpack them to (--unpack DIR)"
    return tray.done(f"{packed} {inside}") if packed else tray.done()


def _files(folder: Path, split: str) -> list[Path]:
    """The split's Parquet files, without those of images, which have the same names."""
    found = sorted(p for p in folder.glob("**/*.parquet") if p.name.startswith((f"{split}-", f"{split}.")))
    videos = [path for path in found if "video_generation" in path.parts]
    return videos or [path for path in found if "left_video" in parquet_columns(path)]


def _clip(value: Any, files: ClipFiles, unpack: Path | None, what: str) -> tuple[str, Path | None]:
    """The clip's name in the labels, and its file or ``None``."""
    label, content = value, None
    if isinstance(value, dict):  # a Hugging Face video feature
        label, content = value.get("path"), value.get("bytes")
    elif isinstance(value, bytes):
        label, content = None, value
    if isinstance(label, str) and label.strip():
        address = urlsplit(label.strip())
        name = unquote(address.path).rsplit("/", 1)[-1] if address.scheme in ("http", "https") else label
        found = files.find(name)
        if found is not None or not content:
            return name, found
    if not content:
        raise BadRow(f"no clip for {what}")
    if unpack is None:
        return f"{what}{_INSIDE}", None
    return what, _write(content, unpack)


def _write(content: bytes, folder: Path) -> Path:
    place = folder / f"{hashlib.sha256(content).hexdigest()[:32]}.mp4"
    try:
        if not place.exists():
            folder.mkdir(parents=True, exist_ok=True)
            with atomic_path(place) as part:
                part.write_bytes(content)
    except OSError as error:
        raise UsageError(
            f"{folder} cannot be written to ({error.strerror or error}). Choose another folder."
        ) from error
    return place
