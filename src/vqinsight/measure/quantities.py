"""What is measured: names, units, sources, and the ladders of severity.

``QUANTITIES`` is in the order of tables. The ladders are medians over real frames with defects of the strengths in
``benchmarks/method/damage.py``, whose footage and photographs they are printed from:
``python -m benchmarks.method.measurements --ladders``. A first step is never below what nine tenths of these frames
have undamaged.
"""

from __future__ import annotations

from vqinsight.measure.types import Quantity

MEASUREMENT_VERSION = 1  # to be raised where the value of any clip changes

_LADDERS: dict[str, tuple[float, float, float, float]] = {
    "blur": (0.437, 0.608, 0.781, 0.892),
    "noise": (5.13, 9.72, 16.9, 26.6),
    "blockiness": (0.293, 0.519, 1.02, 1.97),
    "banding": (0.022, 0.0594, 0.0895, 0.327),
    "clipping": (11.7, 25.6, 41.8, 53.8),
    "underexposure": (1.73, 2.62, 3.45, 4.2),
    "overexposure": (1.16, 1.46, 1.68, 1.93),
    "flicker": (0.804, 2.26, 4.54, 9.31),
    "unsteadiness": (0.563, 0.649, 0.732, 0.782),
    "jitter": (0.766, 1.78, 3.54, 7.02),
    # Shares of time or of frames, by definition.
    "frozen": (3.0, 10.0, 25.0, 50.0),
    "repeated": (3.0, 8.0, 15.0, 30.0),
    "dropped": (7.0, 12.0, 18.0, 25.0),
    "out_of_order": (2.0, 5.0, 10.0, 25.0),
}


def _defect(key: str, unit: str, meaning: str, source: str, side: int = 16, frames: int = 1) -> Quantity:
    """Of two frames or more it is a temporal one."""
    return Quantity(key, unit, "spatial" if frames == 1 else "temporal", meaning, source, side, frames, _LADDERS[key])


_DEFECTS = (
    _defect("blur", "", "share of the strongest edges that a further blur leaves standing", "Crété et al. 2007"),
    _defect("noise", "grey levels", "grain, as a standard deviation", "Immerkær 1996"),
    _defect("blockiness", "", "edges on a grid of 8 pixels relative to all edges", "Wang, Bovik and Evans 2000", 24),
    _defect("banding", "grey levels", "height of false contours", "steps between flat stretches"),
    _defect("clipping", "%", "pixels that are black or white", "levels 0-2 and 253-255"),
    _defect("underexposure", "stops", "mean light below middle grey", "linear light, middle grey 18 %"),
    _defect("overexposure", "stops", "mean light above middle grey", "linear light, middle grey 18 %"),
    _defect("flicker", "%", "brightness that jumps from frame to frame", "second difference of brightness", 16, 3),
    _defect("unsteadiness", "", "local motion that changes from step to step", "second difference of flow", 32, 3),
    _defect("jitter", "% of width", "shaking of the whole picture", "second difference of median flow", 32, 3),
    _defect("frozen", "%", "time in which a moving scene stands still", "unchanged for 0.2 s or longer", 16, 3),
    _defect("repeated", "%", "frames shown again in motion", "unchanged between changes", 16, 3),
    _defect("dropped", "%", "missing frames", "steps of a multiple of the motion around", 32, 4),
    _defect("out_of_order", "%", "frames in a wrong order", "neighbours fit better when exchanged", 16, 4),
)
# Generated clips have more of the first two than real ones of the same motion, but so have fluids and fast motion.
_CONTENT = (
    Quantity("inconsistency", "%", "content", "area of inconsistent motion", "Sundaram et al. 2010", 32, 2),
    Quantity("warping_error", "grey levels", "content", "change not explained by motion", "Lai et al. 2018", 32, 2),
    Quantity("motion", "% of width a second", "content", "speed of motion", "DIS flow, Kroeger et al. 2016", 32, 2),
    Quantity("cuts", "", "content", "new scenes", "change that motion does not explain", 16, 2),
)
QUANTITIES: dict[str, Quantity] = {quantity.key: quantity for quantity in (*_DEFECTS, *_CONTENT)}
