"""The recipes, one file for each family of systems.

* ``mplug_owl2``: Q-Align
* ``t2v_metrics``: CLIP-FlanT5
* ``visionreward``: VisionReward-Video
"""

from __future__ import annotations

from vqinsight.baselines.foreign.recipe import Recipe
from vqinsight.baselines.foreign.recipes import mplug_owl2, t2v_metrics, visionreward

RECIPES: dict[str, Recipe] = {
    recipe.name: recipe for recipe in (*mplug_owl2.RECIPES, *t2v_metrics.RECIPES, *visionreward.RECIPES)
}
