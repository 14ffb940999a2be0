"""Evidence from pixels: physical measurements of every frame, without weights.

In reading order:

* ``types``: quantities, values, moments, and a clip's measurements
* ``quantities``: what is measured, and where severities begin
* ``spatial``: defects within a frame
* ``flow``: motion between frames, and how steady it is
* ``flicker``: brightness from frame to frame
* ``order``: cuts, frozen, repeated, dropped and exchanged frames
* ``summary``: from frames to a clip's values and worst moments
* ``clip``: takes a clip frame by frame
* ``evidence``: measured values in words, for questions to a model
* ``stills``: pictures of the worst moments
* ``reference``: PSNR, SSIM and VMAF against a reference
"""

from vqinsight.measure.quantities import QUANTITIES
from vqinsight.measure.types import Measured, MeasuredClip, Moment, Quantity

__all__ = ["QUANTITIES", "Measured", "MeasuredClip", "Moment", "Quantity"]
