"""Systems of the package t2v-metrics."""

from __future__ import annotations

from vqinsight.baselines.foreign.recipe import Recipe
from vqinsight.baselines.sampling import evenly

RECIPES = (
    Recipe(
        name="clip_flant5",
        worker="t2v_vqascore.py",
        python="3.10",
        packages=("t2v-metrics==3.0",),
        sampling="eight frames, evenly",
        choose=lambda total: evenly(total, 8),
        dimensions=("alignment",),
        ranges={"alignment": (0.0, 1.0)},
        needs_prompt=True,
        arguments=("--model", "clip-flant5-xxl"),
        licence="Apache-2.0",
        note="The mean over frames; the package fetches the weights.",
    ),
)
