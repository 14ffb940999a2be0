"""Reading of real label files: python -m benchmarks.method.labels --shared ../shared [--json results/labels.json].

Without the clips every row is a label with a missing clip: the rows that are read and left out are counted, with the
loader's notes.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.results import keep
from vqinsight.datasets import fastvqa, lsvq
from vqinsight.datasets.download import Download

FASTVQA = {
    "KoNViD/labels.txt": "labels",
    "LIVE_VQC/labels.txt": "labels",
    "LSVQ/train_labels.txt": "train",
    "LSVQ/labels_test.txt": "test",
    "LSVQ/labels_1080p.txt": "1080p",
}
LSVQ = {"LSVQ_whole_test.csv": "test", "LSVQ_whole_test_1080p.csv": "1080p"}


def lines(path: Path) -> int:
    """Non-empty rows of a label file, without the header of a CSV file."""
    found = sum(bool(line.strip()) for line in path.read_text(encoding="utf-8-sig").splitlines())
    return found - (path.suffix == ".csv")


def counts(read: Download, rows: int) -> dict[str, Any]:
    """Numbers of read and left out rows."""
    return {
        "rows": rows,
        "clips named": len(read.missing) + len(read.examples),
        "left out": len(read.left_out),
        "first left out": list(read.left_out[:3]),
        "notes": list(read.notes),
    }


def main() -> None:
    """Read, print, and store with ``--json``."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", type=Path, default=Path("../shared"))
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    labels = (given.shared / "labels").resolve()
    found: dict[str, dict[str, Any]] = {}
    with tempfile.TemporaryDirectory() as empty:
        for name, split in FASTVQA.items():
            file = labels / "fastvqa" / name
            found[f"fastvqa/{name}"] = counts(fastvqa.load(empty, split, labels=file), lines(file))
        for name, split in LSVQ.items():
            file = labels / "lsvq" / name
            found[f"lsvq/{name}"] = counts(lsvq.load(empty, split, labels=file), lines(file))
    for name, row in found.items():
        print(f"{name}: {row['rows']:,} rows, {row['clips named']:,} clips named, {row['left out']:,} left out")
        for note in row["notes"]:
            print(f"  {note}")
    keep({"files": found}, given.json)


if __name__ == "__main__":
    main()
