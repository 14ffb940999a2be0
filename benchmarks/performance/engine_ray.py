"""``--engine ray`` against a model loaded here: the rows of ``vqinsight score`` on the same clips."""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import vqinsight

_BY_NATURE = ("seconds", "engine")
_FAILED = 1  # exit code: a clip has no usable answer


def measure(clips: list[str], _: argparse.Namespace) -> dict[str, Any]:
    """How many rows are equal to the last bit; seconds of whole commands, Ray's start included."""
    with tempfile.TemporaryDirectory() as temporary:
        here, here_s = _rows(clips, Path(temporary, "local"))
        there, there_s = _rows(clips, Path(temporary, "ray"), "--engine", "ray")
    pairs = list(zip(here, there, strict=True))
    return {
        "clips": len(clips),
        "statuses": dict(Counter(row["status"] for row in here)),
        "same_status": sum(a["status"] == b["status"] for a, b in pairs),
        "equal": sum(a == b for a, b in pairs),
        "differing": [Path(a["path"]).name for a, b in pairs if a != b],
        "seconds": {"ray": round(there_s, 1), "local": round(here_s, 1)},
    }


def _rows(clips: list[str], folder: Path, *engine: str) -> tuple[list[dict[str, Any]], float]:
    """The rows of a folder of results in order, and the seconds that they took."""
    begun = time.monotonic()
    command = [sys.executable, "-m", "vqinsight", "score", *clips, "--out", f"{folder}/", "--quiet", *engine]
    code = subprocess.run(command, stdout=subprocess.DEVNULL, check=False).returncode
    if code not in (0, _FAILED):
        raise SystemExit(f"{' '.join(command[:4])} … {' '.join(engine)} ends with {code}")
    seconds = time.monotonic() - begun
    rows = vqinsight.read_results(folder).to_pylist()
    return [{key: value for key, value in row.items() if key not in _BY_NATURE} for row in rows], seconds
