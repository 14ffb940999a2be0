"""Comparison of models on held-out synthetic clips: python -m benchmarks.method.learning base=nano stage1=DIR …

Scores of generated clips against their exact quality, pairs in both orders, missing answers, and lengths, each with a
95 % bootstrap interval. These kinds of scene are in no training data. "By its words" is the exact quality of the
defects that the reasoning before each score names: it separates errors of perception from errors of scoring. "Median of
8" is the result of ``vqinsight score --samples 8``. "Outside text": the same pairs with a prompt that names nothing of
the synthetic set, as users' prompts do.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.results import keep
from vqinsight.datasets.synthetic import SyntheticExamples
from vqinsight.evaluation.metrics.bootstrap import Bootstrap, Measure, mean, percentile_interval, point, resample
from vqinsight.evaluation.metrics.correlation import FEWEST, correlate, score_difference
from vqinsight.evaluation.metrics.order_bias import both_orders
from vqinsight.evaluation.metrics.pairwise import side
from vqinsight.evaluation.predictor import Prediction
from vqinsight.inference.api import load
from vqinsight.inference.predictor import AssessorPredictor
from vqinsight.synthetic.captions import FACT_NAMES
from vqinsight.synthetic.describe import LEVELS, Defect, GroundTruth, read
from vqinsight.synthetic.generate import quality
from vqinsight.tasks.types import Example, Preference, Score

START = 2 * 10**12  # first seed of these clips; perception uses others
BATCH = 16
KEYS = ("spatial", "temporal", "alignment")
OTHER = {"spatial": "temporal", "temporal": "spatial"}  # a defect of one dimension can hide one of the other
BEST = 100.0
SAMPLES = 8


def answered(judge: AssessorPredictor, examples: Sequence[Example]) -> list[Prediction]:
    """The answer to each question, for pairs in both orders."""
    batches = (examples[begin : begin + BATCH] for begin in range(0, len(examples), BATCH))
    return [prediction for batch in batches for prediction in judge.answer(batch)]


def worded(text: str, key: str) -> float | None:
    """The exact quality, 0 to 100, of a clip with the defects or wrong facts that a reasoning names."""
    heard = read(text)
    if key == "alignment":
        return None if heard.wrong is None else 100 * (1 - len(heard.wrong) / len(FACT_NAMES))
    said = heard.spatial if key == "spatial" else heard.temporal
    if said is None:
        return None
    kind, level = said
    defect = Defect(kind, (level - 0.5) / len(LEVELS)) if level else None
    return quality(GroundTruth(None, "still", defect, defect, None))[key]


def share(right: Sequence[float]) -> Measure:
    """A mean with its interval."""
    statistic = mean(np.array(right, dtype=float))
    drawn = resample({"mean": statistic}, len(right), Bootstrap())["mean"]
    return Measure(point(statistic, len(right)), percentile_interval(drawn, 0.95))


def compared(sitting: AssessorPredictor, pairs: int, *, outside: float) -> tuple[dict[str, Measure], list[bool]]:
    """Figures of pairs in both orders, and for every single answer whether it is missing."""
    drawn = SyntheticExamples("compare", "held_out", START, pairs, outside=outside)
    examples = [e for e in drawn if e.answer != Preference("tie")]
    verdicts = answered(sitting, examples)
    asked = [(e.answer, v) for e, v in zip(examples, verdicts, strict=True) if isinstance(e.answer, Preference)]
    right = [((v.forward == a.choice) + (v.swapped == a.swap().choice)) / 2 for a, v in asked]
    decided = [v.margin == side(a) for a, v in asked if v.margin]
    forward = [Preference(v.forward) if v.forward else None for v in verdicts]
    swapped = [Preference(v.swapped) if v.swapped else None for v in verdicts]
    rows = {
        "pairs right, both orders": share(right),
        "pairs decided, in both orders": Measure(len(decided) / len(examples)),
        "decided pairs right": share(decided) if len(decided) > 1 else Measure(None),
        "order bias": both_orders(forward, swapped).order_bias,
    }
    return rows, [choice is None for v in verdicts for choice in (v.forward, v.swapped)]


def judge(model: str, clips: int, pairs: int) -> dict[str, Any]:
    """All figures of one model; ``predictions`` has the raw numbers for comparisons between models."""
    loaded = load(model)
    sitting, tokenizer = AssessorPredictor(loaded), loaded.assessor.loaded.tokenizer
    scored = list(SyntheticExamples("generated", "held_out", START, clips))
    said, drawn = answered(sitting, scored), answered(AssessorPredictor(loaded, samples=SAMPLES), scored)
    rows: dict[str, Any] = {}
    predictions: dict[str, list[float | None]] = {}
    for key in KEYS:
        mine = [
            (example.answer.values, prediction, several)
            for example, prediction, several in zip(scored, said, drawn, strict=True)
            if isinstance(example.answer, Score) and key in example.answer.values
        ]
        labels = [truth[key] for truth, _, _ in mine]
        predictions[key] = [(prediction.scores or {}).get(key) for _, prediction, _ in mine]
        result = correlate(predictions[key], labels)
        rows |= {f"{key} {name}": getattr(result, name) for name in ("srcc", "plcc", "mae")}
        if key in OTHER:
            alone = [place for place, (truth, _, _) in enumerate(mine) if truth[OTHER[key]] == BEST]
            of = correlate([predictions[key][place] for place in alone], [labels[place] for place in alone])
            rows[f"{key} srcc, no {OTHER[key]} defect"] = of.srcc
        words = [worded(prediction.texts[0], key) if prediction.texts else None for _, prediction, _ in mine]
        spoken = sum(word is not None for word in words)  # after supervised training there is no reasoning
        rows[f"{key} srcc, by its words"] = correlate(words, labels).srcc if spoken >= FEWEST else Measure(None)
        medians = [(several.scores or {}).get(key) for _, _, several in mine]
        rows[f"{key} srcc, median of {SAMPLES}"] = correlate(medians, labels).srcc
    own, silent = compared(sitting, pairs, outside=0)
    other, _ = compared(sitting, pairs, outside=1)
    silent += [p.outcome == "missing" for p in said]
    rows |= own | {f"{name}, outside text": value for name, value in other.items()}
    rows |= {
        "missing answers": share(silent),
        "tokens a score": share([len(tokenizer(text)["input_ids"]) for p in said for text in p.texts]),
    }
    return {"rows": rows, "predictions": predictions, "digest": sitting.digest}


def main() -> None:
    """Print the table; ``--json FILE`` also stores it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+", metavar="NAME=MODEL")
    parser.add_argument("--clips", type=int, default=400)
    parser.add_argument("--pairs", type=int, default=200)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    named = dict(model.split("=", 1) for model in given.models)
    found = {name: judge(model, given.clips, given.pairs) for name, model in named.items()}
    table = Table(title=f"{given.clips} held-out clips, {given.pairs} pairs")
    table.add_column("")
    for name in found:
        table.add_column(name)
    for row in next(iter(found.values()))["rows"]:
        table.add_row(row, *(_shown(each["rows"][row]) for each in found.values()))
    Console(width=160).print(table)
    differences: dict[str, dict[str, Any]] = {}
    names = list(found)
    labels = {
        key: [e.answer.values[key] for e in SyntheticExamples("generated", "held_out", START, given.clips)
              if isinstance(e.answer, Score) and key in e.answer.values]
        for key in KEYS
    }  # fmt: skip
    for later in names[1:]:
        for key in KEYS:
            for metric in ("srcc", "mae"):
                first, second = found[names[0]]["predictions"][key], found[later]["predictions"][key]
                gain = score_difference(second, first, labels[key], metric=metric)
                differences[f"{later} - {names[0]}: {key} {metric}"] = asdict(gain.difference)
    for name, stored_gain in differences.items():
        interval = stored_gain["interval"]
        print(f"{name}: {stored_gain['value']:+.3f} ({interval['low']:+.3f} to {interval['high']:+.3f})")
    stored = {
        "seed": START,
        "models": {
            name: {"digest": each["digest"], "rows": {row: asdict(value) for row, value in each["rows"].items()}}
            for name, each in found.items()
        },
        "differences": differences,
    }
    keep(stored, given.json)


def _shown(value: Measure) -> str:
    if value.value is None:
        return "undefined"
    interval = f" ({value.interval.low:.3f} to {value.interval.high:.3f})" if value.interval else ""
    return f"{value.value:.3f}{interval}"


if __name__ == "__main__":
    main()
