"""Systems on mPLUG-Owl2."""

from __future__ import annotations

from vqinsight.baselines.foreign.recipe import Recipe, Weights
from vqinsight.baselines.sampling import evenly

RECIPES = (
    Recipe(
        name="q_align",
        worker="one_align.py",
        python="3.10",
        packages=("torch transformers==4.36.1 accelerate sentencepiece pillow icecream",),
        sampling="eight frames, evenly",
        choose=lambda total: evenly(total, 8),
        dimensions=("quality",),
        ranges={"quality": (1.0, 5.0)},
        weights=(Weights("one-align", "hf download q-future/one-align --local-dir one-align"),),
        licence="MIT",
    ),
)
