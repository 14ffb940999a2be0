"""Figures from answers: those of ``vqinsight evaluate``, computed by the same functions.

An answer without a usable value counts as there: it is left out of correlations, and in pairs it is wrong. A pair of
which one order alone was asked, as ``--limit`` may leave it, is in no figure.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from vqinsight.evaluation.metrics.bootstrap import Measure
from vqinsight.evaluation.metrics.correlation import Correlations
from vqinsight.evaluation.metrics.pairwise import PairScores
from vqinsight.evaluation.predictor import PredictedExample, Prediction, from_orders
from vqinsight.evaluation.summary import Summary, summarise
from vqinsight.lmms_eval.questions import Doc, example_of, wording
from vqinsight.tasks.types import Choice, Missing, Preference, Question, Score

# Begins the answer of a model that could not read a clip; such a question is in no figure, and counted.
UNREADABLE = "vqinsight: a clip cannot be read: "
COUNTS = ("missing", "unreadable")
CORRELATIONS = ("srcc", "krcc", "plcc", "plcc_logistic")
AGREEMENT = ("tau_va", "tau_deutsch", "diff", "diff_model_decided", "accuracy")
DIMENSIONS = ("spatial", "temporal", "alignment")
FIGURES: dict[str, tuple[str, ...]] = {
    "natural": (*CORRELATIONS, *COUNTS),
    "generated": (*CORRELATIONS, *(f"{key}_{name}" for key in DIMENSIONS for name in CORRELATIONS), *COUNTS),
    "compare": (*AGREEMENT, *COUNTS),
}
Item = dict[str, Any]
_last: list[Any] = []  # the items of the last summary, and the summary


def results(doc: Doc, answers: Sequence[str]) -> dict[str, Item]:
    """lmms-eval's ``process_results``: the row and its answer under the name of each figure."""
    item = {"doc": dict(doc), "answer": answers[0]}
    return dict.fromkeys(FIGURES[doc["task"]], item)


def figure(name: str) -> Callable[[Sequence[Item]], float]:
    """lmms-eval's ``aggregation``: a figure of ``FIGURES`` from all items; NaN where it is undefined."""

    def aggregate(items: Sequence[Item]) -> float:
        summary = _summary(items)
        value = _value(summary, name) if summary.asked else None
        return math.nan if value is None else float(value)

    return aggregate


def predicted(items: Sequence[Item]) -> list[PredictedExample]:
    """The examples with their predictions, in the order of the items; the two orders of a pair are joined."""
    back = {item["doc"]["id"]: item["answer"] for item in items if item["doc"]["order"] == "ba"}
    found = []
    for doc, answer in ((item["doc"], item["answer"]) for item in items):
        example = example_of(doc)
        if not doc["order"]:
            found.append(PredictedExample(example, _score(example.question, answer)))
        elif doc["order"] == "ab" and doc["id"] in back:
            found.append(PredictedExample(example, _pair(example.question, answer, back[doc["id"]])))
    return found


def _summary(items: Sequence[Item]) -> Summary:
    """lmms-eval asks for one figure after the other of the same items: the last summary is kept."""
    if not _last or len(_last[0]) != len(items) or any(a is not b for a, b in zip(_last[0], items, strict=True)):
        _last[:] = [list(items), summarise(predicted(items), bootstrap=None)]
    found: Summary = _last[1]
    return found


def _unreadable(*answers: str) -> Prediction | None:
    bad = dict.fromkeys(answer.removeprefix(UNREADABLE) for answer in answers if answer.startswith(UNREADABLE))
    return Prediction("unreadable", reason=" | ".join(bad)) if bad else None


def _score(question: Question, answer: str) -> Prediction:
    said = wording().parse(question, answer)
    if not isinstance(said, Score):
        reason = said.reason if isinstance(said, Missing) else None
        return _unreadable(answer) or Prediction("missing", reason=reason, texts=(answer,))
    ranges = {dim.key: (dim.low, dim.high) for dim in wording().dimensions(question)}
    return Prediction(scores=said.values, ranges=ranges, texts=(answer,), missing_dimensions=said.missing)


def _pair(question: Question, forward: str, backward: str) -> Prediction:
    choices: list[Choice | None] = []
    reasons = []
    for order, answer in (("a, b", forward), ("b, a", backward)):
        said = wording().parse(question, answer)
        choices.append(said.choice if isinstance(said, Preference) else None)
        if isinstance(said, Missing):
            reasons.append(f"{order}: {said.reason}")
    joined = from_orders(*choices, reason="; ".join(reasons) or None, texts=(forward,), swapped_texts=(backward,))
    return _unreadable(forward, backward) or joined


def _value(summary: Summary, name: str) -> float | None:
    if name in COUNTS:
        return float(getattr(summary, name))
    if summary.pairs is not None:
        return _point(summary.pairs.scores, name)
    if not summary.scores:
        return None
    [task] = summary.scores
    key, _, metric = name.partition("_")
    if key in task.dimensions:
        return _point(task.dimensions[key], metric)
    if len(task.dimensions) > 1:
        return task.mean[name].value if name in task.mean else None
    [only] = task.dimensions.values()
    return _point(only, name)


def _point(figures: Correlations | PairScores, name: str) -> float | None:
    measured: Measure = getattr(figures, name)
    return measured.value
