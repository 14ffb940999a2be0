"""First of all the eyes: the vision tower alone learns every attribute through throw-away heads.

Through a language model that cannot read yet, the tower's gradient is faint: with the short forms alone, 14,000 clips
taught it a little colour and nothing about motion. Straight heads teach it in a fraction of the time; the language
model then learns to read what the tower already knows.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch.utils.data import Dataset

from vqinsight.nano.assessor.architecture import PIXELS
from vqinsight.synthetic.captions import COLOURS, COUNTS, DIRECTIONS, SHAPES
from vqinsight.synthetic.defects_spatial import SPATIAL
from vqinsight.synthetic.defects_temporal import TEMPORAL
from vqinsight.synthetic.describe import GroundTruth
from vqinsight.synthetic.scene import CAMERA_MOVES
from vqinsight.video.views import View

UNKNOWN = -100  # an attribute that does not apply
VIEWS = 3  # of a clip: overview, detail, self-similarity; an image has the first two
CLASSES: dict[str, tuple[Any, ...]] = {
    "count": COUNTS,
    "colour": COLOURS,
    "shape": SHAPES,
    "direction": DIRECTIONS,
    "camera": CAMERA_MOVES,
    "spatial": (None, *SPATIAL),
    "spatial level": (1, 2, 3, 4, 5),
    "temporal": (None, *TEMPORAL),
    "temporal level": (1, 2, 3, 4, 5),
}


def targets(truth: GroundTruth, *, still: bool) -> list[float]:
    """One class number for each of ``CLASSES``; ``UNKNOWN`` for what a clip, or a still image of it, does not show.

    A level's number is whole in the middle of the level and lies between two numbers elsewhere: a strength at the
    border of two levels is neither.
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


class TowerDataset(Dataset[tuple[tuple[View, ...], list[float]]]):
    """Single clips with their targets, from the clips of lessons."""

    def __init__(self, clips: Any, count: int) -> None:
        self._clips, self._count = clips, count

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, index: int) -> tuple[tuple[View, ...], list[float]]:
        return self._clips(index)


def collate_glances(glances: Sequence[tuple[tuple[View, ...], list[float]]]) -> dict[str, torch.Tensor]:
    """Patches and grids of all views, clip by clip, how many each clip has, and the targets (clips, attributes)."""
    views = [view for seen, _ in glances for view in seen]
    return {
        "patches": torch.cat([view.patches for view in views]),
        "grids": torch.tensor([view.grid for view in views]),
        "counts": torch.tensor([len(seen) for seen, _ in glances]),
        "wanted": torch.tensor([wanted for _, wanted in glances]),
    }


class Heads(torch.nn.Module):
    """One linear head for every attribute, over what a clip's views look like on the whole.

    And one over no more than the mean of each view's tokens: what only deviations and steps over time would tell, the
    tower itself has to work out, and a language model can read it.
    """

    def __init__(self, width: int, hidden: int = 256) -> None:
        super().__init__()
        self.trunk = torch.nn.Sequential(Joined(6 * width), torch.nn.Linear(6 * width * VIEWS, hidden), torch.nn.GELU())
        self.heads = torch.nn.ModuleList(torch.nn.Linear(hidden, len(classes)) for classes in CLASSES.values())
        self.plain = MeanHeads(width)

    def forward(
        self, tokens: Sequence[torch.Tensor], grids: torch.Tensor, counts: torch.Tensor, wanted: torch.Tensor
    ) -> dict[str, torch.Tensor]:
        """What ``marked`` tells of the heads on the tower's tokens; ``plain`` are the counts of those over means.

        Args:
            tokens: (visual tokens, width) of each view, clip by clip.
            grids: (views, 3).
            counts: (clips,) how many views each clip has: an image lacks the last.
            wanted: (clips, attributes) class numbers, as of ``targets``.
        """
        found = marked(self.heads, self.summarize(tokens, grids, counts), wanted)
        plain = self.plain(_by_clip([view.mean(0) for view in tokens], counts), wanted)
        return {"loss": found["loss"] + plain["loss"], "right": found["right"], "plain": plain["right"]}

    def summarize(self, tokens: Sequence[torch.Tensor], grids: torch.Tensor, counts: torch.Tensor) -> torch.Tensor:
        """(clips, hidden): what ``heads`` read."""
        seen = [_summary(view, steps) for view, steps in zip(tokens, grids[:, 0].tolist(), strict=True)]
        read: torch.Tensor = self.trunk(_by_clip(seen, counts))
        return read


