"""Lists of clips: .csv and .tsv with a header, .txt with one path per line. A bad row is a failed clip."""

from __future__ import annotations

import csv
from pathlib import Path

from vqinsight.common.csv_cells import restore
from vqinsight.errors import UnreadableVideo, UsageError
from vqinsight.video.info import DOWNLOAD_FIRST, LIST_SUFFIXES, SYNTHETIC, is_url

_CHECK = "Check the path: a relative one starts at the list's folder."


def read_list(place: Path) -> list[tuple[str | UnreadableVideo, str | None]]:
    """The clips of a list, each with its own prompt or ``None``.

    * **.csv** and **.tsv** have a ``path`` column and may have ``prompt``; other columns are ignored. A byte order
      mark, spaces around fields, quoted separators, and fields that are missing at the end of a row are fine. An
      apostrophe that keeps a spreadsheet from running a cell, as in our own results, is removed.
    * **.txt** has one path per line.

    Relative paths are relative to the list's folder. Empty rows are skipped but count in the numbering.

    Returns:
        An ``UnreadableVideo`` in place of the path for a row without a path, with more fields than the header, with a
        URL, or whose file does not exist.

    Raises:
        UsageError: the list cannot be read, has no ``path`` column, or names no clips.
    """
    separator = LIST_SUFFIXES[place.suffix.lower()]
    rows = _rows(place, separator)
    first, columns = (1, ["path"]) if separator is None else (2, _header(place, rows))
    clips = [
        _clip(place, number, row, columns) for number, row in enumerate(rows[first - 1 :], start=first) if any(row)
    ]
    if not clips:
        raise UsageError(f"The list {place} names no clips. Add a row for each.")
    return clips


def _rows(place: Path, separator: str | None) -> list[list[str]]:
    kind = f"{place.suffix[1:].upper()} in UTF-8" if separator else "text in UTF-8"
    try:
        with place.open(encoding="utf-8-sig", newline="") as file:
            if separator is None:
                return [[line.strip()] for line in file.read().splitlines()]
            reader = csv.reader(file, delimiter=separator, skipinitialspace=True)
            return [[field.strip() for field in row] for row in reader]
    except OSError as error:
        raise UsageError(f"The list {place} cannot be read ({error.strerror}). Check the path.") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise UsageError(f"The list {place} is not {kind} ({error}). Save it as that.") from error


def _header(place: Path, rows: list[list[str]]) -> list[str]:
    columns = [column.lower() for column in rows[0]] if rows else []
    if "path" not in columns:
        found = ", ".join(column for column in columns if column) or "none"
        raise UsageError(f"The list {place} has no column 'path'; it has: {found}. Make its first line: path,prompt")
    return columns


def _clip(place: Path, number: int, row: list[str], columns: list[str]) -> tuple[str | UnreadableVideo, str | None]:
    values = dict(zip(columns, map(restore, row), strict=False))
    named, prompt = values.get("path", ""), values.get("prompt") or None
    where = f"row {number} of {place}"
    if any(row[len(columns) :]):
        reason = f"{len(row)} fields under {len(columns)} columns"
        return UnreadableVideo(where, reason, "Quote a text that holds a separator."), prompt
    if not named:
        return UnreadableVideo(where, "no path", "Fill it in or remove the row."), prompt
    if named.startswith(SYNTHETIC):
        return named, prompt
    if is_url(named):
        return UnreadableVideo(named, f"a URL ({where})", DOWNLOAD_FIRST), prompt
    path = str(place.parent / named)
    try:
        there = Path(path).exists()
    except OSError as error:  # a name that is too long, or no permission
        return UnreadableVideo(path, f"cannot be read ({error.strerror}; {where})", _CHECK), prompt
    return (path if there else UnreadableVideo(path, f"no such file ({where})", _CHECK)), prompt
