"""How far systems agree on the order of clips, and where they do not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import rankdata

from vqinsight.baselines.side_by_side import SystemResult
from vqinsight.evaluation.metrics.correlation import srcc
from vqinsight.tasks.types import Missing

FEWEST = 3  # clips of a rank correlation


@dataclass(frozen=True)
class Agreement:
    """Two systems.

    Attributes:
        a, b: their labels.
        n: clips that both rank.
        srcc: Spearman's correlation of their overall scores; ``None`` under ``FEWEST`` clips or where one is constant.
    """

    a: str
    b: str
    n: int
    srcc: float | None


@dataclass(frozen=True)
class Disagreement:
    """A clip that systems place differently.

    Attributes:
        place: of the clip, from 0.
        standing: by label, the share of ranked clips that the system finds worse, ties by half; 0 to 1.
        spread: largest difference of these.
    """

    place: int
    standing: dict[str, float]
    spread: float


def ranked(result: SystemResult) -> dict[int, float]:
    """Overall score by place of the clips that a system ranks.

    Overall scores of different dimensions do not compare: of several sets of dimensions the one with the most clips
    counts.
    """
    sets = {
        place: tuple(sorted(clip.scores))
        for place, clip in enumerate(result.clips)
        if not isinstance(clip.scores, Missing)
    }
    if not sets:
        return {}
    most = Counter(sets.values()).most_common(1)[0][0]
    overall = {place: result.clips[place].overall for place, dimensions in sets.items() if dimensions == most}
    return {place: value for place, value in overall.items() if value is not None}


def agreements(results: Sequence[SystemResult]) -> list[Agreement]:
    """Every pair of systems."""
    found, scores = [], [ranked(result) for result in results]
    for i, first in enumerate(results):
        for j in range(i + 1, len(results)):
            both = sorted(set(scores[i]) & set(scores[j]))
            a, b = (np.array([scores[k][place] for place in both]) for k in (i, j))
            value = srcc(a, b) if len(both) >= FEWEST else None
            found.append(Agreement(first.choice.label, results[j].choice.label, len(both), value))
    return found


def standings(result: SystemResult) -> dict[int, float]:
    """By place, the share of ranked clips that a system finds worse, ties by half; empty for a single clip."""
    scores = ranked(result)
    if len(scores) < 2:
        return {}
    ranks = (rankdata(list(scores.values())) - 1) / (len(scores) - 1)
    return dict(zip(scores, map(float, ranks), strict=True))


def disagreements(results: Sequence[SystemResult], most: int = 5) -> list[Disagreement]:
    """The clips that systems place most differently, the largest spread first."""
    every = {result.choice.label: standings(result) for result in results}
    found = []
    for place in range(len(results[0].clips) if results else 0):
        standing = {label: shares[place] for label, shares in every.items() if place in shares}
        if len(standing) > 1:
            found.append(Disagreement(place, standing, max(standing.values()) - min(standing.values())))
    return sorted(found, key=lambda each: -each.spread)[:most]
