"""Figures of a system on rated clips: pairs in order, rank correlations, and a ridge fit that leaves its prompt out.

Intervals resample whole prompts, as clips of one prompt are not independent.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from benchmarks.nano.rated_clips import Pair, RatedClip, same_prompt_pairs
from vqinsight.evaluation.metrics.bootstrap import (
    DEFAULT,
    Measure,
    Statistic,
    percentile_interval,
    point,
    resample,
    share,
)
from vqinsight.evaluation.metrics.fast_bootstrap import spearman

Answers = Mapping[str, Mapping[str, float]]  # by clip: spatial, temporal, quality, alignment; a clip may be missing
# What is compared with a rating; a system without it is taken by its quality.
SCORE = {"static": "spatial", "temporal": "temporal", "quality": "quality", "alignment": "alignment"}
PENALTIES = (1.0, 3.0, 10.0, 30.0, 100.0, 300.0)


def measure(statistic: Statistic, clusters: Sequence[str]) -> dict[str, Any]:
    """Value and 95 % interval over whole clusters; no interval with one cluster."""
    value, interval = point(statistic, len(clusters)), None
    if value is not None and len(set(clusters)) > 1:
        drawn = resample({"": statistic}, len(clusters), DEFAULT, clusters)[""]
        interval = percentile_interval(drawn, DEFAULT.level)
    return asdict(Measure(value, interval))


def score_of(answers: Answers, clip: str, rating: str) -> float | None:
    """What a system says of a clip for a rating."""
    said = answers.get(clip, {})
    return said.get(SCORE[rating], said.get("quality"))


def margins(answers: Answers, pairs: Sequence[Pair], rating: str) -> list[float | None]:
    """By how much ``a`` is ahead; ``None`` where a clip has no answer."""
    found: list[float | None] = []
    for pair in pairs:
        a, b = score_of(answers, pair.a, rating), score_of(answers, pair.b, rating)
        found.append(None if a is None or b is None else a - b)
    return found


def pair_figures(pairs: Sequence[Pair], ahead: Sequence[float | None]) -> dict[str, Any]:
    """Share of pairs in order: a tie counts a half, a missing answer is left out; both are counted."""
    kept = [(pair, margin) for pair, margin in zip(pairs, ahead, strict=True) if margin is not None]
    right = np.array([(1 + pair.better * np.sign(margin)) / 2 for pair, margin in kept])
    counts = {"n": len(kept), "ties": sum(margin == 0 for _, margin in kept), "missing": len(pairs) - len(kept)}
    if not kept:
        return {"value": None, "interval": None, **counts}
    return measure(share(right, np.ones(len(right))), [pair.prompt for pair, _ in kept]) | counts


def correlation(clips: Sequence[RatedClip], answers: Answers, rating: str, score: str) -> dict[str, Any]:
    """SRCC of a score with a rating, over all clips that have both."""
    kept = [(clip, answers[clip.name][score]) for clip in clips if score in answers.get(clip.name, {})]
    if len(kept) < 3:
        return {"value": None, "interval": None, "n": len(kept)}
    labels = np.array([clip.rating(rating) for clip, _ in kept])
    values = np.array([value for _, value in kept])
    return measure(spearman(values, labels), [clip.prompt for clip, _ in kept]) | {"n": len(kept)}


def figures(clips: Sequence[RatedClip], answers: Answers | None) -> dict[str, Any]:
    """All figures of one system on FETV's clips; ``None`` is the system that always prefers the first clip."""
    rated = [clip for clip in clips if clip.rated]
    found: dict[str, Any] = {"pairs": {}, "generated_pairs": {}, "srcc": {}}
    for rating in ("static", "temporal", "quality"):
        pairs = same_prompt_pairs(list(clips), rating)
        ahead = margins(answers, pairs, rating) if answers is not None else [1.0] * len(pairs)
        found["pairs"][rating] = pair_figures(pairs, ahead)
        generated = [(pair, margin) for pair, margin in zip(pairs, ahead, strict=True) if pair.generated]
        found["generated_pairs"][rating] = pair_figures(*zip(*generated, strict=True)) if generated else None
    if answers is None:
        return found
    for score in ("temporal", "quality"):
        found["srcc"][score] = correlation(rated, answers, "quality", score)
    found["missing"] = sum("quality" not in answers.get(clip.name, {}) for clip in rated) / max(len(rated), 1)
    return found


def alignment_figures(clips: Sequence[RatedClip], answers: Answers) -> dict[str, Any]:
    """Pairs in order of alignment, and SRCC, on clips with that rating."""
    pairs = same_prompt_pairs(list(clips), "alignment")
    found = pair_figures(pairs, margins(answers, pairs, "alignment"))
    return found | {"srcc": correlation(clips, answers, "alignment", "alignment")}


@dataclass(frozen=True)
class Ridge:
    """Linear in standardised features; a missing feature is the median of those it was fitted on."""

    median: np.ndarray
    mean: np.ndarray
    deviation: np.ndarray
    weights: np.ndarray
    offset: np.ndarray

    def __call__(self, features: np.ndarray) -> np.ndarray:
        """(n, features), NaN where missing, to (n, targets)."""
        said: np.ndarray = self._standard(features) @ self.weights + self.offset
        return said

    def _standard(self, features: np.ndarray) -> np.ndarray:
        filled: np.ndarray = (np.where(np.isnan(features), self.median, features) - self.mean) / self.deviation
        return filled


def fit_ridge(features: np.ndarray, targets: np.ndarray, penalty: float) -> Ridge:
    """Least squares with a penalty on the squared weights.

    Args:
        features: (n, f), NaN where missing.
        targets: (n, t).
    """
    there = ~np.isnan(features).all(0)
    median = np.where(there, np.nanmedian(np.where(there, features, 0.0), axis=0), 0.0)
    filled = np.where(np.isnan(features), median, features)
    mean, deviation = filled.mean(0), filled.std(0)
    deviation = np.where(deviation > 1e-9, deviation, 1.0)
    x, offset = (filled - mean) / deviation, targets.mean(0)
    weights = np.linalg.solve(x.T @ x + penalty * np.eye(x.shape[1]), x.T @ (targets - offset))
    return Ridge(median, mean, deviation, weights, offset)


def fit_chosen(features: np.ndarray, targets: np.ndarray, groups: Sequence[str]) -> Ridge:
    """``fit_ridge`` with the penalty of least error on groups left out one after the other."""

    def error(penalty: float) -> float:
        said = left_out(features, targets, groups, lambda x, y, _: fit_ridge(x, y, penalty))
        return float(np.square(said - targets).mean())

    return fit_ridge(features, targets, min(PENALTIES, key=error))


def left_out(features: np.ndarray, targets: np.ndarray, groups: Sequence[str], fit: Any = fit_chosen) -> np.ndarray:
    """(n, t) predictions, each by a fit on the other groups."""
    names = np.array(groups)
    said = np.empty_like(targets)
    for name in dict.fromkeys(groups):
        own = names == name
        said[own] = fit(features[~own], targets[~own], [group for group in groups if group != name])(features[own])
    return said
