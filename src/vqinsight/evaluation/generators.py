"""The same figures by who made the clips: is a generator judged too kindly?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from vqinsight.evaluation.correlation import measure
from vqinsight.evaluation.resampling import Bootstrap, Measure, percentile_interval, point, resample, share

Column = tuple[Sequence[float | None], Sequence[float], Sequence[str | None]]  # predictions, labels, sources
_AGAINST = " vs "  # between the two generators of a pair, as datasets write it


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
        diff: right verdicts among those that people decided.
        judge_wins, label_wins: how often it was chosen, a tie counting half; a missing answer is a tie.
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
