"""The prompt sets by name, each imported on first use. In reading order:

* ``standard``: full sentences for any vision-language model
* ``released``: for the released 7B weights
* ``brief``: for the embedded model
"""

from __future__ import annotations

import difflib
from importlib import import_module

from vqinsight.errors import UsageError
from vqinsight.tasks.prompt_set import PromptSet

NAMES = ("standard", "released", "brief")


def prompt_set(name: str) -> PromptSet:
    """The prompt set of that name.

    Raises:
        UsageError: there is no such set; the message names the nearest.
    """
    if name not in NAMES:
        nearest = difflib.get_close_matches(name, NAMES, n=1, cutoff=0.0)[0]
        raise UsageError(f"unknown prompt set {name!r}: did you mean {nearest!r}? Known: {', '.join(NAMES)}")
    found: PromptSet = getattr(import_module(f"{__name__}.{name}"), name.upper())
    return found
