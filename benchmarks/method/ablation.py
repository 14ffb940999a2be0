"""Tables 4 and 5 at the embedded model's size: ablation of the method.

``python -m benchmarks.method.ablation --base runs/nano/base --out runs/ablation`` trains every variant with
every seed, evaluates each on held-out clips, and prints the means over seeds beside the paper's figures.
Finished runs are not repeated, so an interrupted command can be run again;
figures of another base or length are never mixed with them.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.method.learning import KEYS, judge
from benchmarks.results import keep
from vqinsight.evaluation.metrics.bootstrap import Measure
from vqinsight.inference.api import load
from vqinsight.settings.reader import read_toml
from vqinsight.settings.shipped import config_path
from vqinsight.settings.train import TrainSettings

# The paper's mean PLCC over three dimensions (Table 4) and accuracy on decided pairs of GenAI-Bench (Tables 1 and 5).
PAPER = {
    "base": (None, None),
    "all": (0.869, 75.71),
    "no warm-up": (0.716, None),
    "temporal reward that acts": (None, None),
    "no temporal reward": (0.787, None),
    "no length reward": (0.819, 68.14),
    "supervised": (None, None),
}
CHANGES = {
    "all": (),
    "no warm-up": (),
    "temporal reward that acts": ("rewards.mu=1",),
    "no temporal reward": ("rewards.temporal=0",),
    "no length reward": ("rewards.length=0",),
    "supervised": (),
}

STAGE2 = "nano/stage2"


def train(config: str, out: Path, start: Path, seed: int, changes: Sequence[str], processes: int) -> Path:
    """Run a stage unless it is finished; returns its model."""
    final = out / "final"
    if not (final / "vqinsight.json").is_file():
        settings = [f"out={out}", f"model.name={start}", f"seed={seed}", *changes]
        arguments = [part for setting in settings for part in ("--set", setting)]
        resume = ["--resume"] if out.is_dir() else []
        launcher = ["-m", "torch.distributed.run", f"--nproc_per_node={processes}"] if processes > 1 else []
        command = [sys.executable, *launcher, "-m", "vqinsight", "train", config, *arguments, *resume]
        subprocess.run(command, check=True, env=os.environ | {"OMP_NUM_THREADS": "1"})
    return final


def variant(name: str, seed: int, given: argparse.Namespace) -> Path:
    """The finished model of one variant."""
    base, folder, processes = given.base, given.out, given.processes
    mine = folder / f"{name.replace(' ', '_')}-{seed}"
    changes = [f"updates={given.steps}", f"questions_per_update={given.questions}", *CHANGES[name]]
    if name == "supervised":
        changes.append(f"answers_per_forward={given.questions // processes}")  # one answer per question
        return train("nano/sft", mine, base, seed, changes, processes)
    start = base
    if name != "no warm-up":
        start = train("nano/stage1", folder / f"warmup-{seed}", base, seed, (), processes)
    settings = read_toml(TrainSettings, config_path(STAGE2))
    share = given.questions * settings.grpo.group_size // processes  # a small update may be less than one pass
    changes += [
        f"learning_rate={given.learning_rate}",
        f"answers_per_forward={min(settings.answers_per_forward, share)}",
    ]
    return train(STAGE2, mine, start, seed, changes, processes)


def figures(rows: dict[str, Measure]) -> dict[str, float]:
    """The means over dimensions, and all other figures."""

    def value(name: str) -> float:
        found = rows[name].value
        return float("nan") if found is None else found

    averages = {
        metric: statistics.fmean(value(f"{key} {metric}") for key in KEYS) for metric in ("plcc", "srcc", "mae")
    }
    rest = ("pairs right, both orders", "missing answers", "tokens a score")
    return averages | {name: value(name) for name in rest}


def main() -> None:
    """Train, evaluate, print; the figures of every run are in ``--json``."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--base", type=Path, required=True, help="the pre-trained model before any reinforcement")
    parser.add_argument("--out", type=Path, required=True, help="folder for the runs")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--steps", type=int, default=100, help="updates of stage 2")
    parser.add_argument("--questions", type=int, default=16, help="of an update of stage 2")
    parser.add_argument("--learning-rate", type=float, default=6e-5, help="of stage 2; supervised keeps its own")
    parser.add_argument("--clips", type=int, default=400)
    parser.add_argument("--pairs", type=int, default=200)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--json", type=Path, default=Path("results/ablation.json"))
    given = parser.parse_args()
    of = {
        "base": load(str(given.base)).assessor.loaded.digest,
        **{key: getattr(given, key) for key in ("steps", "questions", "learning_rate", "clips", "pairs")},
    }
    found: dict[str, dict[str, dict[str, float]]] = {}
    if given.json.is_file():
        stored = json.loads(given.json.read_text(encoding="utf-8"))
        if stored["of"] != of:
            sys.exit(f"{given.json} holds figures of {stored['of']}, and these would be of {of}. Name another --json.")
        found = stored["runs"]
    if "base" not in found:  # the initial model of all variants
        found["base"] = {"": figures(judge(str(given.base), given.clips, given.pairs)["rows"])}
        keep({"of": of, "runs": found}, given.json)
    for seed in given.seeds:
        for name in CHANGES:
            if str(seed) in found.get(name, {}):
                continue
            rows = judge(str(variant(name, seed, given)), given.clips, given.pairs)["rows"]
            found.setdefault(name, {})[str(seed)] = figures(rows)
            keep({"of": of, "runs": found}, given.json)
    length = f"{given.steps} updates of {given.questions} questions"
    table = Table(title=f"Means and deviations over {len(given.seeds)} seeds, stage 2: {length}")
    columns = list(next(iter(next(iter(found.values())).values())))
    for heading in ("", *columns, "paper: PLCC", "paper: pairs"):
        table.add_column(heading)
    for name, runs in found.items():
        table.add_row(*table_row(name, list(runs.values()), columns))
    Console(width=170).print(table)


def table_row(name: str, runs: Sequence[dict[str, float]], columns: Iterable[str]) -> list[str]:
    """A variant's cells: its name, each column's mean over runs and deviation where there are several, the paper's."""
    cells = [name]
    for column in columns:
        values = [run[column] for run in runs]
        spread = f"±{statistics.stdev(values):.3f}" if len(values) > 1 else ""
        cells.append(f"{statistics.fmean(values):.3f}{spread}")
    return [*cells, *("" if value is None else f"{value:g}" for value in PAPER[name])]


if __name__ == "__main__":
    main()
