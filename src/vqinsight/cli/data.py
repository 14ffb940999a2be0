"""``vqinsight data``: check a dataset before use."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from vqinsight.cli import options as opt
from vqinsight.cli.command import Command, Group

if TYPE_CHECKING:
    from vqinsight.datasets.check import Finding

NOTHING_USABLE = 1  # exit code
_SHOWN = 10  # names of each kind shown; all with --json

data = typer.Typer(
    cls=Group, help="Check a dataset before it is used.", no_args_is_help=True, add_completion=False,
    pretty_exceptions_enable=False,
)  # fmt: skip


@data.callback()
def _root() -> None:
    pass


@data.command(cls=Command)
def check(
    place: Annotated[Path, typer.Argument(metavar="PATH", show_default=False, help="A download's folder, or a table.")],
    dataset: Annotated[
        str | None,
        typer.Option(metavar="NAME", show_default=False, help="Which dataset; told from the layout if absent."),
    ] = None,
    split: Annotated[
        str | None, typer.Option(metavar="NAME", show_default=False, help="One split instead of all.")
    ] = None,
    scale: Annotated[
        tuple[float, float] | None,
        typer.Option(
            metavar="LOW HIGH", show_default=False, help="The range of the scores, where the labels do not say."
        ),
    ] = None,
    unpack: Annotated[
        Path | None,
        typer.Option(metavar="DIR", show_default=False, help="Where to write clips that lie inside Parquet files."),
    ] = None,
    open_all: Annotated[bool, typer.Option("--open", help="Also open every clip and list the bad ones.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object instead of text, with every name.")] = False,
    quiet: opt.Quiet = False,
) -> None:
    """Say what a dataset yields: questions by task and split, the labels' range, and what is missing or bad."""
    from vqinsight.datasets import check as checks
    from vqinsight.report import progress
    from vqinsight.report.output import plain_endings

    options: dict[str, Any] = {"scale": scale, "unpack": unpack}
    with plain_endings("Interrupted.", quiet=quiet):
        name = dataset or checks.recognise(place)
        with progress.waiting(f"Reading {name}"):
            read = checks.read_splits(place, name, split, {key: v for key, v in options.items() if v is not None})
        bad: dict[str, str] = {}
        if open_all:
            from vqinsight.video.read import probe

            clips = checks.clips_of(read)
            with progress.counting("Opening clips", len(clips), as_json) as count:
                bad = checks.open_clips(clips, probe, count)
    findings = [checks.look_over(part, bad) for part in read]
    usable = any(finding.questions for finding in findings)
    if as_json:
        report = {"path": str(place), "dataset": name, "opened": open_all, "usable": usable}
        print(json.dumps({**report, "splits": [finding.as_dict() for finding in findings]}))
    else:
        _show(place, name, findings, open_all)
    sys.exit(0 if usable else NOTHING_USABLE)


def _show(place: Path, name: str, findings: Sequence[Finding], opened: bool) -> None:
    from vqinsight.datasets import DATASETS
    from vqinsight.report.phrases import printable

    def say(line: str) -> None:
        print(printable(line))

    say(f"{DATASETS[name].title} ({DATASETS[name].holds}) in {place}")
    for finding in findings:
        say("")
        if finding.absent is not None:
            say(f"{finding.split}: not read. {finding.absent}")
            continue
        found = ", ".join(f"{count:,} {task}" for task, count in finding.questions.items()) or "nothing usable"
        say(f"{finding.split}: {found}" + (f" ({finding.clips:,} clips)" if finding.clips else ""))
        if finding.labels:
            scales = ", ".join(f"{low:g}–{high:g}" for low, high in finding.scales)
            say("  labels: " + _labels(finding.labels) + (f"; the scale is {scales}" if scales else ""))
        _list(say, "not on the disk", finding.missing)
        _list(say, "label rows left out", finding.left_out)
        if opened:
            _list(say, "cannot be opened", finding.unreadable)
        for note in finding.notes:
            say(f"  note: {note}")
    if not opened and any(finding.clips for finding in findings):
        say("\nNo clip was opened; --open does that.")


def _labels(labels: dict[str, Any]) -> str:
    parts = [
        f"{key} {value[0]:g} to {value[1]:g}" if isinstance(value, list) else f"{key} {value:,}"
        for key, value in labels.items()
    ]
    return ", ".join(parts)


def _list(say: Any, what: str, names: Sequence[str]) -> None:
    if names:
        say(f"  {what}: {len(names):,}")
        for name in names[:_SHOWN]:
            say(f"    {name}")
        if len(names) > _SHOWN:
            say(f"    and {len(names) - _SHOWN:,} more; --json names them all")
