"""The prompt sets by name: ``standard``, ``released``, ``brief``, a file each."""

from __future__ import annotations

import difflib

from vqinsight.errors import UsageError
from vqinsight.tasks.prompt_set import PromptSet
from vqinsight.tasks.prompt_sets.brief import BRIEF
from vqinsight.tasks.prompt_sets.released import RELEASED
from vqinsight.tasks.prompt_sets.standard import STANDARD

PROMPT_SETS: dict[str, PromptSet] = {each.name: each for each in (STANDARD, RELEASED, BRIEF)}


def prompt_set(name: str) -> PromptSet:
    """The prompt set of that name.

    Raises:
        UsageError: there is none; the message names the nearest.
    """
    if name not in PROMPT_SETS:
        nearest = difflib.get_close_matches(name, PROMPT_SETS, n=1, cutoff=0.0)[0]
        raise UsageError(f"unknown prompt set {name!r}: did you mean {nearest!r}? Known: {', '.join(PROMPT_SETS)}")
    return PROMPT_SETS[name]
