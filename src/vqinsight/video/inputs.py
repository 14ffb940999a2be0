"""From what the user names (files, folders, globs, lists) to a list of clips."""

from __future__ import annotations

import csv
import glob
import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from vqinsight.errors import UsageError
from vqinsight.video.info import IMAGE_SUFFIXES, image_files, natural_key

VIDEO_SUFFIXES = frozenset(
    {".mp4", ".m4v", ".mov", ".mkv", ".webm", ".gif", ".apng", ".avi", ".mpg", ".mpeg", ".ts", ".mts", ".m2ts", ".wmv"}
    | {".flv", ".ogv", ".3gp"}
)


def expand_inputs(arguments: Sequence[str], prompt: str | None) -> list[tuple[str, str | None]]:
    """Every clip the arguments name, as ``(path, prompt)``, in their order.

    * A **file** is a clip, also when it does not exist: it is listed as failed later, and the others go on.
    * A **folder of images** is one clip, its frames in natural order. A **folder of videos** is each of them, in
      natural order. In a folder that holds both, every file is a clip of its own, so that nothing is left out: keep
      frames in a folder of their own. A folder that holds neither is kept and fails later.
    * A **glob**, ``**`` included, is every video, image and folder it matches, in natural order; other files are left
      out unless the pattern names their suffix; images inside a matched folder of frames are its frames, not clips.
      A name that exists is never taken for a glob.
    * A **.csv** list has a ``path`` column and may have ``prompt``; other columns are ignored. Relative paths start at
      the list's folder. A row without a prompt takes ``prompt``.

    A clip named twice with the same prompt is kept once, under the name given first.

    Raises:
        UsageError: no arguments, a glob that matches nothing, a list that cannot be read or has no ``path`` column.
    """
    if not arguments:
        raise UsageError("No clips given. Name video files, folders, globs or a CSV list (path,prompt).")
    clips: dict[tuple[str, str | None], str] = {}
    for argument in arguments:
        for path, own_prompt in _expand(argument):
            text = own_prompt or prompt
            clips.setdefault((os.path.abspath(path), text), path)  # noqa: PTH100 - Path.absolute keeps ".."
    return [(path, text) for (_, text), path in clips.items()]


def _expand(argument: str) -> Iterable[tuple[str, str | None]]:
    place = Path(argument)
    try:
        if place.is_dir():
            return [(path, None) for path in _expand_folder(argument)]
        is_pattern = glob.has_magic(argument) and not place.exists()
    except OSError:  # no permission to look, or a name that is too long: it is listed as failed when it is read
        return [(argument, None)]
    if is_pattern:
        return [(path, None) for path in _expand_glob(argument)]
    if place.suffix.lower() == ".csv":
        return _read_list(place)
    return [(argument, None)]


def _expand_folder(folder: str) -> list[str]:
    """A folder of frames as itself, any other as the media files in it; one without any as itself."""
    try:
        images, videos = image_files(Path(folder)), _video_files(Path(folder))
    except OSError:  # no permission to look inside
        return [folder]
    if not videos:
        return [folder]
    return [str(path) for path in sorted([*videos, *images], key=lambda path: natural_key(path.name))]


def _video_files(folder: Path) -> list[Path]:
    found = (path for path in folder.iterdir() if path.suffix.lower() in VIDEO_SUFFIXES)
    return [path for path in found if path.is_file() and not path.name.startswith(".")]


def _expand_glob(pattern: str) -> list[str]:
    # The glob module is used for what pathlib lacks in Python 3.11: absolute patterns.
    matches = sorted(glob.glob(pattern, recursive=True), key=natural_key)  # noqa: PTH207
    inside = {match: _expand_folder(match) for match in matches if Path(match).is_dir()}
    of_frames = {Path(folder) for folder in inside if inside[folder] == [folder] and image_files(Path(folder))}
    named = Path(pattern).suffix.lower()
    wanted = IMAGE_SUFFIXES | VIDEO_SUFFIXES | ({named} if named else set())
    found: list[str] = []
    for match in matches:
        place = Path(match)
        suffix = place.suffix.lower()
        if match in inside:
            found += inside[match] if inside[match] != [match] or place in of_frames else []
        elif suffix in wanted and not (suffix in IMAGE_SUFFIXES and place.parent in of_frames):
            found.append(match)
    if not found:
        what = f"only files that are no videos or images ({len(matches)})" if matches else "nothing"
        raise UsageError(f"The pattern {pattern!r} matches {what}. Check the folder and the suffix.")
    return found


def _read_list(place: Path) -> list[tuple[str, str | None]]:
    """The rows of a CSV list; a byte order mark, spaces around fields and quoted commas are fine."""
    try:
        with place.open(encoding="utf-8-sig", newline="") as file:
            rows = [[field.strip() for field in row] for row in csv.reader(file, skipinitialspace=True)]
    except OSError as error:
        raise UsageError(f"The list {place} cannot be read ({error.strerror}). Check the path.") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise UsageError(f"The list {place} is not CSV in UTF-8 ({error}). Save it as 'CSV UTF-8'.") from error
    columns = [column.lower() for column in rows[0]] if rows else []
    if "path" not in columns:
        found = ", ".join(column for column in columns if column) or "none"
        raise UsageError(f"The list {place} has no column 'path'; it has: {found}. Make its first line: path,prompt")
    path_at = columns.index("path")
    prompt_at = columns.index("prompt") if "prompt" in columns else None
    clips: list[tuple[str, str | None]] = []
    for number, row in enumerate(rows[1:], start=2):
        if not any(row):
            continue
        if len(row) <= path_at or not row[path_at]:
            raise UsageError(f"The list {place} has no path in row {number}. Fill it in or remove the row.")
        text = row[prompt_at] if prompt_at is not None and prompt_at < len(row) else ""
        clips.append((str(place.parent / row[path_at]), text or None))
    if not clips:
        raise UsageError(f"The list {place} names no clips. Add a row for each.")
    return clips
