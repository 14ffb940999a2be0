"""What a training of a generator says as it goes."""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path

from vqinsight.common.files import write_atomic


class TrainingLog:
    """``log.jsonl``: a row of means every so many updates, and the same on standard error."""

    def __init__(self, path: Path, step: int, *, writes: bool) -> None:
        """Go on behind update ``step``; only the process that ``writes`` writes."""
        self._path, self._writes = path, writes
        self._waiting: list[dict[str, float]] = []
        if writes and path.is_file():  # rows behind the checkpoint that the run goes on from come again
            rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.endswith("}")]
            kept = [json.dumps(row) + "\n" for row in rows if row["step"] <= step]
            write_atomic(path, "".join(kept))

    def __enter__(self) -> TrainingLog:
        return self

    def __exit__(self, *_: object) -> None:
        self._write()

    def take(self, row: dict[str, float], *, last: bool, every: int) -> None:
        """Keep an update; write a row where one is due."""
        self._waiting.append(row)
        if last or row["step"] % every == 0:
            self._write()

    def _write(self) -> None:
        if not self._waiting or not self._writes:
            return
        last, rows = self._waiting[-1], self._waiting
        row = {name: math.fsum(each[name] for each in rows) / len(rows) for name in last}
        row |= {name: last[name] for name in ("step", "learning_rate", "rise")}
        self._waiting = []
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")
        print(", ".join(f"{name} {value:.4g}" for name, value in row.items()), file=sys.stderr)
