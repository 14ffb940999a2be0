"""Equations 3 and 6: rewards for predicted scores, by their distance to the labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from vqinsight.settings.train import Combine, Scale
from vqinsight.tasks.types import Dimension

THRESHOLD = 0.0875  # share of the range: Q-Insight accepts an error of 0.35 on its scale of 1 to 5


def score_reward(prediction: float, label: float, dimension: Dimension, scale: Scale) -> float:
    """Eq. 3: ``1 - |prediction - label|``, both on the range of ``dimension``.

    * ``unit``: the difference is divided by the range, so the reward lies in [0, 1] for answers within the range.
    * ``relative``: divided by the label, and at least 0, as in the released code. With a label of 0 only an exact
      answer is rewarded.
    * ``raw``: the plain difference. On 0 to 100 it reaches -99 and outweighs all other rewards; for comparison only.
    * ``threshold``: 1 within ``THRESHOLD`` of the range, else 0, as Q-Insight does for images.
    """
    difference = abs(prediction - label)
    extent = dimension.high - dimension.low
    if scale == "unit":
        return 1.0 - difference / extent
    if scale == "relative":
        return max(0.0, 1.0 - difference / label) if label > 0 else float(difference == 0)
    if scale == "raw":
        return 1.0 - difference
    return float(difference < THRESHOLD * extent)


def multi_score_reward(
    predictions: Mapping[str, float],
    labels: Mapping[str, float],
    dimensions: Sequence[Dimension],
    scale: Scale,
    weights: Mapping[str, float] | None = None,
    combine: Combine = "mean",
) -> float:
    """Eq. 6: ``1 - sum_j lambda_j |prediction_j - label_j|`` over the dimensions that have a label.

    A dimension without a prediction has the error of the farthest value within its range, so it earns nothing of its
    share: left out of the sum, it would count as an exact answer.

    * ``sum``: the formula as it stands; with M dimensions on the unit scale it lies in [1 - M, 1].
    * ``mean``: the lambda_j are divided by their sum, so that M does not change the reward's weight among the others.
      ``raw`` is always a sum.

    Args:
        predictions: of the dimensions that have one; none for a missing answer.
        weights: lambda_j by dimension key; 1 by default.

    Raises:
        ValueError: no dimension has a label.
    """
    labelled = [dim for dim in dimensions if dim.key in labels]
    if not labelled:
        raise ValueError(f"none of {[dim.key for dim in dimensions]} has a label; labelled: {sorted(labels)}")
    weight = {dim.key: (weights or {}).get(dim.key, 1.0) for dim in labelled}
    lost = sum(weight[dim.key] * _lost(predictions.get(dim.key), labels[dim.key], dim, scale) for dim in labelled)
    return 1.0 - lost if scale == "raw" or combine == "sum" else 1.0 - lost / sum(weight.values())


def _lost(prediction: float | None, label: float, dimension: Dimension, scale: Scale) -> float:
    if prediction is None:
        return dimension.high - dimension.low if scale == "raw" else 1.0
    return 1.0 - score_reward(prediction, label, dimension, scale)
