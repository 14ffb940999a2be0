"""The recipes, one file for each family of systems.

* ``fragments``: FAST-VQA, FasterVQA and DOVER
* ``minimalist_vqa``: Minimalist-VQA
* ``mplug_owl2``: Q-Align, Q-Instruct, mPLUG-Owl2
* ``t2v_metrics``: CLIP-FlanT5
* ``visionreward``: VisionReward-Video
* ``vqa2``: VQA²
"""

from __future__ import annotations

from vqinsight.baselines.foreign.recipe import Recipe
from vqinsight.baselines.foreign.recipes import fragments, minimalist_vqa, mplug_owl2, t2v_metrics, visionreward, vqa2

_FAMILIES = (fragments, minimalist_vqa, mplug_owl2, t2v_metrics, visionreward, vqa2)
RECIPES: dict[str, Recipe] = {recipe.name: recipe for family in _FAMILIES for recipe in family.RECIPES}
