"""Rated clips with scores and measurements that are drawn, not read from files."""

from __future__ import annotations

import numpy as np

from vqinsight.calibration.observations import Judged, Observations
from vqinsight.calibration.ratings import RatedClip, Ratings
from vqinsight.measure.quantities import QUANTITIES

JUDGED = Judged("natural", "overall", ("quality",))


def observations(
    n: int = 40, *, seed: int = 0, blur: float = 0.0, judge: float = 0.0, prompts: int = 8, generators: int = 5
) -> Observations:
    """Clips whose ratings depend on one measurement and on the judge's score as strongly as said, and on luck."""
    random = np.random.default_rng(seed)
    measured = random.normal(size=(n, len(QUANTITIES)))
    scores = random.normal(50, 10, n)
    ratings = 3 + blur * measured[:, 0] + judge * (scores - 50) / 10 + 0.5 * random.normal(size=n)
    clips = tuple(
        RatedClip(f"{row}.mp4", (float(value),), f"prompt {row % prompts}", f"model {row // prompts % generators}")
        for row, value in enumerate(ratings)
    )
    return Observations(clips, JUDGED, ratings, scores, measured, random.normal(size=(n, 2)), ())


def ratings(found: Observations) -> Ratings:
    return Ratings("ratings.csv", found.clips)


SETTINGS = {
    "model": "nano",
    "weights": "abc",
    "template": "brief",
    "samples": 1,
    "temperature": 0.0,
    "look": {"fps": 2},
}
