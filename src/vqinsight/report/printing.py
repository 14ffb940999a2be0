"""Texts and tables on the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from vqinsight.report import phrases
from vqinsight.results import Standing

FAILURES = 10  # most failures of a folder shown
_NAME = 12  # least cells of a name in a table


def print_failure(console: Console, name: str, status: str, error: str) -> None:
    """Print a clip or a pair without a result on one line."""
    console.print(
        Text.assemble(("✗ ", "red"), (phrases.printable(name), "bold"), f" {status}: {phrases.printable(error)}")
    )


def print_failures(console: Console, failed: Sequence[tuple[str, str, str]], folder: str) -> None:
    """Print the first of a results folder's failures: name, status, error; and how many more there are."""
    for failure in failed[:FAILURES]:
        print_failure(console, *failure)
    if len(failed) > FAILURES:
        print_text(console, f"… and {len(failed) - FAILURES} more that failed: see the column status in {folder}.")


def print_standings(console: Console, standings: Sequence[Standing]) -> None:
    """Print the ranked clips as a table."""
    rows = [[str(each.rank), each.path, f"{each.wins:g}", f"{each.strength:+.2f}"] for each in standings]
    print_table(console, ["Rank", "Clip", "Wins", "Strength"], rows)


def print_table(console: Console, headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table whose column "Clip" gets the width that the other columns leave."""
    names = headings.index("Clip")
    rows = [[phrases.printable(cell) for cell in row] for row in rows]
    without = _table(headings, [[*row[:names], "", *row[names + 1 :]] for row in rows])
    taken = console.measure(without).maximum - len("Clip")
    room = max(console.width - taken, _NAME)
    cut = [[*row[:names], phrases.shortened(row[names], room), *row[names + 1 :]] for row in rows]
    console.print(_table(headings, cut), Text())


def print_grid(console: Console, headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table whose first column names the rows."""
    console.print(_table(headings, rows))


def _table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, header_style="bold")
    for heading in headings:
        table.add_column(heading, overflow="fold", justify="left" if heading in ("Clip", "") else "right")
    for row in rows:
        table.add_row(*map(Text, row))
    return table


def print_text(console: Console, content: str, style: str = "", *, indent: int = 0) -> None:
    """Print a text, wrapped, with nothing in it that can control the terminal."""
    text = Text(phrases.printable(content).strip(), style)
    for line in text.wrap(console, max(console.width - indent, 8)):
        line.rstrip()
        console.print(Text(" " * indent) + line)
