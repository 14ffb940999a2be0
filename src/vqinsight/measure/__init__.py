"""Evidence from pixels: physical measurements of every frame, without weights.

In reading order: ``types``.
"""

from vqinsight.measure.types import Measured, MeasuredClip, Moment, Quantity

__all__ = ["Measured", "MeasuredClip", "Moment", "Quantity"]
