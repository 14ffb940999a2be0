"""Lists of clips, or of pairs: .csv, .tsv, .jsonl, .parquet, .txt with a path a line. A bad row is a failed clip."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vqinsight.common.csv_cells import restore
from vqinsight.errors import UnreadableVideo, UsageError
from vqinsight.video.info import DOWNLOAD_FIRST, SYNTHETIC, inside_tar, is_url

Source = str | UnreadableVideo
_PAIR = ("path_a", "path_b")
_PATHS = ("path", "video")  # names of the column of paths
_CHECK = "Check the path: a relative one starts at the list's folder."


@dataclass(frozen=True)
class _Row:
    """A row by its number in the file, with its cells by column in lower case, or why it cannot be used."""

    number: int
    cells: dict[str, str]
    problem: tuple[str, str] | None = None  # reason and remedy


def read_list(place: Path) -> list[tuple[Source, str | None]]:
    """The clips of a list, each with its own prompt or ``None``.

    * **.csv** and **.tsv** have a column ``path`` (or ``video``) and may have ``prompt``; other columns are ignored. A
      byte order mark, spaces around fields, quoted separators, and fields that are missing at the end of a row are
      fine. An apostrophe that keeps a spreadsheet from running a cell, as in our own results, is removed.
    * **.jsonl** and **.parquet** have the same columns, which hold texts.
    * **.txt** has one path per line.

    Relative paths are relative to the list's folder. Empty rows are skipped but count in the numbering.

    Returns:
        An ``UnreadableVideo`` in place of the path for a row without a path, with more fields than the header, with a
        value that is no text, with a URL, or whose file does not exist.

    Raises:
        UsageError: the list cannot be read, has no ``path`` column, or names no clips.
    """
    columns, rows = _table(place)
    column = next((name for name in _PATHS if name in columns), None)
    if column is None:
        found = ", ".join(name for name in columns if name) or "none"
        raise UsageError(f"The list {place} has no column 'path'; it has: {found}. Name its columns: path,prompt")
    return [(_source(place, row, column), row.cells.get("prompt") or None) for row in _some(place, rows)]


def read_pair_list(place: Path) -> list[tuple[Source, Source, str | None]] | None:
    """The pairs of a list with the columns ``path_a`` and ``path_b``, each with its own prompt or ``None``; ``None``
    where it lacks these columns. All else as for ``read_list``.

    Raises:
        UsageError: the list cannot be read, or names no clips.
    """
    columns, rows = _table(place)
    if not set(_PAIR) <= set(columns):
        return None
    a, b = _PAIR
    return [
        (_source(place, row, a), _source(place, row, b), row.cells.get("prompt") or None) for row in _some(place, rows)
    ]


def _some(place: Path, rows: Iterable[_Row]) -> list[_Row]:
    found = list(rows)
    if not found:
        raise UsageError(f"The list {place} names no clips. Add a row for each.")
    return found


def _table(place: Path) -> tuple[Sequence[str], list[_Row]]:
    """The columns of a list, in lower case, and its rows that are not empty."""
    kind = place.suffix.lower()
    said = {".parquet": "Parquet", ".txt": "text in UTF-8", ".jsonl": "text in UTF-8"}
    try:
        if kind == ".parquet":
            return _parquet(place)
        with place.open(encoding="utf-8-sig", newline="") as file:
            if kind == ".txt":
                lines = file.read().splitlines()
                return ["path"], [_Row(n, {"path": line.strip()}) for n, line in enumerate(lines, 1) if line.strip()]
            if kind == ".jsonl":
                rows = [_json_row(number, line) for number, line in enumerate(file, 1) if line.strip()]
                return list(dict.fromkeys(name for row in rows for name in row.cells)), rows
            reader = csv.reader(file, delimiter="\t" if kind == ".tsv" else ",", skipinitialspace=True)
            lines_of_cells = [[cell.strip() for cell in row] for row in reader]
    except OSError as error:
        raise UsageError(f"The list {place} cannot be read ({error.strerror or error}). Check the path.") from error
    except (ValueError, csv.Error) as error:  # pyarrow's errors and UnicodeDecodeError are ValueErrors
        name = said.get(kind, f"{kind[1:].upper()} in UTF-8")
        raise UsageError(f"The list {place} is not {name} ({error}). Save it as that.") from error
    columns = [column.lower() for column in lines_of_cells[0]] if lines_of_cells else []
    return columns, [_csv_row(n, cells, columns) for n, cells in enumerate(lines_of_cells[1:], 2) if any(cells)]


def _csv_row(number: int, cells: list[str], columns: list[str]) -> _Row:
    values = dict(zip(columns, map(restore, cells), strict=False))
    if any(cells[len(columns) :]):
        reason = f"{len(cells)} fields under {len(columns)} columns"
        return _Row(number, values, (reason, "Quote a text that holds a separator."))
    return _Row(number, values)


def _json_row(number: int, line: str) -> _Row:
    try:
        given = json.loads(line)
    except (ValueError, RecursionError) as error:
        return _Row(number, {}, (f"not JSON ({error})", "Write one object a line."))
    if not isinstance(given, dict):
        return _Row(number, {}, ("not a JSON object", "Write one object a line."))
    return _texts(number, given)


def _parquet(place: Path) -> tuple[list[str], list[_Row]]:
    from pyarrow import parquet

    with parquet.ParquetFile(place) as file:
        wanted = {*_PATHS, *_PAIR, "prompt"}
        columns = [name for name in file.schema_arrow.names if name.strip().lower() in wanted]
        rows = [row for batch in file.iter_batches(columns=columns) for row in batch.to_pylist()]
        found = [_texts(number, row) for number, row in enumerate(rows, 1)]
        return [name.strip().lower() for name in file.schema_arrow.names], [row for row in found if _filled(row)]


def _texts(number: int, given: dict[str, Any]) -> _Row:
    """A row of values that should be texts; those of other columns do not matter."""
    values = {key.strip().lower(): value for key, value in given.items()}
    used = {key: value for key, value in values.items() if key in (*_PATHS, *_PAIR, "prompt") and value is not None}
    wrong = next((key for key, value in used.items() if not isinstance(value, str)), None)
    cells = dict.fromkeys(values, "") | {k: v.strip() for k, v in used.items() if isinstance(v, str)}
    if wrong is not None:
        return _Row(
            number, cells, (f"{wrong} is no text but {type(used[wrong]).__name__}", "Name files by their paths.")
        )
    return _Row(number, cells)


def _filled(row: _Row) -> bool:
    return row.problem is not None or any(row.cells.values())


def _source(place: Path, row: _Row, column: str) -> Source:
    """The clip that a row names in a column."""
    where, named = f"row {row.number} of {place}", row.cells.get(column, "")
    if row.problem is not None:
        return UnreadableVideo(where, *row.problem)
    if not named:
        return UnreadableVideo(where, f"no {column}", "Fill it in or remove the row.")
    if named.startswith(SYNTHETIC):
        return named
    if is_url(named):
        return UnreadableVideo(named, f"a URL ({where})", DOWNLOAD_FIRST)
    path = str(place.parent / named)
    try:
        there = Path(path).exists() or inside_tar(path) is not None
    except (OSError, ValueError) as error:  # a name that is too long or holds a zero byte, or no permission
        return UnreadableVideo(path, f"cannot be read ({getattr(error, 'strerror', None) or error}; {where})", _CHECK)
    return path if there else UnreadableVideo(path, f"no such file ({where})", _CHECK)
