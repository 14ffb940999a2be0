"""CPU seconds of `vqinsight score` on one clip: python -m benchmarks.performance.startup [--runs N] [--json FILE].

Compared with the imports of torch and of the one model module of transformers that it needs: both as medians of
interleaved runs in separate processes, on one thread.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
from pathlib import Path

from benchmarks.results import ROOT, store

NEEDED = (
    "import torch; from transformers import AutoModelForImageTextToText, AutoTokenizer; "
    "import transformers.models.qwen2_5_vl.modeling_qwen2_5_vl"
)
CLIP = ROOT / "examples" / "cat.mp4"


def cpu_seconds(command: list[str]) -> float:
    """User and system seconds of a process and its children.

    Raises:
        subprocess.CalledProcessError: it failed.
    """
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    environment = {key: value for key, value in os.environ.items() if key != "OMP_NUM_THREADS"}
    subprocess.run(command, check=True, capture_output=True, env={**environment, "HF_HUB_OFFLINE": "1"})
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def own_modules() -> int:
    """The number of modules of this package that `vqinsight score` imports."""
    code = (
        "import sys\nfrom vqinsight.cli.main import app\n"
        f"try:\n    app(['score', {str(CLIP)!r}])\nexcept SystemExit:\n"
        "    print(sum(name.split('.')[0] == 'vqinsight' for name in sys.modules), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    return int(done.stderr.splitlines()[-1])


def main() -> None:
    """Print both medians and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    commands = {
        "imports": [sys.executable, "-c", NEEDED],
        "score": [sys.executable, "-m", "vqinsight", "score", str(CLIP)],
    }
    seconds: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(given.runs):
        for name, command in commands.items():
            seconds[name].append(round(cpu_seconds(command), 3))
    medians = {name: statistics.median(each) for name, each in seconds.items()}
    found = {
        "cpu_seconds": seconds,
        "median": medians,
        "ratio": round(medians["score"] / medians["imports"], 3),
        "modules": own_modules(),
        "load": round(os.getloadavg()[0], 1),
    }
    store(found, given.json)


if __name__ == "__main__":
    main()
