"""What is measured: names, units, sources, and the ladders of severity.

``QUANTITIES`` is in the order of tables. The ladders come from defects of known strength in real frames:
``python -m benchmarks.method.measurements --ladders`` prints them.
"""

from __future__ import annotations

from vqinsight.measure.types import Quantity

MEASUREMENT_VERSION = 1  # to be raised where the value of any clip changes

_SPATIAL = (
    Quantity(
        "blur",
        "",
        "spatial",
        "share of the strongest edges that a further blur leaves standing",
        "Crété et al. 2007",
        16,
        1,
        (0.45, 0.55, 0.65, 0.75),
    ),
    Quantity("noise", "grey levels", "spatial", "grain", "Immerkær 1996", 16, 1, (4, 8, 14, 22)),
    Quantity(
        "blockiness",
        "",
        "spatial",
        "edges on a grid of 8 pixels, relative to other edges",
        "Wang et al. 2000",
        24,
        1,
        (0.1, 0.2, 0.4, 0.8),
    ),
    Quantity(
        "banding",
        "grey levels",
        "spatial",
        "height of false contours",
        "contours between flat stretches",
        16,
        1,
        (0.5, 1, 2, 4),
    ),
    Quantity(
        "clipping", "%", "spatial", "pixels that are black or white", "levels 0-2 and 253-255", 16, 1, (5, 15, 30, 50)
    ),
    Quantity(
        "underexposure", "stops", "spatial", "mean light below middle grey", "stops below 18 %", 1, 1, (2, 3, 4, 5)
    ),
    Quantity(
        "overexposure", "stops", "spatial", "mean light above middle grey", "stops above 18 %", 1, 1, (1, 1.4, 1.8, 2.1)
    ),
)
_TEMPORAL = (
    Quantity(
        "flicker",
        "%",
        "temporal",
        "brightness that jumps from frame to frame",
        "second difference",
        16,
        3,
        (1, 2, 4, 8),
    ),
    Quantity(
        "unsteadiness",
        "",
        "temporal",
        "local motion that changes from frame to frame",
        "second difference of flow",
        32,
        3,
        (0.4, 0.5, 0.6, 0.7),
    ),
    Quantity(
        "jitter",
        "% of width",
        "temporal",
        "the whole picture shakes",
        "second difference of the median flow",
        32,
        3,
        (0.2, 0.5, 1, 2),
    ),
    Quantity(
        "inconsistency",
        "%",
        "temporal",
        "motion that cannot be followed back",
        "Sundaram et al. 2010",
        32,
        2,
        (10, 20, 35, 50),
    ),
    Quantity(
        "warping_error",
        "grey levels",
        "temporal",
        "change that motion does not explain",
        "Lai et al. 2018",
        32,
        2,
        (4, 6, 9, 13),
    ),
    Quantity(
        "frozen",
        "%",
        "temporal",
        "time in which a moving clip stands still",
        "unchanged for 0.2 s or longer",
        16,
        3,
        (2, 10, 25, 50),
    ),
    Quantity(
        "repeated", "%", "temporal", "frames shown again", "unchanged for less than 0.2 s", 16, 3, (2, 10, 20, 40)
    ),
    Quantity(
        "dropped", "%", "temporal", "missing frames", "steps of a multiple of the motion around", 32, 4, (1, 3, 8, 15)
    ),
    Quantity(
        "out_of_order",
        "%",
        "temporal",
        "frames in a wrong order",
        "exchanging neighbours fits better",
        16,
        4,
        (1, 5, 15, 30),
    ),
)
_CONTENT = (
    Quantity("motion", "% of width a second", "content", "speed of motion", "DIS optical flow", 32, 2),
    Quantity("cuts", "", "content", "new scenes", "change that motion does not explain", 32, 2),
)
QUANTITIES: dict[str, Quantity] = {quantity.key: quantity for quantity in (*_SPATIAL, *_TEMPORAL, *_CONTENT)}
