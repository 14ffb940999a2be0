"""The prompts that a generator is trained with."""

from __future__ import annotations

import random

import numpy as np

from vqinsight.common.prompt_lists import read_prompt_file
from vqinsight.datasets.vidprom import load
from vqinsight.errors import UsageError
from vqinsight.settings.align import PromptSettings
from vqinsight.synthetic.simple import draw_prompt


def read_prompts(settings: PromptSettings) -> list[str]:
    """Every prompt once, in an order that the seed fixes.

    Raises:
        UsageError: no source is named, the file cannot be read, or it has too few prompts.
    """
    if settings.file is not None:
        prompts = read_prompt_file(settings.file)
        if settings.count is not None and settings.count < len(prompts):
            prompts = random.Random(settings.seed).sample(prompts, settings.count)
    elif settings.dataset == "vidprom":
        if settings.dir is None:
            raise UsageError("prompts: vidprom needs dir, the folder of its download.")
        prompts = list(load(settings.dir, count=settings.count, seed=settings.seed).prompts)
    else:
        prompts = _synthetic_prompts(settings)
    if not prompts:
        raise UsageError(f"prompts: nothing in {settings.file or settings.dir}.")
    return prompts


def _synthetic_prompts(settings: PromptSettings) -> list[str]:
    """Captions of the simple synthetic set; the splits are disjoint for every seed."""
    wanted = settings.count or 100
    rng = np.random.default_rng((41, settings.seed))
    prompts: dict[str, None] = {}
    for _ in range(100 * wanted):
        prompts[draw_prompt(rng, settings.split)[1]] = None
        if len(prompts) == wanted:
            return list(prompts)
    raise UsageError(f"prompts: the simple synthetic set has fewer than {wanted} captions. Lower prompts.count.")
