"""Labels of datasets on the scales that questions ask for."""

from __future__ import annotations

from collections.abc import Sequence

from vqinsight.tasks.types import Answer, Dimension, Score, TaskName

SCORING_TASKS: tuple[TaskName, ...] = ("image", "natural", "generated")  # answered with numbers


def rescale_label(label: Answer, scale: tuple[float, float] | None, dimensions: Sequence[Dimension]) -> Answer:
    """A dataset's label on the ranges that the question asks for: MOS 1 to 5 becomes 0 to 100, linearly.

    Dimensions that the question does not ask for (alignment without a prompt) are left out.
    """
    if not isinstance(label, Score) or scale is None:
        return label
    low, high = scale
    asked = {dim.key: dim for dim in dimensions if dim.key in label.values}
    return Score(
        {key: dim.low + (label.values[key] - low) / (high - low) * (dim.high - dim.low) for key, dim in asked.items()}
    )
