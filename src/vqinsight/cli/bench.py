"""``vqinsight bench``: how many clips this machine judges, and what limits it."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import Annotated, Any

import typer

from vqinsight.cli import options as opt


def bench(
    clips: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[CLIPS]...", show_default=False, help="Clips to judge; by default short ones are made."
        ),
    ] = None,
    model: opt.Model = "nano",
    device: opt.Device = "auto",
    dtype: opt.DType = "auto",
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object instead of a table.")] = False,
) -> None:
    """Measure how many clips this machine judges."""
    from vqinsight.cli.judging import expand
    from vqinsight.report.output import plain_endings

    with plain_endings("Nothing was measured."):
        given = [source for source, _ in expand(clips, None) if isinstance(source, str)] if clips else []
        from vqinsight.inference.api import load
        from vqinsight.inference.bench import measure

        judge = load(model, device=device, dtype=dtype)
        with tempfile.TemporaryDirectory() as folder:
            found = measure(judge, given, Path(folder), lambda text: print(f"{text} …", file=sys.stderr))
    print(json.dumps(found) if as_json else "\n".join(_lines(found)))


def _lines(found: dict[str, Any]) -> list[str]:
    """One table, a line each."""
    score, rank = found["score"], found["rank"]
    failed = f", {score['failed']} failed" if score["failed"] else ""
    rows = [
        ("model", f"{found['model']}, {found['dtype']} on {found['device']}, {found['threads']} CPU threads"),
        ("clips", found["clips"]),
        ("score", f"{score['clips_per_hour']:,.0f} clips an hour ({score['clips']} clips{failed})"),
        (
            "limit",
            f"{found['limit_clips_per_hour']:,.0f} clips an hour: reading as it is, the rest matrix products",
        ),
        ("most time", found["most_of_the_time"]),
    ]
    for name, phase in found["phases"].items():
        rate = f", products {phase['operations_per_second'] / 1e9:,.1f} GFLOP/s" if len(phase) > 2 else ""
        at_least = f", at least {_time(phase['limit_seconds'])}" if len(phase) > 2 else ""
        rows.append((f"  {name}", f"{_time(phase['seconds'])} a clip{at_least}{rate}"))
    if rank:
        rows.append((f"rank {rank['clips']}", f"{_time(rank['seconds'])} ({rank['answers']} answers)"))
    for kind, row in found["reading"].items():
        rows.append(
            (f"read {kind}", f"{_time(row['seconds'])}: {row['frames_read']} frames of {row['clip_seconds']:g} s")
        )
    width = max(len(name) for name, _ in rows)
    return [f"{name:{width}}  {text}" for name, text in rows]


def _time(seconds: float) -> str:
    return f"{seconds * 1000:.1f} ms" if seconds < 1 else f"{seconds:.1f} s"
