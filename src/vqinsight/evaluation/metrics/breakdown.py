"""Metrics by dimension, by generator (for its bias), and within each content."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from vqinsight.errors import UsageError
from vqinsight.evaluation.metrics.bootstrap import (
    DEFAULT,
    Bootstrap,
    Measure,
    mean,
    percentile_interval,
    point,
    resample,
    share,
)
from vqinsight.evaluation.metrics.correlation import FEWEST, Correlations, enough, measure, srcc
from vqinsight.evaluation.metrics.join import Number, known, predicted

Column = tuple[Sequence[float | None], Sequence[float], Sequence[str | None]]  # predictions, labels, sources
_AGAINST = " vs "  # between the two generators of a pair in a dataset's source
_AVERAGED = ("srcc", "krcc", "plcc", "plcc_logistic")


@dataclass(frozen=True)
class DimensionTable:
    """Several dimensions of the same clips.

    Attributes:
        dimensions: by dimension key.
        mean: "srcc", "krcc", "plcc" and "plcc_logistic" averaged over the dimensions, as in Table 4; a resample draws
            clips, with all their dimensions. ``None`` where a dimension has none.
        pooled: the values of all dimensions together; meaningful only where the dimensions share a scale. A resample
            draws clips here too.
    """

    dimensions: dict[str, Correlations]
    mean: dict[str, Measure]
    pooled: Correlations


@dataclass(frozen=True)
class WithinGroups:
    """SRCC within each group, averaged over groups.

    Attributes:
        srcc: the mean; a resample draws groups.
        groups: number of groups in the mean.
        small: groups left out because fewer than three items have a prediction.
        constant: groups left out because their labels or predictions are all equal.
        missing: items without a usable prediction.
    """

    srcc: Measure
    groups: int
    small: int
    constant: int
    missing: int
    warnings: tuple[str, ...] = ()


def correlate_dimensions(
    predictions: Mapping[str, Sequence[Number]],
    labels: Mapping[str, Sequence[float]],
    *,
    clusters: Sequence[Hashable] | None = None,
    bootstrap: Bootstrap | None = DEFAULT,
) -> DimensionTable:
    """Each dimension, their mean and all pooled; columns are parallel, (n,) each (see ``join.columns``).

    Raises:
        UsageError: the two sides name different dimensions, or as for ``correlate``, naming the dimension.
    """
    if set(predictions) != set(labels) or not labels:
        raise UsageError(f"dimensions differ: predicted {sorted(predictions)}, labelled {sorted(labels)}")
    sizes = {len(column) for column in (*predictions.values(), *labels.values())}
    if len(sizes) > 1:
        raise UsageError(f"columns of different lengths: {sorted(sizes)}. Every clip needs a row in each.")
    rows = sizes.pop()
    drawn_together = list(range(rows)) if clusters is None else list(clusters)
    each, samples = {}, []
    for key in labels:
        each[key], drawn = measure(predictions[key], labels[key], clusters, bootstrap)
        enough(each[key].n, each[key].missing, f"{key}: ")
        samples.append(drawn)
    averages = {}
    for name in _AVERAGED:
        values = [getattr(found, name).value for found in each.values()]
        interval = None
        if bootstrap is not None and None not in values:
            means = np.mean([drawn[name] for drawn in samples], axis=0)
            interval = percentile_interval(means, bootstrap.level)
        averages[name] = Measure(None if None in values else float(np.mean(values)), interval)
    heap_p = [value for key in labels for value in predictions[key]]
    heap_l = [value for key in labels for value in labels[key]]
    pooled, _ = measure(heap_p, heap_l, drawn_together * len(labels), bootstrap)
    return DimensionTable(each, averages, pooled)


def correlate_groups(
    predictions: Sequence[Number],
    labels: Sequence[float],
    groups: Sequence[str],
    *,
    bootstrap: Bootstrap | None = DEFAULT,
) -> dict[str, Correlations]:
    """``correlate`` for each group, such as each generator. Too small a group has ``None`` figures and a warning.

    Raises:
        UsageError: unequal lengths, or a label that is no number.
    """
    y = known(labels)
    predicted(predictions, y)
    if len(groups) != len(y):
        raise UsageError(f"{len(groups)} groups for {len(y)} labels")
    parts = {}
    for name in sorted(set(groups)):
        rows = [row for row, group in enumerate(groups) if group == name]
        parts[name], _ = measure([predictions[row] for row in rows], y[rows].tolist(), None, bootstrap)
    return parts


def within_groups(
    predictions: Sequence[Number],
    labels: Sequence[float],
    groups: Sequence[Hashable],
    *,
    bootstrap: Bootstrap | None = DEFAULT,
) -> WithinGroups:
    """The mean over groups (contents, prompts) of the SRCC within a group.

    Raises:
        UsageError: unequal lengths, or a label that is no number.
    """
    y = known(labels)
    x, said = predicted(predictions, y)
    if len(groups) != len(y):
        raise UsageError(f"{len(groups)} groups for {len(y)} labels")
    members: dict[Hashable, list[int]] = {}
    for row, group in enumerate(groups):
        members.setdefault(group, []).append(row)
    usable = [[row for row in rows if np.isfinite(x[row])] for rows in members.values()]
    large = [rows for rows in usable if len(rows) >= FEWEST]
    found = [srcc(x[rows], y[rows]) for rows in large]
    values = np.array([value for value in found if value is not None])
    small, constant = len(usable) - len(large), len(large) - len(values)
    notes = list(said)
    if small:
        notes.append(f"{small} of {len(usable)} groups have fewer than {FEWEST} items with a prediction and are out")
    if constant:
        notes.append(f"{constant} of {len(usable)} groups have equal labels or equal predictions only and are out")
    interval = None
    if bootstrap is not None and len(values) > 1:
        interval = percentile_interval(
            resample({"mean": mean(values)}, len(values), bootstrap)["mean"], bootstrap.level
        )
    average = Measure(float(values.mean()) if len(values) else None, interval)
    return WithinGroups(average, len(values), small, constant, int(np.isnan(x).sum()), tuple(notes))


@dataclass(frozen=True)
class ScoreSource:
    """One source on one dimension.

    Attributes:
        n: items with a prediction; ``missing``: those without.
        srcc: within the source.
        judge_mean, label_mean: over the n items, on the judge's range; ``None`` without any.
    """

    source: str
    dimension: str
    n: int
    missing: int
    srcc: Measure
    judge_mean: float | None
    label_mean: float | None


@dataclass(frozen=True)
class PairSource:
    """One generator in the pairs it takes part in.

    Attributes:
        n: pairs.
        diff: share of correct verdicts among pairs without a human tie.
        judge_wins, label_wins: share of pairs in which it is chosen, a tie counting half; a missing answer is a tie.
    """

    source: str
    n: int
    diff: Measure
    judge_wins: float
    label_wins: float


def score_sources(columns: Mapping[str, Column], bootstrap: Bootstrap | None) -> tuple[ScoreSource, ...]:
    """Each source on each dimension; nothing unless there are at least two sources."""
    names = sorted({source for _, _, sources in columns.values() for source in sources if source is not None})
    if len(names) < 2:
        return ()
    rows = []
    for name in names:
        for key, (predictions, labels, sources) in columns.items():
            mine = [(p, y) for p, y, source in zip(predictions, labels, sources, strict=True) if source == name]
            if not mine:
                continue
            found, _ = measure([p for p, _ in mine], [y for _, y in mine], None, bootstrap)
            given = [(p, y) for p, y in mine if p is not None]
            means = np.mean(given, axis=0).tolist() if given else (None, None)
            rows.append(ScoreSource(name, key, found.n, found.missing, found.srcc, *means))
    return tuple(rows)


def pair_sources(
    sources: Sequence[str | None], margins: Sequence[float | None], humans: Sequence[int], bootstrap: Bootstrap | None
) -> tuple[PairSource, ...]:
    """Each generator of pairs whose source reads ``left vs right``; nothing where none does."""
    sides: dict[str, list[tuple[int, int]]] = {}
    for source, margin, human in zip(sources, margins, humans, strict=True):
        left, against, right = (source or "").partition(_AGAINST)
        if not against or left == right:
            continue
        said = int(np.sign(margin or 0.0))
        sides.setdefault(left, []).append((said, human))
        sides.setdefault(right, []).append((-said, -human))
    rows = []
    for name in sorted(sides):
        said, human = np.array(sides[name]).T
        statistic = share((said == human) & (human != 0), human != 0)
        interval = None
        if bootstrap is not None:
            interval = percentile_interval(resample({"diff": statistic}, len(said), bootstrap)["diff"], bootstrap.level)
        diff = Measure(point(statistic, len(said)), interval)
        rows.append(PairSource(name, len(said), diff, float((said + 1).mean() / 2), float((human + 1).mean() / 2)))
    return tuple(rows)
