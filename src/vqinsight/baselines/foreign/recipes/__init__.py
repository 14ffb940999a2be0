"""The recipes, one file for each family of systems.

* ``fragments``: FAST-VQA, FasterVQA and DOVER
* ``minimalist_vqa``: Minimalist-VQA
* ``mplug_owl2``: Q-Align
* ``t2v_metrics``: CLIP-FlanT5
"""

from __future__ import annotations

from vqinsight.baselines.foreign.recipe import Recipe
from vqinsight.baselines.foreign.recipes import fragments, minimalist_vqa, mplug_owl2, t2v_metrics

_ALL = (*fragments.RECIPES, *minimalist_vqa.RECIPES, *mplug_owl2.RECIPES, *t2v_metrics.RECIPES)
RECIPES: dict[str, Recipe] = {recipe.name: recipe for recipe in _ALL}
