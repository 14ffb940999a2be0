"""Pre-training of the vision tower alone, with auxiliary linear heads for every attribute.

Through an untrained language model the tower's gradient is weak: 14,000 clips with the short forms alone give little
colour and no motion. Linear heads need a fraction of the time; the language model then learns from trained features.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch.utils.data import Dataset

from vqinsight.nano.assessor.architecture import PIXELS
from vqinsight.synthetic.captions import COLOURS, COUNTS, DIRECTIONS, SHAPES
from vqinsight.synthetic.describe import GroundTruth
from vqinsight.synthetic.scene import CAMERA_MOVES
from vqinsight.synthetic.varied import ALL_SPATIAL, ALL_TEMPORAL
from vqinsight.video.views import View

UNKNOWN = -100  # class of an attribute that does not apply
CLASSES: dict[str, tuple[Any, ...]] = {
    "count": COUNTS,
    "colour": COLOURS,
    "shape": SHAPES,
    "direction": DIRECTIONS,
    "camera": CAMERA_MOVES,
    "spatial": (None, *ALL_SPATIAL),
    "spatial level": (1, 2, 3, 4, 5),
    "temporal": (None, *ALL_TEMPORAL),
    "temporal level": (1, 2, 3, 4, 5),
}


def targets(truth: GroundTruth, *, still: bool) -> list[float]:
    """One class number for each of ``CLASSES``; ``UNKNOWN`` where a clip, or a still image of it, has none.

    A level's number is an integer at the centre of the level and lies between two integers elsewhere.
    """
    known: dict[str, Any] = {"spatial": truth.spatial.kind if truth.spatial else None}
    if truth.spatial:
        known["spatial level"] = truth.spatial.severity
    if truth.facts:
        known |= {name: getattr(truth.facts, name) for name in ("count", "colour", "shape")}
    if not still:
        known |= {"camera": truth.camera, "temporal": truth.temporal.kind if truth.temporal else None}
        if truth.facts:
            known["direction"] = truth.facts.direction
        if truth.temporal:
            known["temporal level"] = truth.temporal.severity
    return [_number(name, known[name]) if name in known else UNKNOWN for name in CLASSES]


def _number(name: str, value: Any) -> float:
    classes = CLASSES[name]
    if name.endswith(" level"):
        return min(max(len(classes) * value - 0.5, 0.0), len(classes) - 1.0)
    return float(classes.index(value))


class TowerDataset(Dataset[tuple[View, list[float]]]):
    """Single clips with their targets, from the clips of lessons."""

    def __init__(self, clips: Any, count: int) -> None:
        self._clips, self._count = clips, count

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, index: int) -> tuple[View, list[float]]:
        return self._clips(index)


def collate_clips(clips: Sequence[tuple[View, list[float]]]) -> dict[str, torch.Tensor]:
    """Patches and grids of all views in order, and targets (clips, attributes)."""
    return {
        "patches": torch.cat([view.patches for view, _ in clips]),
        "grids": torch.tensor([view.grid for view, _ in clips]),
        "wanted": torch.tensor([wanted for _, wanted in clips]),
    }


class Heads(torch.nn.Module):
    """One linear head per attribute, over statistics of a clip's tokens.

    And one over their mean only, so that the tower itself computes what deviations and steps over time show, in a form
    that a language model can use.
    """

    def __init__(self, width: int, hidden: int = 256) -> None:
        super().__init__()
        self.trunk = torch.nn.Sequential(
            torch.nn.LayerNorm(6 * width), torch.nn.Linear(6 * width, hidden), torch.nn.GELU()
        )
        self.heads = torch.nn.ModuleList(torch.nn.Linear(hidden, len(classes)) for classes in CLASSES.values())
        self.plain = MeanHeads(width)

    def forward(
        self, tokens: Sequence[torch.Tensor], grids: torch.Tensor, wanted: torch.Tensor
    ) -> dict[str, torch.Tensor]:
        """The result of ``marked`` for the heads on the tower's tokens; ``plain`` are the counts of those over means.

        Args:
            tokens: (visual tokens, width) of each clip.
            grids: (clips, 3).
            wanted: (clips, attributes) class numbers from ``targets``.
        """
        found = marked(self.heads, self.summarize(tokens, grids), wanted)
        plain = self.plain(torch.stack([view.mean(0) for view in tokens]), wanted)
        return {"loss": found["loss"] + plain["loss"], "right": found["right"], "plain": plain["right"]}

    def summarize(self, tokens: Sequence[torch.Tensor], grids: torch.Tensor) -> torch.Tensor:
        """(clips, hidden): the input of ``heads``."""
        seen = [_summary(view, steps) for view, steps in zip(tokens, grids[:, 0].tolist(), strict=True)]
        read: torch.Tensor = self.trunk(torch.stack(seen))
        return read


class MeanHeads(torch.nn.Module):
    """The same attributes, by a linear head over the mean of a clip's tokens."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = torch.nn.LayerNorm(width)
        self.heads = torch.nn.ModuleList(torch.nn.Linear(width, len(each)) for each in CLASSES.values())

    def forward(self, means: torch.Tensor, wanted: torch.Tensor) -> dict[str, torch.Tensor]:
        """The result of ``marked`` for ``means`` (clips, width), with ``wanted`` from ``targets``."""
        return marked(self.heads, self.norm(means), wanted)


