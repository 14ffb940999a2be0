"""Tables 1 and 2 on the embedded world: python benchmarks/world_tables.py "VQ-Insight nano=runs/stage2/final" base=nano

Every model named, the technical score and always-A answer the same held-out clips (scores) and pairs (which is
better). No model was ever trained on these kinds of scene. Predictions and figures are kept under ``--work``, an item a
row: a run that was stopped goes on there, and a model that was added or replaced is all that is asked.
"""

from __future__ import annotations

import argparse
import shlex
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from rich.console import Console
from stored import keep

from vqinsight.api import load
from vqinsight.baselines.judge import BaselineJudge
from vqinsight.baselines.opening import open_baseline
from vqinsight.baselines.systems import SYSTEMS
from vqinsight.errors import UsageError
from vqinsight.evaluation.asking import ask_all
from vqinsight.evaluation.benchmarks import WORLD, Exam, read_exam
from vqinsight.evaluation.judge import Judge
from vqinsight.evaluation.predictions import Header, PredictionFile
from vqinsight.evaluation.summary import summarise
from vqinsight.evaluation.tables import Results, Stored, fill
from vqinsight.judges import AssessorJudge
from vqinsight.report import terminal
from vqinsight.report.evaluated import Evaluated, write
from vqinsight.report.tabled import Tabled, show

REFERENCES = ("technical", "always_a")


def sit(name: str, judge: Judge, exam: Exam, work: Path) -> Stored:
    """One judge answers all questions; the result is stored under its digest, so that models never mix."""
    out = work / f"{judge.digest}.json"
    header = replace(Header.of(judge, exam.benchmark, exam.split), judge=name)
    file = PredictionFile(out.with_suffix(".predictions.parquet"), header)
    with terminal.counting(name, len(exam.examples), False) as count:
        rows = ask_all(judge, exam.examples, file, on_progress=count)
    run = Evaluated(header, summarise(rows), exam, shlex.join(["python", *sys.argv]))
    write(run, out, None)
    return Stored(out.name, run.as_dict())


def answers(stored: Stored) -> dict[str, Any]:
    """What the tables do not show: missing answers, ties, and what the order of showing did."""
    found = stored.content
    orders = found["pairs"]["orders"]
    return {
        "counts": found["counts"],
        "ties": found["pairs"]["scores"]["model_ties"],
        "pairs": found["pairs"]["scores"]["n"],
        "order_bias": orders["order_bias"] if orders else None,
        "consistent": orders["consistent"] if orders else None,
    }


def main() -> None:
    """Ask, print, and store with ``--json``."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+", metavar="NAME=MODEL", help="a row's name, and nano, a folder or a hub id")
    parser.add_argument("--count", type=int, default=400, help="clips to score, and as many pairs")
    parser.add_argument("--work", type=Path, default=Path("evaluations/world"))
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    named = [text.partition("=") for text in given.models]
    if not all(name and model for name, _, model in named) or len({name for name, *_ in named}) < len(named):
        parser.error("write NAME=MODEL, each name once")
    given.work.mkdir(parents=True, exist_ok=True)
    exam = read_exam(WORLD, None, tasks=["generated", "compare"], count=given.count)
    used: dict[str, Stored] = {}
    try:
        for name, _, model in named:
            used[name] = sit(name, AssessorJudge(load(model)), exam, given.work)
        for reference in REFERENCES:
            title = SYSTEMS[reference].title
            used[title] = sit(title, BaselineJudge(open_baseline(reference)), exam, given.work)
    except UsageError as error:
        sys.exit(f"Error: {error}")
    results = Results(tuple(used.values()), ())
    tabled = Tabled(tuple(filled for filled in fill(results) if filled.table.number is None), results)
    show(Console(width=160, markup=False, highlight=False, emoji=False), tabled)
    found = {
        "count": given.count,
        "models": {name: {"digest": each.content["digest"], **answers(each)} for name, each in used.items()},
        "tables": tabled.as_dict()["tables"],
    }
    keep(found, given.json)


if __name__ == "__main__":
    main()
