"""Groups of clips that stay together, and the folds of cross-validation made of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Literal

import numpy as np

from vqinsight.calibration.ratings import RatedClip
from vqinsight.errors import UsageError

Grouping = Literal["prompt", "generator", "clip"]
FEWEST_CLIPS = 20
FEWEST_GROUPS = 3
_MOST = 10  # folds; up to here every group is left out alone


def groupings(clips: Sequence[RatedClip]) -> tuple[dict[Grouping, list[str]], tuple[str, ...]]:
    """The groups of the clips, (n,) each, by prompt and by generator, and why one of these is missing.

    Clips whose prompt (or generator) is unknown are one group: two of them may share it. Clips of which neither is
    known are a group each.

    Raises:
        UsageError: fewer than 20 clips, or prompts or generators of which neither makes three groups.
    """
    if len(clips) < FEWEST_CLIPS:
        raise UsageError(
            f"{len(clips)} rated clips are too few for a scale: it takes at least {FEWEST_CLIPS}. Rate more clips."
        )
    given: dict[Grouping, list[str | None]] = {
        "prompt": [clip.prompt for clip in clips],
        "generator": [clip.generator for clip in clips],
    }
    found: dict[Grouping, list[str]] = {}
    notes = []
    for name, values in given.items():
        groups = ["" if value is None else " ".join(value.split()).casefold() for value in values]
        unknown, count = groups.count(""), len(set(groups))
        if unknown == len(clips):
            notes.append(f"No figure by {name}: no clip has one. Add a column {name} to see how it does on new ones.")
        elif count < FEWEST_GROUPS:
            notes.append(f"No figure by {name}: the clips have {count}, and it takes {FEWEST_GROUPS}.")
        else:
            found[name] = groups
            if unknown:
                notes.append(f"{unknown} clips without a {name} stay together.")
    if not found:
        if any(value is not None for values in given.values() for value in values):
            raise UsageError(
                f"{' '.join(notes)} A scale is tried on prompts or generators that it was not fitted on: rate clips of "
                f"at least {FEWEST_GROUPS} of either."
            )
        found["clip"] = [clip.path for clip in clips]
    return found, tuple(notes)


def folds(groups: Sequence[str], most: int = _MOST) -> list[np.ndarray]:
    """Row numbers of each fold; a group lies in one of them alone.

    Every group is a fold, or, where there are more than ``most``, the largest groups are dealt first, each to the
    smallest fold so far.
    """
    sizes = Counter(groups)
    order = sorted(sizes, key=lambda group: (-sizes[group], group))
    filled = [0] * min(most, len(order))
    place: dict[str, int] = {}
    for group in order:
        place[group] = fold = int(np.argmin(filled))
        filled[fold] += sizes[group]
    member = np.array([place[group] for group in groups])
    return [np.flatnonzero(member == fold) for fold in range(len(filled))]