class Joined(torch.nn.Module):
    """What the views of a clip have, (clips, views, width), in one row, normalised: pictures together, time alone."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.pictures = torch.nn.LayerNorm((VIEWS - 1) * width)
        self.time = torch.nn.LayerNorm(width)

    def forward(self, seen: torch.Tensor) -> torch.Tensor:
        """(clips, views * width)."""
        return torch.cat((self.pictures(seen[:, :-1].flatten(1)), self.time(seen[:, -1])), dim=1)


class MeanHeads(torch.nn.Module):
    """The same attributes, by a line over the mean of each view."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = Joined(width)
        self.heads = torch.nn.ModuleList(torch.nn.Linear(VIEWS * width, len(each)) for each in CLASSES.values())

    def forward(self, means: torch.Tensor, wanted: torch.Tensor) -> dict[str, torch.Tensor]:
        """What ``marked`` tells of ``means`` (clips, views, width), with ``wanted`` as of ``targets``."""
        return marked(self.heads, self.norm(means), wanted)


class ReadingHeads(MeanHeads):
    """The same attributes, read inside the language model as a later layer can: a mean, then a line.

    Some heads on the tower take deviations and steps over time, which attention cannot: the tower may know that a clip
    freezes while nothing in the language model has compared two moments. These heads ask for it there.
    """

    def read(self, hidden: torch.Tensor, view: torch.Tensor, wanted: torch.Tensor) -> dict[str, torch.Tensor]:
        """What ``marked`` tells of the heads on the language model's hidden states.

        Args:
            hidden: (rows, tokens, width).
            view: (rows, tokens): the number of the view, from 1, on its visual tokens; every other number is none.
            wanted: (rows, attributes) class numbers, as of ``targets``.
        """
        means = []
        for number in range(1, VIEWS + 1):
            inside = (view == number).to(hidden.dtype)
            means.append(torch.einsum("rtw,rt->rw", hidden, inside) / inside.sum(1, keepdim=True).clamp_min(1))
        return self(torch.stack(means, dim=1), wanted)


def marked(heads: torch.nn.ModuleList, trunk: torch.Tensor, wanted: torch.Tensor) -> dict[str, torch.Tensor]:
    """Sum over attributes of the mean cross-entropy, with ``right``: (attributes, 2) counts of right and asked."""
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
            loss = loss + 0.0 * logits.sum()  # every head takes part in every step, as two processes need
        right.append(torch.stack(((logits.argmax(1) == column.round())[known].sum(), known.sum())))
    return {"loss": loss, "right": torch.stack(right)}


class TowerPretraining(torch.nn.Module):
    """A vision tower with its heads."""

    def __init__(self, tower: Any, heads: Heads) -> None:
        super().__init__()
        self.tower = tower
        self.heads = heads

    def forward(
        self, patches: torch.Tensor, grids: torch.Tensor, counts: torch.Tensor, wanted: torch.Tensor
    ) -> dict[str, torch.Tensor]:
        """Encode all views and ask the heads."""
        tokens = self.tower(patches, grid_thw=grids).pooler_output
        sizes = [int(np.prod(grid)) // PIXELS.merge_size**2 for grid in grids.tolist()]
        found: dict[str, torch.Tensor] = self.heads(tokens.split(sizes), grids, counts, wanted)
        return found


def _by_clip(each: Sequence[torch.Tensor], counts: torch.Tensor) -> torch.Tensor:
    """(clips, ``VIEWS``, width) from one row a view; nought for the views that an image lacks."""
    clips = torch.stack(list(each)).split(counts.tolist())
    return torch.stack([torch.nn.functional.pad(clip, (0, 0, 0, VIEWS - len(clip))) for clip in clips])


def _summary(tokens: torch.Tensor, steps: int) -> torch.Tensor:
    """(6 * width,): mean and maximum over space; of these the mean over time, the deviation, and the mean step."""
    places = tokens.view(steps, -1, tokens.shape[-1])
    moments = torch.cat((places.mean(1), places.amax(1)), dim=1)
    if steps == 1:
        return torch.cat((moments[0], torch.zeros_like(moments[0]), torch.zeros_like(moments[0])))
    return torch.cat((moments.mean(0), moments.std(0), moments.diff(dim=0).abs().mean(0)))
