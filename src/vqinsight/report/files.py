"""Result files: lines as results arrive (.jsonl), or a table at the end (.csv, .parquet)."""

from __future__ import annotations

import csv
import difflib
import json
import os
import tempfile
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, TextIO

from vqinsight.common.csv_cells import neutralise
from vqinsight.common.files import atomic_path
from vqinsight.errors import UsageError
from vqinsight.report.phrases import ResultRecord
from vqinsight.report.rows import REPLY, Columns, Kind, Row, table

RESULT_SUFFIXES = (".csv", ".jsonl", ".parquet")
REPORT_SUFFIXES = (".html", ".htm")


class ResultFile:
    """Writes results to a file; a context manager.

    A ``.jsonl`` file holds ``as_dict()`` of each record on its own line, written at once. A ``.csv`` or ``.parquet``
    file holds the rows of ``report.rows.table`` and is written atomically on leaving the context, also after an error
    or Ctrl-C. Without a record nothing is written, and an existing file stays unchanged.

    Args:
        path: ends in one of ``RESULT_SUFFIXES``.

    Raises:
        UsageError: the file cannot be written (disk full, folder missing).
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._suffix = path.suffix.lower()
        self._records: list[ResultRecord] = []
        self._lines: TextIO | None = None

    def __enter__(self) -> ResultFile:
        return self

    def add(self, record: ResultRecord) -> None:
        """Add one result; all results of one file have one type."""
        if self._suffix != ".jsonl":
            self._records.append(record)
            return
        with plain_errors(self.path):
            self._lines = self._lines or self.path.open("w", encoding="utf-8", newline="\n")
            self._lines.write(json_line(record) + "\n")
            self._lines.flush()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with plain_errors(self.path):
            if self._lines is not None:
                self._lines.close()
        if self._records:
            write_records(self.path, self._records)


def write_records(path: Path, records: Sequence[ResultRecord]) -> None:
    """Replace a result file, as its suffix says.

    Raises:
        UsageError: the file cannot be written.
    """
    with replacing(path) as part:
        match path.suffix.lower():
            case ".jsonl":
                part.write_text("".join(f"{json_line(record)}\n" for record in records), encoding="utf-8", newline="\n")
            case ".csv":
                _write_csv(part, records)
            case _:
                write_parquet(part, *table(records))


def json_line(record: ResultRecord) -> str:
    """The record as JSON on one line, in ASCII, safe for every terminal and encoding."""
    return json.dumps(record.as_dict(), allow_nan=False)


def check_target(path: Path, option: str, suffixes: Sequence[str], inputs: Collection[str]) -> None:
    """Refuse an unsuitable output file before any work.

    Raises:
        UsageError: an unknown suffix, a folder that is missing or not writable, the name of a folder, or one of the
            inputs.
    """
    suffix = path.suffix.lower()
    if suffix not in suffixes:
        known = ", ".join(suffixes)
        nearest = difflib.get_close_matches(suffix, suffixes, n=1)
        hint = f"Did you mean {nearest[0]}?" if nearest else f"Give a name that ends in one of: {known}."
        raise UsageError(f"{option} {path}: unknown kind of file {suffix or '(no suffix)'!r} (known: {known}). {hint}")
    with plain_errors(path):
        if not path.parent.is_dir():
            raise UsageError(f"{option} {path}: there is no folder {path.parent}. Create it first.")
        if path.is_dir():
            raise UsageError(f"{option} {path}: this is a folder. Give the name of a file.")
        if not os.access(path.parent, os.W_OK) or (path.exists() and not os.access(path, os.W_OK)):
            raise UsageError(f"{option} {path}: no permission to write there. Choose another folder.")
        taken = path.exists() and any(_is_same(path, name) for name in inputs)
    if taken:
        raise UsageError(f"{option} {path}: this would overwrite an input. Choose another name.")


def check_folder(folder: Path, option: str) -> None:
    """Refuse a folder that cannot be made or written to, before any work; leaves nothing behind.

    Raises:
        UsageError: a file has that name or that of a parent folder, or the place is not writable.
    """
    missing = [place for place in (folder, *folder.parents) if not os.path.lexists(place)]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except (FileExistsError, NotADirectoryError) as error:
        in_the_way = next(place for place in (folder, *folder.parents) if place.exists())
        raise UsageError(f"{option} {folder}: {in_the_way} is a file. Give the name of a folder.") from error
    except OSError as error:
        raise UsageError(
            f"{option} {folder}: cannot be written to ({error.strerror}). Choose another place."
        ) from error
    finally:
        for place in missing:
            with suppress(OSError):  # it does not exist, or is no longer empty
                place.rmdir()


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary name to write to: replaces ``path`` at the end, and is removed on failure. A device or a pipe is
    written to directly.

    Raises:
        UsageError: the file cannot be written.
    """
    with plain_errors(path):
        target = path.resolve()
        if target.exists() and not target.is_file():
            yield target
            return
        with atomic_path(target) as part:
            yield part


def _is_same(path: Path, name: str) -> bool:
    try:
        return path.samefile(name)
    except OSError:  # a pattern, or a clip that does not exist
        return False


@contextmanager
def plain_errors(path: Path) -> Iterator[None]:
    """A ``UsageError`` that names ``path`` in place of an ``OSError``."""
    try:
        yield
    except OSError as error:
        raise UsageError(
            f"{path} cannot be written ({error.strerror or error}). Check the disk and the folder."
        ) from error


def _write_csv(path: Path, records: Sequence[ResultRecord]) -> None:
    columns, rows = table(records)
    # Undecodable bytes in file names are lone surrogates, which UTF-8 cannot encode.
    with path.open("w", encoding="utf-8", errors="backslashreplace", newline="") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        for row in rows:
            writer.writerow({key: _csv_cell(value) for key, value in row.items()})


def _csv_cell(value: Any) -> Any:
    """A list as JSON, a text so that no spreadsheet runs it, a number unchanged."""
    if isinstance(value, list):
        return json.dumps(value)
    return neutralise(value) if isinstance(value, str) else value


def write_parquet(path: Path, columns: Columns, rows: Sequence[Row]) -> None:
    """Write rows as a Parquet file; a value that a row lacks is null.

    Raises:
        OSError: it cannot be written.
    """
    import pyarrow as pa
    from pyarrow import parquet

    reply = pa.struct({name: pa.string() for name in REPLY})
    types: dict[Kind, pa.DataType] = {
        "text": pa.string(),
        "number": pa.float64(),
        "count": pa.int64(),
        "flag": pa.bool_(),
        "texts": pa.list_(pa.string()),
        "numbers": pa.list_(pa.float64()),
        "counts": pa.list_(pa.int64()),
        "replies": pa.list_(reply),
    }
    schema = pa.schema([(name, types[kind]) for name, kind in columns.items()])
    with path.open("wb") as file:
        parquet.write_table(pa.Table.from_pylist([_utf8(row) for row in rows], schema), file)


def _utf8(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, list):
        return [_utf8(item) for item in value]
    if isinstance(value, dict):
        return {key: _utf8(item) for key, item in value.items()}
    return value
