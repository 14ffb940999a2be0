"""The log of a generator's training."""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path

from vqinsight.common.files import write_atomic


class TrainingLog:
    """Writes ``log.jsonl``, a row of means over several updates, and the same to standard error."""

    def __init__(self, path: Path, step: int, *, writes: bool) -> None:
        """Continue after update ``step``; only a process with ``writes`` writes."""
        self._path, self._writes = path, writes
        self._waiting: list[dict[str, float]] = []
        if writes and path.is_file():  # drops rows after the checkpoint: they are written again
            rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.endswith("}")]
            kept = [json.dumps(row) + "\n" for row in rows if row["step"] <= step]
            write_atomic(path, "".join(kept))

    def __enter__(self) -> TrainingLog:
        return self

    def __exit__(self, *_: object) -> None:
        self._write()

    def take(self, row: dict[str, float], *, last: bool, every: int) -> None:
        """Add an update; write a row where one is due."""
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
