"""Runs of ``vqinsight score`` that are disturbed, and the comparison of their rows with those of a straight run."""

from __future__ import annotations

import subprocess
import sys
import zlib
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

import vqinsight
from benchmarks.results import ROOT
from vqinsight.cli.main import app
from vqinsight.results import asked_again

Row = dict[str, Any]
SHOWN = 4  # frames of a clip that a server is sent
_TIMED = frozenset({"seconds"})


@cache
def helper(name: str) -> Any:
    """A helper of the tests, which disturb runs as this does."""
    sys.path.append(str(ROOT / "tests"))
    return import_module(f"helpers.{name}")


def judged(folder: Path, clips: str, out: str, *options: str) -> tuple[int, list[Row]]:
    """The exit code and the rows of a run that is left alone."""
    command = [sys.executable, "-m", "vqinsight", "score", clips, "--out", f"{out}/", "--quiet", *options]
    code = subprocess.run(command, cwd=folder, stdout=subprocess.DEVNULL, check=False).returncode
    return code, rows(folder / out)


@contextmanager
def serving() -> Iterator[Any]:
    """A server whose answer depends on every pixel that it is sent: their sum, and their mean as the score."""
    server_of = helper("endpoint")

    def answer(body: Any) -> str:
        [frames] = server_of.frames_of(body)
        return f"<think>{zlib.crc32(frames)}</think><answer>{frames.mean() / 2.55:.2f}</answer>"

    with server_of.serving() as server:
        server.answer = answer
        yield server


def asked(server: Any, folder: Path, clips: str, out: str, deadline: float = 600.0) -> int:
    """The exit code of a run in this process, whose clips are scored by a server."""
    there = ("--engine", "endpoint", "--url", server.url, "--frames", f"{SHOWN}", "--deadline", f"{deadline:g}")
    arguments = ["score", str(folder / clips), "--out", f"{folder / out}/", "--quiet", *there]
    code: int = CliRunner().invoke(app, arguments).exit_code
    return code


def rows(folder: Path) -> list[Row]:
    """Every row of a folder of results: a clip that is there twice has two.

    Rows that a later one replaces by intention are left out: of a file that has changed since, and of a clip that was
    asked about again because it failed.
    """
    from pyarrow import parquet

    parts = sorted(folder.glob("part-*.parquet"))
    found = [row for part in parts for row in parquet.read_table(part, partitioning=None).to_pylist()]
    last = {row["id"]: place for place, row in enumerate(found)}
    now = {row["id"]: row["revision"] for row in vqinsight.read_results(folder).to_pylist()}
    return [
        row
        for place, row in enumerate(found)
        if row["revision"] == now[row["id"]]
        and (last[row["id"]] == place or not asked_again(row["status"], row["error"]))
    ]


def as_straight(found: Sequence[Row], expected: Sequence[Row], leave_out: Collection[str] = _TIMED) -> int:
    """How many rows that are there differ from those of a straight run in any other value."""
    by_id = {row["id"]: row for row in found}
    pairs = [(by_id[row["id"]], row) for row in expected if row["id"] in by_id]
    return sum(any(mine[key] != theirs[key] for key in theirs if key not in leave_out) for mine, theirs in pairs)


def row_of(injected: int, wanted: Collection[str], found: Counter[str], wrong: int, *, sound: bool, **more: Any) -> Row:
    """The figures of a fault.

    Args:
        wanted: names of the rows that there should be.
        found: how often each is there.
        wrong: rows with another content than in a straight run.
        sound: what else has to hold, such as exit codes.
    """
    double = sum(count - 1 for count in found.values())
    lost = len(set(wanted) - set(found))
    held = sound and not (double or lost or wrong) and set(found) == set(wanted) and injected > 0
    return {
        "injected": injected,
        "clips": len(wanted),
        "expected": len(wanted),
        "found": found.total(),
        "double": double,
        "lost": lost,
        "wrong": wrong,
        "holds": held,
        **more,
    }
