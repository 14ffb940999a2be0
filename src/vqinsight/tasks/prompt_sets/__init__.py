"""The prompt sets by name, each imported on first use, and those in files of one's own. In reading order:

* ``standard``: full sentences for any vision-language model
* ``released``: for the released 7B weights
* ``brief``: for the embedded model
* ``separate``: the same, asking of a text by itself
"""

from __future__ import annotations

import difflib
from importlib import import_module
from pathlib import Path

from vqinsight.errors import UsageError
from vqinsight.tasks.prompt_set import PromptSet

NAMES = ("standard", "released", "brief", "separate")
SUFFIX = ".toml"  # of a prompt set in a file


def prompt_set(name: str) -> PromptSet:
    """The prompt set of that name, or of the TOML file of that path (``settings.prompts.PromptFile``).

    Raises:
        UsageError: there is no such set, the message names the nearest; or the file is wrong, it names the key.
    """
    if name.endswith(SUFFIX):
        from vqinsight.tasks.prompt_file import read_prompt_set

        return read_prompt_set(Path(name), {known: prompt_set(known) for known in NAMES})
    if name not in NAMES:
        nearest = difflib.get_close_matches(name, NAMES, n=1, cutoff=0.0)[0]
        raise UsageError(
            f"unknown prompt set {name!r}: did you mean {nearest!r}? Known: {', '.join(NAMES)}, or a file: my.toml"
        )
    found: PromptSet = getattr(import_module(f"{__name__}.{name}"), name.upper())
    return found
