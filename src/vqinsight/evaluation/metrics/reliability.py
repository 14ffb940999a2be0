"""Reliability: mean prediction and mean label in bins of the predictions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from vqinsight.errors import UsageError
from vqinsight.evaluation.metrics.join import Number, known, predicted


@dataclass(frozen=True)
class ReliabilityBin:
    """Items whose prediction lies in [low, high), in the last bin [low, high].

    Attributes:
        n: number of items.
        predicted, observed: mean prediction and mean label of these; ``None`` for an empty bin.
    """

    low: float
    high: float
    n: int
    predicted: float | None
    observed: float | None


@dataclass(frozen=True)
class Reliability:
    """The data of a reliability plot.

    Attributes:
        bins: of equal width, from the low end of the scale to the high end.
        error: mean over items of the distance between the two means of their bin, in units of the scale (0 is best).
        outside: number of predictions beyond the scale; they count in the first or the last bin.
        missing: number of items without a usable prediction.
        warnings: remarks on the figures.
    """

    bins: tuple[ReliabilityBin, ...]
    error: float
    outside: int
    missing: int
    warnings: tuple[str, ...] = ()


def reliability(
    predictions: Sequence[Number], labels: Sequence[float], *, low: float, high: float, bins: int = 10
) -> Reliability:
    """The reliability of parallel (n,) predictions and labels, both on the scale from ``low`` to ``high``.

    Raises:
        UsageError: unequal lengths, a label that is no number, no usable prediction, no bin, or an empty scale.
    """
    if bins < 1 or not low < high:
        raise UsageError(f"{bins} bins from {low:g} to {high:g}: at least one bin and a scale that rises are needed")
    y = known(labels)
    x, said = predicted(predictions, y)
    keep = np.isfinite(x)
    missing = int((~keep).sum())
    x, y = x[keep], y[keep]
    if not len(x):
        raise UsageError(f"none of {missing} items has a usable prediction")
    edges = np.linspace(low, high, bins + 1)
    place = np.clip(np.searchsorted(edges, x, "right") - 1, 0, bins - 1)
    counts = np.bincount(place, minlength=bins)
    filled = np.maximum(counts, 1)
    means_x = np.bincount(place, weights=x, minlength=bins) / filled
    means_y = np.bincount(place, weights=y, minlength=bins) / filled
    rows = tuple(
        ReliabilityBin(
            float(edges[i]),
            float(edges[i + 1]),
            int(counts[i]),
            float(means_x[i]) if counts[i] else None,
            float(means_y[i]) if counts[i] else None,
        )
        for i in range(bins)
    )
    outside = int(((x < low) | (x > high)).sum())
    notes = list(said)
    if outside:
        notes.append(f"{outside} of {len(x)} predictions lie outside {low:g} to {high:g}")
    return Reliability(rows, float((counts * np.abs(means_x - means_y)).sum() / len(x)), outside, missing, tuple(notes))
