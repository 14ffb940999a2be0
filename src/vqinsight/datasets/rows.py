"""Reads label files (CSV, JSON lines, Parquet) as rows that know their file and line."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vqinsight.datasets.download import BadRow
from vqinsight.errors import UsageError


@dataclass(frozen=True)
class Row:
    """One row of labels.

    Attributes:
        where: its file and line, for messages.
        values: cell by column; columns of text files are in lower case.
        problem: why the whole row is unusable, else ``None``.
    """

    where: str
    values: Mapping[str, Any]
    problem: str | None = None

    def text(self, column: str) -> str:
        """A required cell.

        Raises:
            BadRow: it is empty or absent, or the row is unusable.
        """
        value = self.optional(column)
        if value is None:
            raise BadRow(f"nothing in column {column!r}")
        return value

    def optional(self, column: str) -> str | None:
        """A cell's text; ``None`` when it is empty or absent.

        Raises:
            BadRow: the row is unusable.
        """
        if self.problem is not None:
            raise BadRow(self.problem)
        value = self.values.get(column)
        return (str(value).strip() or None) if value is not None else None

    def number(self, column: str, scale: tuple[float, float]) -> float:
        """A cell's number, which must lie within the scale.

        Raises:
            BadRow: it is empty, no number, or outside.
        """
        return number(self.text(column), scale, column)


def number(text: str, scale: tuple[float, float], column: str) -> float:
    """A label's number.

    Raises:
        BadRow: it is no finite number, or lies outside the scale (both ends included).
    """
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise BadRow(f"{column} {text!r} is no number")
    if not scale[0] <= value <= scale[1]:
        raise BadRow(f"{column} {value:g} is outside {scale[0]:g}–{scale[1]:g}")
    return value


@contextmanager
def readable(path: Path, kind: str) -> Iterator[None]:
    """Turn errors of opening or decoding ``path`` into a ``UsageError`` that names the file."""
    try:
        yield
    except OSError as error:
        raise UsageError(
            f"{path} cannot be read ({error.strerror or error}). Check the path, or download it again."
        ) from error
    except RecursionError as error:
        raise UsageError(f"{path} is not {kind}: brackets nested without end. Download it again.") from error
    except (ValueError, csv.Error) as error:  # pyarrow's and json's errors and UnicodeDecodeError are ValueErrors
        reason = "a Git LFS pointer, not the file: run 'git lfs pull'" if _is_pointer(path) else f"not {kind}: {error}"
        raise UsageError(f"{path} is {reason}. Download it again if need be.") from error


def csv_columns(path: Path) -> list[str]:
    """The column names of a CSV file, in lower case.

    Raises:
        UsageError: the file cannot be read.
    """
    with readable(path, "CSV in UTF-8"), path.open(encoding="utf-8-sig", newline="") as file:
        return [cell.strip().lower() for cell in next(csv.reader(file, skipinitialspace=True), [])]


def read_csv(path: Path, needed: Sequence[str]) -> Iterator[Row]:
    """The rows of a CSV file with a header; a byte order mark, spaces around cells, and empty lines are fine.

    A row with more cells than the header (an unquoted comma) is returned with its ``problem``.

    Raises:
        UsageError: the file cannot be read, or lacks a column of ``needed``.
    """
    columns = csv_columns(path)
    _require(path, needed, columns)
    with readable(path, "CSV in UTF-8"), path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file, skipinitialspace=True)
        next(reader)
        line = reader.line_num + 1
        for cells in reader:
            where, line = f"{path.name}, line {line}", reader.line_num + 1
            values = {column: cell.strip() for column, cell in zip(columns, cells, strict=False)}
            if not any(cells):
                continue
            extra = any(cells[len(columns) :])
            problem = (
                f"{len(cells)} cells under {len(columns)} columns: quote texts that hold commas" if extra else None
            )
            yield Row(where, values, problem)


def read_json_lines(path: Path) -> Iterator[Row]:
    """The objects of a JSON lines file; empty lines are fine, other lines that are no object have a ``problem``.

    Raises:
        UsageError: the file cannot be read.
    """
    with readable(path, "text in UTF-8"), path.open(encoding="utf-8-sig") as file:
        for line, text in enumerate(file, start=1):
            where = f"{path.name}, line {line}"
            if not text.strip():
                continue
            try:
                value = json.loads(text)
            except (ValueError, RecursionError) as error:
                yield Row(where, {}, f"not JSON ({error})")
                continue
            problem = None if isinstance(value, dict) else "not a JSON object"
            cells = value.items() if isinstance(value, dict) else ()
            yield Row(where, {key.strip().lower(): cell for key, cell in cells}, problem)


def read_parquet(path: Path, needed: Sequence[str]) -> Iterator[Row]:
    """The columns ``needed`` of a Parquet file, a few rows at a time, as rows may hold whole videos.

    Raises:
        UsageError: the file cannot be read, or lacks a column.
    """
    from pyarrow import parquet

    with readable(path, "Parquet"), parquet.ParquetFile(path) as file:
        columns = file.schema_arrow.names
        _require(path, needed, columns)
        count = 0
        for batch in file.iter_batches(batch_size=32, columns=list(needed)):
            for values in batch.to_pylist():
                count += 1
                yield Row(f"{path.name}, row {count}", values)


def parquet_columns(path: Path) -> list[str]:
    """The column names of a Parquet file, to recognise a dataset; none if it is no Parquet file."""
    from pyarrow import parquet

    try:
        return list(parquet.read_schema(path).names)
    except (OSError, ValueError):
        return []


def _require(path: Path, needed: Sequence[str], columns: Sequence[str]) -> None:
    absent = ", ".join(column for column in needed if column not in columns)
    if absent:
        found = ", ".join(column for column in columns if column) or "none"
        raise UsageError(f"{path} has no column {absent}; it has: {found}. Take the official file unchanged.")


def _is_pointer(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(40).startswith(b"version https://git-lfs")