class ReadingHeads(MeanHeads):
    """The same attributes from hidden states of the language model: a linear head over means.

    Heads on the tower use deviations and steps over time, which attention does not compute: the tower may encode that a
    clip freezes while the language model has compared no frames. These heads require it there.
    """

    def read(self, hidden: torch.Tensor, inside: torch.Tensor, wanted: torch.Tensor) -> dict[str, torch.Tensor]:
        """The result of ``marked`` for the heads on the language model's hidden states.

        Args:
            hidden: (rows, tokens, width).
            inside: (rows, tokens): true on the clip's visual tokens.
            wanted: (rows, attributes) class numbers from ``targets``.
        """
        among = inside.to(hidden.dtype)
        means = torch.einsum("rtw,rt->rw", hidden, among) / among.sum(1, keepdim=True).clamp_min(1)
        return self(means, wanted)


def marked(heads: torch.nn.ModuleList, trunk: torch.Tensor, wanted: torch.Tensor) -> dict[str, torch.Tensor]:
    """Sum over attributes of the mean cross-entropy, with ``right``: (attributes, 2) counts of correct and all."""
    loss = torch.zeros(())
    right = []
    for head, column in zip(heads, wanted.T, strict=True):
        logits, known = head(trunk), column != UNKNOWN
        if known.any():
            below = column[known].floor().long()
            above = (below + 1).clamp_max(logits.shape[1] - 1)
            between = column[known] - below
            said = logits[known].log_softmax(1)
            low, high = (said.gather(1, place[:, None])[:, 0] for place in (below, above))
            loss = loss - ((1 - between) * low + between * high).mean()
        else:
            loss = loss + 0.0 * logits.sum()  # every head has a gradient in every step, as several processes need
        right.append(torch.stack(((logits.argmax(1) == column.round())[known].sum(), known.sum())))
    return {"loss": loss, "right": torch.stack(right)}


class TowerPretraining(torch.nn.Module):
    """A vision tower with its heads."""

    def __init__(self, tower: Any, heads: Heads) -> None:
        super().__init__()
        self.tower = tower
        self.heads = heads

    def forward(self, patches: torch.Tensor, grids: torch.Tensor, wanted: torch.Tensor) -> dict[str, torch.Tensor]:
        """Encode all views and evaluate the heads."""
        tokens = self.tower(patches, grid_thw=grids).pooler_output
        sizes = [int(np.prod(grid)) // PIXELS.merge_size**2 for grid in grids.tolist()]
        found: dict[str, torch.Tensor] = self.heads(tokens.split(sizes), grids, wanted)
        return found


def _summary(tokens: torch.Tensor, steps: int) -> torch.Tensor:
    """(6 * width,): mean and maximum over space; of these the mean over time, the deviation, and the mean step."""
    places = tokens.view(steps, -1, tokens.shape[-1])
    moments = torch.cat((places.mean(1), places.amax(1)), dim=1)
    if steps == 1:
        return torch.cat((moments[0], torch.zeros_like(moments[0]), torch.zeros_like(moments[0])))
    return torch.cat((moments.mean(0), moments.std(0), moments.diff(dim=0).abs().mean(0)))
