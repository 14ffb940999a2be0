"""Tables 1 and 2 on synthetic clips: python -m benchmarks.method.synthetic_tables "nano=runs/stage2/final" base=nano

Every model named, the technical score and always-A answer the same held-out clips (scores) and pairs (which is
better). These kinds of scene are in no training data. Predictions and figures are stored under ``--work``, one item per
row: an interrupted run resumes from there, and only new or replaced models are evaluated.
"""

from __future__ import annotations

import argparse
import shlex
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from rich.console import Console

from benchmarks.results import keep
from vqinsight.baselines.catalog import SYSTEMS
from vqinsight.baselines.open import open_baseline
from vqinsight.baselines.predictor import BaselinePredictor
from vqinsight.errors import UsageError
from vqinsight.evaluation.benchmarks import SYNTHETIC, BenchmarkData, load_benchmark
from vqinsight.evaluation.fill_tables import Results, StoredResult, fill
from vqinsight.evaluation.prediction_file import Header, PredictionFile
from vqinsight.evaluation.predictor import Predictor
from vqinsight.evaluation.run import run_benchmark
from vqinsight.evaluation.summary import summarise
from vqinsight.inference.api import load
from vqinsight.inference.predictor import AssessorPredictor
from vqinsight.report import progress
from vqinsight.report.evaluation_report import EvaluationRun, write
from vqinsight.report.paper_tables import RenderedTables, show

REFERENCES = ("technical", "always_a")


def sit(name: str, judge: Predictor, probe: BenchmarkData, work: Path) -> StoredResult:
    """Evaluate one system; the result is stored under its digest, so that models never mix."""
    out = work / f"{judge.digest}.json"
    header = replace(Header.of(judge, probe.benchmark, probe.split), judge=name)
    file = PredictionFile(out.with_suffix(".predictions.parquet"), header)
    with progress.counting(name, len(probe.examples), False) as count:
        rows = run_benchmark(judge, probe.examples, file, on_progress=count)
    run = EvaluationRun(header, summarise(rows), probe, shlex.join(["python", *sys.argv]))
    write(run, out, None)
    return StoredResult(out.name, run.as_dict())


def answers(stored: StoredResult) -> dict[str, Any]:
    """Figures beside the tables: missing answers, ties, and the effect of the order."""
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
    """Evaluate, print, and store with ``--json``."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+", metavar="NAME=MODEL", help="a row's name, and nano, a folder or a hub id")
    parser.add_argument("--count", type=int, default=400, help="clips to score, and as many pairs")
    parser.add_argument("--work", type=Path, default=Path("evaluations/synthetic"))
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    named = [text.partition("=") for text in given.models]
    if not all(name and model for name, _, model in named) or len({name for name, *_ in named}) < len(named):
        parser.error("write NAME=MODEL, each name once")
    given.work.mkdir(parents=True, exist_ok=True)
    probe = load_benchmark(SYNTHETIC, None, tasks=["generated", "compare"], count=given.count)
    used: dict[str, StoredResult] = {}
    try:
        for name, _, model in named:
            used[name] = sit(name, AssessorPredictor(load(model)), probe, given.work)
        for reference in REFERENCES:
            title = SYSTEMS[reference].title
            used[title] = sit(title, BaselinePredictor(open_baseline(reference)), probe, given.work)
    except UsageError as error:
        sys.exit(f"Error: {error}")
    results = Results(tuple(used.values()), ())
    tabled = RenderedTables(tuple(filled for filled in fill(results) if filled.table.number is None), results)
    show(Console(width=160, markup=False, highlight=False, emoji=False), tabled)
    found = {
        "count": given.count,
        "models": {name: {"digest": each.content["digest"], **answers(each)} for name, each in used.items()},
        "tables": tabled.as_dict()["tables"],
    }
    keep(found, given.json)


if __name__ == "__main__":
    main()
