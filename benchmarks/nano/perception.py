"""Perception of held-out clips: python -m benchmarks.nano.perception [--clips 600] [--sentences | --pairs]."""

from __future__ import annotations

import argparse
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.results import keep
from vqinsight.inference.api import load
from vqinsight.nano.assessor.probe import exam_of_pairs, interval, probe

# Target values.
BARS = {
    "colour": 0.95,
    "direction": 0.95,
    "shape": 0.90,
    "spatial defect": 0.85,
    "temporal defect": 0.85,
    "spatial strength, within one": 0.90,
    "temporal strength, within one": 0.90,
}


def main() -> None:
    """Print the table; ``--json FILE`` also stores it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clips", type=int, default=600)
    parser.add_argument("--model", default="nano")
    parser.add_argument("--split", choices=("held_out", "train"), default="held_out")
    parser.add_argument("--sentences", action="store_true", help="read the reasoning of the scoring task")
    parser.add_argument("--pairs", action="store_true", help="read what comparisons say of either of two clips")
    parser.add_argument("--json", type=Path, help="store the numbers here")
    given = parser.parse_args()
    judge = load(given.model)
    parts: dict[str, list[bool]] = {}
    if given.pairs:
        marks = exam_of_pairs(judge.assessor, given.clips // 2, split=given.split)
    else:
        marks, parts = probe(judge.assessor, given.clips, split=given.split, sentences=given.sentences)
    table = Table(title=f"{given.model} on {given.clips} clips, split {given.split}")
    for heading in ("attribute", "right", "95 % interval", "n", "wanted"):
        table.add_column(heading)
    rows = {name: (*interval(values), len(values)) for name, values in {**marks, **parts}.items()}
    for name, (share, low, high, count) in rows.items():
        bar = f"{BARS[name]:.0%}" if name in BARS else ""
        table.add_row(name, f"{share:.1%}", f"{low:.1%} to {high:.1%}", str(count), bar)
    Console().print(table)
    provenance = judge.provenance(1, 0, 0.0)
    found = {
        "model_hash": provenance.model_hash,
        "version": provenance.version,
        "split": given.split,
        "rows": {name: dict(zip(("share", "low", "high", "n"), row, strict=True)) for name, row in rows.items()},
    }
    keep(found, given.json)


if __name__ == "__main__":
    main()
