"""Fills the paper's tables from stored results: each row names its source; a cell without a result stays empty."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from vqinsight.errors import UsageError
from vqinsight.evaluation.paper_tables import SYNTHETIC_TABLES, TABLES, VARIANTS, Column, PaperTable, Variant

Origin = Literal["paper", "published", "ours"]
_ASKED = ("template", "samples", "temperature", "seed", "version")
_NEEDED = {"benchmark", "split", "model", "digest", "settings", "counts"}


@dataclass(frozen=True)
class Cell:
    """A figure, as a share or a correlation; the ends of its interval; and its number of items or videos."""

    value: float
    low: float | None = None
    high: float | None = None
    n: int | None = None


@dataclass(frozen=True)
class Row:
    """One system.

    Attributes:
        origin: the paper, another publication, or measured here.
        name: the system, or the variant.
        source: of the figures: a citation, or model, digest and sampling with the files of results.
        cells: parallel to the columns.
    """

    origin: Origin
    name: str
    source: str
    cells: tuple[Cell | None, ...]


@dataclass(frozen=True)
class FilledTable:
    """A table of the paper with its rows."""

    table: PaperTable
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class StoredResult:
    """A result written by ``vqinsight evaluate`` or ``vqinsight vbench``.

    Attributes:
        file: path relative to the results' folder.
        content: its parsed JSON.
    """

    file: str
    content: Mapping[str, Any]

    @property
    def who(self) -> tuple[str, str, str]:
        """Model, digest and settings, which identify a row."""
        found = self.content
        return found["model"], found["digest"], json.dumps(found["settings"], sort_keys=True)

    @property
    def asked(self) -> int:
        return int(self.content["counts"]["asked"])

    def cell(self, column: Column) -> Cell | None:
        """The figure of a column, or ``None`` if this result lacks it."""
        found = self.content
        if (found["benchmark"], found["split"]) != (column.benchmark, column.split):
            return None
        if column.benchmark == "vbench":
            return Cell(float(found["vbench"][column.metric]))
        if column.dimension is None:
            pairs = found.get("pairs")
            return _cell(pairs["scores"][column.metric], pairs["scores"]["n"]) if pairs else None
        for task in found.get("scores", ()):
            if task["task"] == column.task and column.dimension == "mean":
                return _cell(task["mean"].get(column.metric), None)
            if task["task"] == column.task and column.dimension in task["dimensions"]:
                mine = task["dimensions"][column.dimension]
                return _cell(mine[column.metric], mine["n"])
        return None


@dataclass(frozen=True)
class Results:
    """A folder of stored results.

    Attributes:
        used: at most one result per model, settings, benchmark and split.
        passed_over: files that fill no cell, with the reason.
    """

    used: tuple[StoredResult, ...]
    passed_over: tuple[str, ...]


def read_results(folder: Path) -> Results:
    """Every result below a folder. Of two for the same system and benchmark the one with more questions counts.

    Raises:
        UsageError: no such folder.
    """
    if not folder.is_dir():
        raise UsageError(f"--results {folder}: no such folder. vqinsight evaluate writes to evaluations/ by default.")
    best: dict[Any, StoredResult] = {}
    over: list[str] = []
    for path in sorted(folder.rglob("*.json")):
        name = path.relative_to(folder).as_posix()
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError) as error:
            over.append(f"{name}: cannot be read as JSON ({error})")
            continue
        if not isinstance(content, dict) or not content.keys() >= _NEEDED:
            over.append(f"{name}: no result of vqinsight evaluate or vqinsight vbench")
            continue
        stored = StoredResult(name, content)
        columns = [column for table in (*TABLES, *SYNTHETIC_TABLES) for column in table.columns]
        if not any(stored.cell(column) for column in columns):
            over.append(f"{name}: {content['benchmark']}, {content['split']}: has no figure for any table")
            continue
        key = (*stored.who, content["benchmark"], content["split"])
        other = best.get(key)
        if other is not None:
            less, stored = sorted((other, stored), key=lambda each: each.asked)
            over.append(f"{less.file}: {stored.file} asked the same judge {stored.asked} questions, this {less.asked}")
        best[key] = stored
    return Results(tuple(best.values()), tuple(over))


def fill(
    results: Results,
    *,
    variants: Mapping[Variant, str] | None = None,
    published: Iterable[tuple[str, str, str, float, str]] = (),
    titles: Mapping[str, str] | None = None,
) -> tuple[FilledTable, ...]:
    """Tables 1 to 6, then those of the synthetic set if there are results for it.

    Args:
        variants: the stored model (name or digest) of each variant of the method, for Tables 4 to 6.
        published: (system, benchmark, metric, value, source) from other publications; shares and correlations.
        titles: names to show instead of the stored names of models.

    Raises:
        UsageError: a variant names no stored model, or a published figure fits no column.
    """
    chosen = _chosen(results, variants or {})
    quoted = _quoted(published)
    mine: dict[tuple[str, str, str], list[StoredResult]] = {}
    for stored in results.used:
        mine.setdefault(stored.who, []).append(stored)
    found = []
    for table in (*TABLES, *SYNTHETIC_TABLES):
        rows = [_paper_row(table, name) for name in dict.fromkeys(row for row, *_ in table.figures)]
        rows += [row for name in quoted if (row := _published_row(table, name, quoted[name]))]
        for who, theirs in mine.items():
            names = [VARIANTS[key] for key in table.variants if who in chosen.get(key, ())]
            if table.variants and not names and table.number != 6:
                continue
            for name in names or [(titles or {}).get(who[0], who[0])]:
                row = _our_row(table, name, who, theirs)
                if any(row.cells):
                    rows.append(row)
        if table.number is not None or rows:
            order = [VARIANTS[key] for key in table.variants]
            rows.sort(key=lambda row: order.index(row.name) if row.name in order else len(order))
            found.append(FilledTable(table, tuple(rows)))
    return tuple(found)


def _chosen(results: Results, variants: Mapping[Variant, str]) -> dict[Variant, set[tuple[str, str, str]]]:
    known = {stored.who for stored in results.used}
    chosen = {key: {who for who in known if model in who[:2]} for key, model in variants.items()}
    for key, found in chosen.items():
        if not found:
            names = ", ".join(sorted({f"{name} ({digest})" for name, digest, _ in known})) or "none"
            raise UsageError(f"--variant {key}={variants[key]}: no stored result of this model. There are: {names}")
    return chosen


def _quoted(
    published: Iterable[tuple[str, str, str, float, str]],
) -> dict[str, dict[tuple[str, str], tuple[float, str]]]:
    columns = {(column.place, column.key) for table in TABLES for column in table.columns}
    quoted: dict[str, dict[tuple[str, str], tuple[float, str]]] = {}
    for system, benchmark, metric, value, source in published:
        if (benchmark, metric) not in columns:
            names = "; ".join(sorted(f"{place}: {key}" for place, key in columns))
            raise UsageError(f"published figure {system} {benchmark} {metric}: no such column. There are: {names}")
        if not -1 <= value <= 1:
            raise UsageError(f"published figure {system} {benchmark} {metric}: {value} is no share. Divide by 100.")
        quoted.setdefault(system, {})[benchmark, metric] = (value, source)
    return quoted


def _paper_row(table: PaperTable, name: str) -> Row:
    figures = {(group, metric): value for row, group, metric, value in table.figures if row == name}
    values = (figures.get((column.group, column.metric)) for column in table.columns)
    cells = tuple(Cell(value) if value is not None else None for value in values)
    return Row("paper", name, f"the paper, Table {table.number}", cells)


def _published_row(table: PaperTable, name: str, figures: Mapping[tuple[str, str], tuple[float, str]]) -> Row | None:
    if table.number is None or table.variants:
        return None
    quotes = [figures.get((column.place, column.key)) for column in table.columns]
    if not any(quotes):
        return None
    source = "; ".join(dict.fromkeys(quote[1] for quote in quotes if quote))
    return Row("published", name, source, tuple(Cell(quote[0]) if quote else None for quote in quotes))


def _our_row(table: PaperTable, name: str, who: tuple[str, str, str], stored: Sequence[StoredResult]) -> Row:
    cells, files = [], []
    for column in table.columns:
        cell, file = next(((cell, each.file) for each in stored if (cell := each.cell(column))), (None, None))
        cells.append(cell)
        files.append(file)
    named = ", ".join(dict.fromkeys(file for file in files if file))
    return Row("ours", name, f"{who[0]} {who[1]} ({_sampling(who[2])}): {named}", tuple(cells))


def _sampling(settings: str) -> str:
    """What decides answers beside the weights, of a model how it is asked, of a baseline its options."""
    found = {key: value for key, value in json.loads(settings).items() if value is not None}
    chosen = [key for key in _ASKED if key in found] if "family" in found else list(found)
    return ", ".join(f"{key.replace('_', ' ')} {found[key]}" for key in chosen)


def _cell(measure: Mapping[str, Any] | None, n: int | None) -> Cell | None:
    if measure is None or measure["value"] is None:
        return None
    ends = measure["interval"] or {}
    return Cell(float(measure["value"]), ends.get("low"), ends.get("high"), n)
