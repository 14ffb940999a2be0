"""Upper bounds of SRCC from heads: python -m benchmarks.nano.ceiling bases/nano [--clips 1000] [--json FILE]

SRCC of spatial and temporal quality from the heads on the vision tower: by the most probable kind and strength, as in a
description; by the expectation over all kinds and strengths; and by the most probable, with one kind of defect known
exactly. The folder is one of pre-training, which has the heads.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, get_args

import numpy as np
import torch
from rich.console import Console
from rich.table import Table

from benchmarks.nano.heads import options, read_pretraining_model
from benchmarks.results import keep
from vqinsight.evaluation.metrics.correlation import correlate
from vqinsight.nano.assessor.batches import synthetic_views
from vqinsight.nano.assessor.tower import CLASSES, Heads, collate_glances, targets
from vqinsight.synthetic.describe import Defect, GroundTruth
from vqinsight.synthetic.generate import Split, draw_clip, quality

START = 960_000_000  # clips that are in no lesson
AT_ONCE = 16
DIMENSIONS = ("spatial", "temporal")
_LEVELS = CLASSES["spatial level"]


@dataclass(frozen=True)
class Sight:
    """A clip's defect of one dimension, ``None`` for none, and the probabilities of kinds (none first) and levels."""

    defect: Defect | None
    kinds: np.ndarray
    levels: np.ndarray


@torch.no_grad()
def look(model: Any, split: Split, clips: int) -> dict[str, list[Sight]]:
    """The probabilities of the tower's heads for every clip, by dimension."""
    seen: dict[str, list[Sight]] = {dimension: [] for dimension in DIMENSIONS}
    for begin in range(START, START + clips, AT_ONCE):
        drawn = [draw_clip(seed, split) for seed in range(begin, min(begin + AT_ONCE, START + clips))]
        batch = collate_glances([(synthetic_views(clip), targets(clip.truth, still=False)) for clip in drawn])
        features = model.get_video_features(batch["patches"], batch["grids"], return_dict=True).pooler_output
        said = probabilities(model.attributes, features, batch["grids"], batch["counts"])
        for number, clip in enumerate(drawn):
            for dimension in DIMENSIONS:
                kinds, levels = said[dimension][number], said[f"{dimension} level"][number]
                seen[dimension].append(Sight(getattr(clip.truth, dimension), kinds, levels))
    return seen


def probabilities(heads: Heads, features: Any, grids: torch.Tensor, counts: torch.Tensor) -> dict[str, np.ndarray]:
    """(clips, classes) by attribute."""
    trunk = heads.summarize(features, grids, counts)
    return {attribute: head(trunk).softmax(1).numpy() for attribute, head in zip(CLASSES, heads.heads, strict=True)}


def likeliest(dimension: str, sight: Sight) -> float:
    """The quality, 0 to 100, of the most probable kind at its most probable strength."""
    kind = CLASSES[dimension][sight.kinds.argmax()]
    return exact(dimension, kind and Defect(kind, (sight.levels.argmax() + 0.5) / len(_LEVELS)))


def expected(dimension: str, sight: Sight) -> float:
    """The expected quality over all kinds and strengths; strengths are conditional on a defect."""
    strengths = (np.arange(len(_LEVELS)) + 0.5) / len(_LEVELS)
    damaged = [exact(dimension, Defect("any", strength)) for strength in strengths]
    none = float(sight.kinds[0])
    return none * exact(dimension, None) + (1 - none) * float(sight.levels @ damaged)


def exact(dimension: str, defect: Defect | None) -> float:
    """The quality that a defect leaves."""
    return quality(GroundTruth(None, "still", defect, defect, None))[dimension]


def rows(seen: dict[str, list[Sight]]) -> dict[str, float | None]:
    """SRCC by dimension and way of scoring."""
    found: dict[str, float | None] = {}
    for dimension, sights in seen.items():
        truths = [exact(dimension, sight.defect) for sight in sights]
        words = [likeliest(dimension, sight) for sight in sights]
        found[f"{dimension}, likeliest"] = correlate(words, truths).srcc.value
        found[f"{dimension}, mean"] = correlate([expected(dimension, sight) for sight in sights], truths).srcc.value
        for kind in CLASSES[dimension]:
            known = [
                truth if (sight.defect.kind if sight.defect else None) == kind else word
                for sight, truth, word in zip(sights, truths, words, strict=True)
            ]
            found[f"{dimension}, {kind or 'none'} seen exactly"] = correlate(known, truths).srcc.value
    return found


def main() -> None:
    """Print the table; ``--json FILE`` also stores it."""
    given = options(__doc__, clips=1000)
    _, model = read_pretraining_model(given.folder)
    found = {split: rows(look(model, split, given.clips)) for split in get_args(Split)}
    table = Table("SRCC", *found)
    for name in found["train"]:
        table.add_row(name, *(f"{srcc[name]:.3f}" for srcc in found.values()))
    Console(width=120).print(table)
    keep({"seed": START, "rows": found}, given.json)


if __name__ == "__main__":
    main()
