"""How much people mind a defect: the label of a clip with known defects.

Every kind has the share of quality that it costs at full severity, and an exponent that says how soon: below 1 a slight
defect already annoys. Shares multiply, so a further defect adds less. The shares are set by hand, from what viewers of
generated video complain about most; no rating was used.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from vqinsight.synthetic.describe import Defect

COST: dict[str, tuple[float, float]] = {
    "blur": (0.75, 1.0),
    "noise": (0.7, 1.2),
    "compression": (0.8, 1.0),
    "banding": (0.6, 1.2),
    "exposure": (0.6, 1.1),
    "deformed": (0.85, 0.8),
    "jitter": (0.85, 0.8),
    "flicker": (0.8, 0.9),
    "freeze": (0.7, 1.0),
    "shuffle": (0.9, 0.6),
    "ghosting": (0.6, 1.1),
    "morphing": (0.9, 0.8),
    "boiling": (0.9, 0.7),
    "transforming": (0.75, 0.9),
    "sliding": (0.8, 0.9),
}


def score(defects: Iterable[Defect]) -> float:
    """0 to 100: 100 without defects, times 1 - share * severity ** exponent for each."""
    costs = ((COST[defect.kind], defect.severity) for defect in defects)
    return 100 * math.prod(1 - share * severity**exponent for (share, exponent), severity in costs)


def overall(spatial: float, temporal: float) -> float:
    """0 to 100 from both scores: their geometric mean, since a clip is hardly better than its worse side."""
    return math.sqrt(spatial * temporal)
