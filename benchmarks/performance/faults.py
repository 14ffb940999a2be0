"""Judging under faults: nothing is lost, nothing is there twice: python -m benchmarks.performance.faults [--json FILE].

Each row injects a fault, lets the same command go on where it stopped, and compares every row of the results with that
of a run that nothing disturbed. A row that FILE has is not measured again.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Callable
from pathlib import Path

from benchmarks.performance import faults_clips, faults_remote, faults_stops
from benchmarks.performance.faults_runs import Row
from benchmarks.results import keep

ROWS: dict[str, Callable[[Path], Row]] = {
    "damaged clips": faults_clips.damaged,
    "SIGKILL, random moment": faults_stops.killed,
    "SIGKILL, step of a commit": faults_stops.killed_at_steps,
    "Ctrl-C": faults_stops.interrupted,
    "SIGTERM": faults_stops.terminated,
    "disk full": faults_stops.full_disk,
    "second run on a folder": faults_stops.two_runs,
    "server behind --engine endpoint": faults_remote.endpoint,
    "file changes meanwhile": faults_remote.changed,
    "client of serve leaves": faults_remote.left,
    "Ray worker killed": faults_remote.ray,
}


def main() -> None:
    """Measure the rows that the file lacks."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", nargs="+", choices=ROWS, default=list(ROWS))
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    for name in given.rows:
        if name in _kept(given.json):
            continue
        with tempfile.TemporaryDirectory() as folder:
            found = ROWS[name](Path(folder))
        print(name, json.dumps(found), flush=True)
        kept = _kept(given.json) | {name: found}
        keep({"rows": {each: kept[each] for each in ROWS if each in kept}}, given.json)


def _kept(file: Path | None) -> dict[str, Row]:
    return json.loads(file.read_text(encoding="utf-8"))["rows"] if file and file.is_file() else {}


if __name__ == "__main__":
    main()
