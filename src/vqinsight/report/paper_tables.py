"""The filled tables of the paper as Markdown, HTML, JSON, and on the terminal."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from vqinsight.common.provenance import commit
from vqinsight.evaluation.fill_tables import Cell, FilledTable, Results, Row
from vqinsight.evaluation.paper_tables import Column
from vqinsight.report.files import replacing
from vqinsight.report.html import environment
from vqinsight.report.phrases import printable

SUFFIXES = (".md", ".html", ".json")
HOW_TO_READ = (
    "Rows marked paper hold the paper's figures as far as we have them, rows marked published those of another "
    "publication, rows marked ours what was measured here, with 95 % bootstrap intervals in brackets. An empty cell: "
    "not run, or no figure at hand. Pairs and VBench in percent."
)


@dataclass(frozen=True)
class RenderedTables:
    """All tables of a run of ``vqinsight tables``, and their sources."""

    tables: tuple[FilledTable, ...]
    results: Results

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready; figures as shares and correlations."""
        return {
            "commit": commit(),
            "tables": [_plain(filled) for filled in self.tables],
            "results": [
                {"file": stored.file, **{key: stored.content[key] for key in ("benchmark", "split", "model", "digest")},
                 **{key: stored.content.get(key) for key in ("settings", "counts", "notes", "command", "commit")}}
                for stored in self.results.used
            ],
            "passed_over": list(self.results.passed_over),
        }  # fmt: skip


def title(filled: FilledTable) -> str:
    """``Table 1. Preference between …``"""
    table = filled.table
    return f"Table {table.number}. {table.title}" if table.number else table.title


def shown(cell: Cell | None, column: Column) -> str:
    """``0.823 [0.801, 0.845]``, or in percent; empty where there is none."""
    if cell is None:
        return ""
    times, digits = (100, 2) if column.percent else (1, 3)
    ends = ""
    if cell.low is not None and cell.high is not None:
        ends = f" [{cell.low * times:.{digits}f}, {cell.high * times:.{digits}f}]"
    return f"{cell.value * times:.{digits}f}{ends}"


def items(row: Row) -> str:
    """The number of clips or pairs of the row's figures."""
    counts = sorted({cell.n for cell in row.cells if cell is not None and cell.n is not None})
    return "–".join(f"{n:,}" for n in dict.fromkeys((*counts[:1], *counts[-1:])))


def about(tabled: RenderedTables) -> Iterator[str]:
    """A line about each result: model, benchmark, number of answers, and remarks."""
    for stored in tabled.results.used:
        found, counts = stored.content, stored.content["counts"]
        numbers = ", ".join(f"{key.replace('_', ' ')} {value}" for key, value in counts.items() if value is not None)
        notes = "".join(f" {note[:1].upper()}{note[1:].rstrip('.')}." for note in found.get("notes") or ())
        asked = f"{found['model']} {found['digest']} on {found['benchmark']}, {found['split']}"
        made = f"; commit {found['commit']}" if found.get("commit") else ""
        yield f"{stored.file}: {asked}; {numbers}{made}.{notes}"


def markdown(tabled: RenderedTables) -> str:
    """Tables that fit a document."""
    lines = [HOW_TO_READ, ""]
    for filled in tabled.tables:
        columns = filled.table.columns
        heads = [f"{c.group} {c.name}" if c.group != c.name else c.name for c in columns]
        lines += [f"## {title(filled)}", "", f"| | | {' | '.join(heads)} | n |", "|---" * (len(heads) + 3) + "|"]
        for row in filled.rows:
            cells = (shown(cell, column) for cell, column in zip(row.cells, columns, strict=True))
            lines.append(f"| {_escaped(row.name)} | {row.origin} | {' | '.join(cells)} | {items(row)} |")
        lines += ["", *filled.table.notes, *([""] if filled.table.notes else [])]
        lines += [*(f"* {_escaped(row.name)}: {_escaped(row.source)}" for row in filled.rows if row.origin != "paper")]
        lines.append("")
    lines += ["## Results behind our rows", "", *(f"* {_escaped(line)}" for line in about(tabled))]
    if not tabled.results.used:
        lines.append("None.")
    if tabled.results.passed_over:
        lines += ["", "## Files passed over", "", *(f"* {_escaped(line)}" for line in tabled.results.passed_over)]
    return "\n".join(lines) + "\n"


def page(tabled: RenderedTables) -> str:
    """A self-contained page."""
    return environment().get_template("tables.html").render(
        tabled=tabled, title=title, shown=shown, items=items, about=list(about(tabled)), how_to_read=HOW_TO_READ
    )  # fmt: skip


def write(tabled: RenderedTables, out: Path) -> None:
    """Write ``.md``, ``.html`` or ``.json``, by the name's ending.

    Raises:
        UsageError: the file cannot be written.
    """
    kinds = {".md": markdown, ".html": page, ".json": lambda each: json.dumps(each.as_dict(), indent=2) + "\n"}
    with replacing(out) as part:
        part.write_text(kinds[out.suffix.lower()](tabled), encoding="utf-8")


def show(console: Console, tabled: RenderedTables) -> None:
    """Print the tables, one block per group of columns, to fit a terminal."""
    for filled in tabled.tables:
        console.print(Text(title(filled), "bold"))
        for group, placed in groupby(enumerate(filled.table.columns), lambda each: each[1].group):
            mine = list(placed)
            block = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, title=group, title_justify="left")
            block.add_column("")
            block.add_column("")
            for _, column in mine:
                block.add_column(column.name, justify="right")
            for row in filled.rows:
                cells = [shown(row.cells[place], column).replace(" [", "\n[") for place, column in mine]
                if any(cells):
                    block.add_row(*(Text(printable(text)) for text in (row.name, row.origin, *cells)))
            console.print(block)
        for note in filled.table.notes:
            console.print(Text(note, "dim"))
        console.print()
    console.print(Text(HOW_TO_READ, "dim"))
    for line in about(tabled):
        console.print(Text(printable(line), "dim"))
    if over := len(tabled.results.passed_over):
        console.print(Text(f"Passed over: {over} files that fill no cell (--json or --out names them).", "dim"))


def _plain(filled: FilledTable) -> dict[str, Any]:
    table = filled.table
    return {
        "number": table.number,
        "title": table.title,
        "columns": [{**asdict(column), "name": column.name} for column in table.columns],
        "rows": [asdict(row) for row in filled.rows],
        "notes": list(table.notes),
    }


def _escaped(text: str) -> str:
    return printable(text).replace("|", "\\|").replace("\n", " ")
