"""Measured clips on the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from vqinsight.measure.types import Measured, MeasuredClip
from vqinsight.report import measured_phrases as said
from vqinsight.report import phrases
from vqinsight.report.console import counted
from vqinsight.report.measured import ClipMeasurement
from vqinsight.report.printing import print_failure, print_text

_DETAILS = 5  # most clips shown in full
_WIDE = 110  # terminal columns from which the meaning of each quantity is shown
_KINDS = {"spatial": "In frames", "temporal": "Between frames", "content": "Content, no defects"}


def show_measurements(console: Console, records: Sequence[ClipMeasurement], *, verbose: bool = False) -> None:
    """Print measurements: each clip in full when they are few, one line a clip when there are several, failures.

    Args:
        verbose: every clip in full.
    """
    read = [(record, record.clip) for record in records if record.clip is not None]
    full = verbose or len(read) <= _DETAILS
    if full:
        for record, clip in read:
            _in_full(console, record, clip)
    if len(read) > 1:
        for record, clip in read:
            close = f"; {said.fidelity(record.fidelity)}" if record.fidelity is not None else ""
            print_text(console, f"{record.path}: {said.seen(clip)}{close}")
        console.print()
    if not full:
        print_text(console, "Values: use --verbose, --out or --report.", "dim")
        for name, warning in phrases.warnings(records):
            print_text(console, f"! {name}: {warning}", "yellow")
    for name, status, error in phrases.failures(records):
        print_failure(console, name, status, error)
    if len(records) > 1 or len(read) < len(records):
        print_text(console, f"{len(records)} clips: {counted(record.status for record in records)}.")


def _in_full(console: Console, record: ClipMeasurement, clip: MeasuredClip) -> None:
    print_text(console, record.path, "bold")
    print_text(console, said.about(clip), "dim", indent=2)
    print_text(console, f"Seen: {said.seen(clip)}", "bold cyan", indent=2)
    if record.fidelity is not None:
        print_text(console, f"Against {record.fidelity.reference}: {said.fidelity(record.fidelity)}", indent=2)
    for warning in clip.warnings:
        print_text(console, f"! {warning}", "yellow", indent=2)
    wide = console.width >= _WIDE
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True, justify="right")
    table.add_column(no_wrap=True)
    for _ in range(1 + wide):
        table.add_column(overflow="fold")
    for kind, group in groupby(clip.values.values(), key=lambda each: each.quantity.kind):
        table.add_row(Text(_KINDS[kind], "dim"))
        for each in group:
            meaning = [Text(each.quantity.meaning, "dim")] if wide else []
            table.add_row(*_cells(each, clip), *meaning)
    console.print(Padding(table, (0, 0, 0, 2), expand=False))
    console.print()


def _cells(measured: Measured, clip: MeasuredClip) -> list[Text]:
    style = {None: "", "none": "", "slight": "yellow", "visible": "yellow"}.get(measured.severity, "red")
    return [
        Text(f"  {said.name(measured)}"),
        Text(said.with_unit(measured), "bold"),
        Text(measured.severity or "", style),
        Text(said.moments(measured, clip), "dim"),
    ]
