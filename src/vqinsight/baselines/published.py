"""Systems without code: published predictions or figures, read from a file with their source.

A predictions file is a CSV table with a header. One row per clip: ``path`` and a column for each dimension. Or one row
per pair: ``path_a``, ``path_b`` and ``choice`` (A, B or tie). A clip is found by its path as written, else by its file
name where only one row has it. An empty cell is a missing answer.
"""

from __future__ import annotations

import csv
import hashlib
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vqinsight.baselines.base import Scorer, Scores
from vqinsight.errors import UsageError
from vqinsight.evaluation.metrics.pairwise import side
from vqinsight.tasks.parsing import parse_choice
from vqinsight.tasks.types import Missing, Preference

_PAIR = {"path_a", "path_b", "choice"}
_NOT_SCORES = {"path", "prompt", *_PAIR}


class Published(Scorer):
    """Answers from a file.

    Args:
        name: key in ``catalog.SYSTEMS``.
        file: the predictions.

    Raises:
        UsageError: no such file, another layout, a repeated clip, or a cell that is no number or no choice.
    """

    def __init__(self, name: str, file: str | Path) -> None:
        self.name = name
        self.ranges: Mapping[str, tuple[float, float]] = {}
        self._file = Path(file)
        columns, rows = _table(self._file)
        self.digest = hashlib.blake2b(self._file.read_bytes(), digest_size=6).hexdigest()
        self._scores: dict[str, Scores | Missing] = {}
        self._choices: dict[tuple[str, str], Preference | Missing] = {}
        if columns >= _PAIR:
            for where, row in rows:
                key = (row["path_a"], row["path_b"])
                if key in self._choices:
                    raise UsageError(f"{where}: this pair is there twice. Keep one row.")
                self._choices[key] = _choice(row["choice"], where)
        elif "path" in columns and columns - _NOT_SCORES:
            for where, row in rows:
                if row["path"] in self._scores:
                    raise UsageError(f"{where}: {row['path']} is there twice. Keep one row.")
                self._scores[row["path"]] = _values(row, where)
        else:
            raise UsageError(f"{file}: wanted the columns path and a dimension, or path_a, path_b and choice.")
        self._by_file_name: dict[str, list[str]] = {}
        for path in self._scores:
            self._by_file_name.setdefault(Path(path).name, []).append(path)

    def score(self, path: str, prompt: str | None = None) -> Scores | Missing:  # noqa: ARG002
        """The file's scores of the clip; missing where it has none."""
        same = self._rows_of(path)
        if len(same) > 1:
            return Missing(f"{self._file.name} has {len(same)} rows for {Path(path).name}: {', '.join(same[:3])}")
        return self._scores[same[0]] if same else Missing(f"{self._file.name} has no row for {path}")

    def without_question(self, asked: Iterable[tuple[str, ...]]) -> list[str]:
        """Rows about other clips or pairs than ``asked``, each a path or two paths."""
        if self._choices:
            pairs = {(pair[0], pair[1]) for pair in asked if len(pair) == 2}
            return [f"{a} and {b}" for a, b in self._choices if (a, b) not in pairs and (b, a) not in pairs]
        used = {row for clips in asked for path in clips for row in self._rows_of(path)}
        return [path for path in self._scores if path not in used]

    def _rows_of(self, path: str) -> list[str]:
        return [path] if path in self._scores else self._by_file_name.get(Path(path).name, [])

    def margin(self, a: str, b: str, prompt: str | None = None) -> float | Missing:
        """The file's choice for the pair, in either order: +1, -1 or 0; or the difference of its scores."""
        if not self._choices:
            return super().margin(a, b, prompt)
        if (a, b) not in self._choices and (b, a) not in self._choices:
            return Missing(f"{self._file.name} has no row for {a} and {b}")
        said, sign = (self._choices[a, b], 1) if (a, b) in self._choices else (self._choices[b, a], -1)
        return said if isinstance(said, Missing) else float(sign * side(said))


@dataclass(frozen=True)
class Figure:
    """One published figure with its source."""

    system: str
    benchmark: str
    metric: str
    value: float
    source: str


def read_figures(file: str | Path) -> tuple[Figure, ...]:
    """A CSV table with the columns system, benchmark, metric, value and source; every row must name its source.

    Raises:
        UsageError: no such file, another layout, no source, no number, or a figure given twice.
    """
    wanted = {"system", "benchmark", "metric", "value", "source"}
    columns, rows = _table(Path(file))
    if not columns >= wanted:
        raise UsageError(f"{file}: wanted the columns {', '.join(sorted(wanted))}.")
    found: dict[tuple[str, str, str], Figure] = {}
    for where, row in rows:
        if not row["source"]:
            raise UsageError(f"{where}: a published figure needs its source.")
        key = (row["system"], row["benchmark"], row["metric"])
        if key in found:
            raise UsageError(f"{where}: {' '.join(key)} is there twice. Keep one row.")
        found[key] = Figure(*key, _number(row["value"], where), row["source"])
    return tuple(found.values())


def _table(file: Path) -> tuple[set[str], list[tuple[str, dict[str, str]]]]:
    try:
        with file.open(encoding="utf-8-sig", newline="") as stream:
            reader: Any = csv.DictReader(stream)
            rows = [(f"{file}:{reader.line_num}", _cells(row)) for row in reader]
            return set(reader.fieldnames or ()), rows
    except (OSError, ValueError, csv.Error) as error:
        raise UsageError(f"{file}: cannot be read as CSV ({error}).") from error


def _cells(row: Mapping[str | None, Any]) -> dict[str, str]:
    """Cells beyond the header are dropped, absent ones are empty."""
    return {key: (cell or "").strip() for key, cell in row.items() if key is not None}


def _values(row: Mapping[str, str], where: str) -> Scores | Missing:
    given = {key: _number(cell, where) for key, cell in row.items() if key not in _NOT_SCORES and cell}
    empty = [key for key, cell in row.items() if key not in _NOT_SCORES and not cell]
    return Missing(f"{where}: no {', '.join(empty)}") if empty else given


def _number(cell: str, where: str) -> float:
    try:
        value = float(cell)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise UsageError(f"{where}: {cell!r} is no number.")
    return value


def _choice(cell: str, where: str) -> Preference | Missing:
    if not cell:
        return Missing(f"{where}: no choice")
    choice = parse_choice(cell)
    if isinstance(choice, Missing):
        raise UsageError(f"{where}: {cell!r} is no choice. Write A, B or tie.")
    return choice
