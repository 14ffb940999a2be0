"""Measurements as a clip would give them, for tests of everything that shows them."""

from __future__ import annotations

import numpy as np

from vqinsight.measure.types import Measured, MeasuredClip, Moment, Quantity
from vqinsight.tasks.types import Missing

BLUR = Quantity("blur", "", "spatial", "lost detail", "Crété et al. 2007", ladder=(0.45, 0.55, 0.65, 0.75))
FLICKER = Quantity("flicker", "%", "temporal", "brightness that jumps", "second difference", ladder=(1, 2, 4, 8))
MOTION = Quantity("motion", "% of width a second", "content", "speed of motion", "optical flow")
BANDING = Quantity("banding", "grey levels", "spatial", "false contours", "contours", ladder=(0.5, 1, 2, 4))


def measured(path: str, *, frames: int = 48, blur: float = 0.7, seconds: float = 2.0) -> MeasuredClip:
    """Blurred from a half on, one flash at three quarters, a cut at a half, and no banding to measure."""
    times = np.arange(frames) * seconds / frames
    late = times >= seconds / 2
    flash = np.zeros(frames, np.float32)
    flash[3 * frames // 4] = 9.0
    flash[0] = np.nan
    after = 3 * frames // 4
    at = Moment(float(times[after]), float(times[after]) + seconds / frames, 9.0)
    values = {
        "blur": Measured(BLUR, blur, BLUR.severity(blur), (Moment(seconds / 2, seconds, blur),) if blur > 0.45 else ()),
        "banding": Measured(BANDING, Missing("all frames are of one colour"), None),
        "flicker": Measured(FLICKER, 9.0 / frames, "none", (at,)),
        "motion": Measured(MOTION, 12.345, None),
    }
    series = {
        "blur": np.where(late, blur, 0.2).astype(np.float32),
        "banding": np.full(frames, np.nan, np.float32),
        "flicker": flash,
        "motion": np.full(frames, 12.345, np.float32),
    }
    return MeasuredClip(path, "video", frames, seconds, values, times, series, (seconds / 2,), ("odd header",))
