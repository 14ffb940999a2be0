"""Labels of datasets on the scales of questions."""

from __future__ import annotations

from collections.abc import Sequence

from vqinsight.tasks.types import Answer, Dimension, Score, TaskName

SCORING_TASKS: tuple[TaskName, ...] = ("image", "natural", "generated", "alignment")  # answered with numbers


def rescale_label(label: Answer, scale: tuple[float, float] | None, dimensions: Sequence[Dimension]) -> Answer:
    """A dataset's label rescaled linearly to the ranges of the question, e.g. MOS 1 to 5 to 0 to 100.

    Dimensions that the question lacks (alignment without a prompt) are left out.
    """
    if not isinstance(label, Score) or scale is None:
        return label
    low, high = scale
    asked = {dim.key: dim for dim in dimensions if dim.key in label.values}
    return Score(
        {key: dim.low + (label.values[key] - low) / (high - low) * (dim.high - dim.low) for key, dim in asked.items()}
    )
