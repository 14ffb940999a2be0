"""Figures from predictions: correlations of scores, agreement on pairs, accuracy on yes/no questions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from vqinsight.evaluation.metrics.bootstrap import (
    DEFAULT,
    Bootstrap,
    Measure,
    mean,
    percentile_interval,
    point,
    resample,
)
from vqinsight.evaluation.metrics.breakdown import (
    PairSource,
    ScoreSource,
    correlate_dimensions,
    pair_sources,
    score_sources,
)
from vqinsight.evaluation.metrics.correlation import FEWEST, Correlations, measure
from vqinsight.evaluation.metrics.order_bias import OrderReport, both_orders
from vqinsight.evaluation.metrics.pairwise import PairScores, score_pairs, side
from vqinsight.evaluation.predictor import PredictedExample
from vqinsight.tasks.labels import SCORING_TASKS, rescale_label
from vqinsight.tasks.types import Dimension, Preference, Score, TaskName, Verdict

Range = tuple[float, float]
FEWEST_GROUPS = 5  # resamples of fewer groups give no meaningful interval


@dataclass(frozen=True)
class Points:
    """One dimension of the items of one task, for metrics and plots.

    Attributes:
        range: the ends of the predictor's scale; ``None`` if it has none, so that labels keep theirs.
        predictions: (n,) predicted values, ``None`` for a missing answer.
        labels: (n,) human labels, rescaled to ``range`` linearly.
        sources: (n,) generators of the clips.
        groups: (n,) groups that a resample draws together.
    """

    range: Range | None
    predictions: tuple[float | None, ...]
    labels: tuple[float, ...]
    sources: tuple[str | None, ...]
    groups: tuple[Hashable, ...]


@dataclass(frozen=True)
class ScoreFigures:
    """One scoring task.

    Attributes:
        points, dimensions: the values, and their figures, by dimension.
        mean: SRCC, KRCC and both PLCC averaged over the dimensions; empty for a single one.
        sources: breakdown by generator; empty where it is unknown or the same for all clips.
    """

    task: TaskName
    points: dict[str, Points]
    dimensions: dict[str, Correlations]
    mean: dict[str, Measure]
    sources: tuple[ScoreSource, ...]


@dataclass(frozen=True)
class PairFigures:
    """Pairs: agreement with human votes; effect of the order, where both are asked; and breakdown by generator."""

    scores: PairScores
    orders: OrderReport | None
    sources: tuple[PairSource, ...]


@dataclass(frozen=True)
class VerdictFigures:
    """Yes/no questions.

    Attributes:
        n, missing: number of questions, and of those without an answer, which count as wrong.
        accuracy: share of correct answers.
        yes, people_yes: share of "yes" among predictions and labels; always giving the more frequent label has accuracy
            max(people_yes, 1 - people_yes).
    """

    n: int
    missing: int
    accuracy: Measure
    yes: float | None
    people_yes: float


@dataclass(frozen=True)
class Summary:
    """All figures of a run.

    Attributes:
        asked, ok, missing, unreadable: numbers of questions; unreadable ones are in no figure, missing answers in all.
        scores, pairs, verdicts: figures of the tasks that occur.
        reasons: reasons of missing answers, and of answers that miss a dimension, with their number, the most frequent
            first.
        bad_clips: unreadable clips, with the reason.
        notes: remarks on the figures.
    """

    asked: int
    ok: int
    missing: int
    unreadable: int
    scores: tuple[ScoreFigures, ...] = ()
    pairs: PairFigures | None = None
    verdicts: VerdictFigures | None = None
    reasons: tuple[tuple[str, int], ...] = ()
    bad_clips: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def measured(self) -> bool:
        """Whether there is any figure."""
        found = [c.srcc.value for task in self.scores for c in task.dimensions.values()]
        return bool(self.pairs or self.verdicts) or any(value is not None for value in found)


def summarise(rows: Sequence[PredictedExample], *, bootstrap: Bootstrap | None = DEFAULT) -> Summary:
    """The figures of all rows. Where examples have groups (prompts), a resample draws whole groups.

    Never raises because of predictions: constant or missing ones give undefined figures with the reason.
    """
    usable = [row for row in rows if row.prediction.outcome != "unreadable"]
    missing = [row for row in usable if row.prediction.outcome == "missing"]
    pairs = [row for row in usable if isinstance(row.example.answer, Preference)]
    verdicts = [row for row in usable if isinstance(row.example.answer, Verdict)]
    tasks = dict.fromkeys(row.example.question.task for row in usable)
    notes = []
    for task in tasks:
        groups = [_group(row) for row in usable if row.example.question.task == task]
        if len(set(groups)) < len(groups):
            notes.append(
                f"{task}: intervals draw whole groups, as the items of one prompt are not independent; there are "
                f"{len(set(groups))} groups, and with fewer than {FEWEST_GROUPS} answered no interval is given"
            )
    reasons = Counter(row.prediction.reason or "no reason given" for row in missing)
    reasons.update(f"{key}: {why}" for row in usable for key, why in row.prediction.missing_dimensions.items())
    bad = dict.fromkeys(row.prediction.reason or "" for row in rows if row.prediction.outcome == "unreadable")
    return Summary(
        asked=len(rows),
        ok=len(usable) - len(missing),
        missing=len(missing),
        unreadable=len(rows) - len(usable),
        scores=tuple(_scores(task, usable, bootstrap) for task in tasks if task in SCORING_TASKS),
        pairs=_pairs(pairs, bootstrap) if pairs else None,
        verdicts=_verdicts(verdicts, bootstrap) if verdicts else None,
        reasons=tuple(reasons.most_common()),
        bad_clips=tuple(bad),
        notes=tuple(notes),
    )


def _scores(task: TaskName, rows: Sequence[PredictedExample], bootstrap: Bootstrap | None) -> ScoreFigures:
    mine = [row for row in rows if row.example.question.task == task]
    keys = dict.fromkeys(
        key for row in mine if isinstance(row.example.answer, Score) for key in row.example.answer.values
    )
    points = {key: _points(key, mine) for key in keys}  # a row without a value is missing in that dimension alone
    dimensions = {}
    for key, column in points.items():
        answered = [value is not None for value in column.predictions]
        clusters, drawn = _drawing(column.groups, answered, bootstrap)
        found, _ = measure(column.predictions, column.labels, clusters, drawn)
        if column.range is None:
            found = replace(found, rmse=Measure(None), mae=Measure(None))
        dimensions[key] = found
    sources = score_sources({key: (c.predictions, c.labels, c.sources) for key, c in points.items()}, bootstrap)
    return ScoreFigures(task, points, dimensions, _mean(mine, points, dimensions, bootstrap), sources)


def _points(key: str, rows: Sequence[PredictedExample]) -> Points:
    """The rows that have a label for this dimension."""
    labelled = [(row, row.example.answer) for row in rows if isinstance(row.example.answer, Score)]
    mine = [(row, answer) for row, answer in labelled if key in answer.values]
    ranges = {row.prediction.ranges[key] for row, _ in mine if row.prediction.ranges and key in row.prediction.ranges}
    known = ranges.pop() if len(ranges) == 1 else None
    labels = []
    for row, answer in mine:
        wanted = [Dimension(key, *known, "")] if known is not None else []
        moved = rescale_label(answer, row.example.scale, wanted) if known is not None else answer
        assert isinstance(moved, Score)
        labels.append(moved.values[key])
    return Points(
        known,
        tuple((row.prediction.scores or {}).get(key) for row, _ in mine),
        tuple(labels),
        tuple(row.example.source for row, _ in mine),
        tuple(_group(row) for row, _ in mine),
    )


def _mean(
    rows: Sequence[PredictedExample],
    points: dict[str, Points],
    dimensions: dict[str, Correlations],
    bootstrap: Bootstrap | None,
) -> dict[str, Measure]:
    """Means over the dimensions; an item that lacks one is in the resamples of the others."""
    if len(points) < 2 or any(found.n < FEWEST for found in dimensions.values()):
        return {}
    predictions: dict[str, list[float | None]] = {key: [] for key in points}
    labels: dict[str, list[float]] = {key: [] for key in points}
    places = dict.fromkeys(points, 0)
    for row in rows:
        assert isinstance(row.example.answer, Score)
        for key, column in points.items():
            has = key in row.example.answer.values
            predictions[key].append(column.predictions[places[key]] if has else None)
            labels[key].append(column.labels[places[key]] if has else 0.0)
            places[key] += has
    answered = [row.prediction.scores is not None for row in rows]
    clusters, drawn = _drawing([_group(row) for row in rows], answered, bootstrap)
    return correlate_dimensions(predictions, labels, clusters=clusters, bootstrap=drawn).mean


def _pairs(rows: Sequence[PredictedExample], bootstrap: Bootstrap | None) -> PairFigures:
    answers = [row.example.answer for row in rows]
    humans = [side(answer) for answer in answers if isinstance(answer, Preference)]
    margins = [row.prediction.margin for row in rows]
    clusters, drawn = _drawing([_group(row) for row in rows], [True] * len(rows), bootstrap)
    found = score_pairs(margins, humans, clusters=clusters, bootstrap=drawn)
    orders = None
    shown = [(row.prediction.forward, row.prediction.swapped) for row in rows]
    if any(forward or swapped for forward, swapped in shown):
        forwards = [Preference(forward) if forward else None for forward, _ in shown]
        swaps = [Preference(swapped) if swapped else None for _, swapped in shown]
        orders = both_orders(forwards, swaps, clusters=clusters, bootstrap=drawn)
    return PairFigures(found, orders, pair_sources([row.example.source for row in rows], margins, humans, bootstrap))


def _verdicts(rows: Sequence[PredictedExample], bootstrap: Bootstrap | None) -> VerdictFigures:
    labels = [row.example.answer.yes for row in rows if isinstance(row.example.answer, Verdict)]
    said = [row.prediction.yes for row in rows]
    statistic = mean(np.array([answer == label for answer, label in zip(said, labels, strict=True)], np.float64))
    interval = None
    clusters, allowed = _drawing([_group(row) for row in rows], [True] * len(rows), bootstrap)
    if allowed is not None:
        drawn = resample({"accuracy": statistic}, len(rows), allowed, clusters)
        interval = percentile_interval(drawn["accuracy"], allowed.level)
    given = [answer for answer in said if answer is not None]
    return VerdictFigures(
        n=len(rows),
        missing=len(said) - len(given),
        accuracy=Measure(point(statistic, len(rows)), interval),
        yes=sum(given) / len(given) if given else None,
        people_yes=sum(labels) / len(labels),
    )


def _group(row: PredictedExample) -> Hashable:
    """The group of an item; an item without one is its own group."""
    return ("group", row.example.group) if row.example.group is not None else ("item", row.example.id)


def _drawing(
    groups: Sequence[Hashable], answered: Sequence[bool], bootstrap: Bootstrap | None
) -> tuple[Sequence[Hashable] | None, Bootstrap | None]:
    """What a resample draws: groups, where one has two members, else items. Too few groups give no interval."""
    if len(set(groups)) == len(groups):
        return None, bootstrap
    mine = {group for group, has in zip(groups, answered, strict=True) if has}
    return groups, bootstrap if len(mine) >= FEWEST_GROUPS else None
