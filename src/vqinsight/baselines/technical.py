"""A signal-based technical score without weights: sharpness, noise, blocking; flicker, freezing, unsteadiness.

Each defect is measured in its own unit and reduces the score by the share ``measure / (measure + half)``, where
``half`` is the strength that halves the score; the factors multiply. It ignores content, faces, anatomy and the text
prompt.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from vqinsight.baselines.base import Scorer, Scores
from vqinsight.baselines.frames import chosen_frames
from vqinsight.baselines.sampling import evenly, windows
from vqinsight.measure import spatial
from vqinsight.tasks.types import Missing

_STILLS = 8  # sampled frames for spatial defects
_RUNS, _LENGTH = 4, 12  # runs of neighbouring frames, and their length, for temporal defects
_BLOCK = 8  # side in pixels of the cells in which motion is measured

BLUR_POWER = 1.12  # a slight blur removes grain and block edges too, and has to cost more than they do
NOISE_HALF = 25.0  # grey levels
BLOCKING_HALF = 1.0
FLICKER_HALF = 0.1
STEADY = 0.55  # what smooth motion measures; a little above one half
UNSTEADY_HALF = 0.5


@dataclass(frozen=True)
class SpatialDefects:
    """Means over frames.

    Attributes:
        blur: see ``measure.spatial.blur``, 0 (crisp) to 1.
        noise: see ``measure.spatial.noise``, in grey levels.
        blocking: see ``measure.spatial.blockiness``.
    """

    blur: float
    noise: float
    blocking: float

    @property
    def score(self) -> float:
        """0 to 100; falls with every defect."""
        kept = (1 - self.blur) ** BLUR_POWER * (1 - _share(self.noise**2, NOISE_HALF**2))
        kept *= 1 - _share(self.blocking, BLOCKING_HALF)
        return 100 * kept


@dataclass(frozen=True)
class TemporalDefects:
    """Over runs of neighbouring frames.

    Attributes:
        flicker: how far a frame's brightness lies from the mean of its neighbours', relative to the brightness.
        freeze: share of steps in which nothing moves, in a clip that moves; 0 for one that does not.
        unsteadiness: change over one frame relative to change over two, beyond what smooth motion has, weighed
            by how much changes at all.
    """

    flicker: float
    freeze: float
    unsteadiness: float

    @property
    def score(self) -> float:
        """0 to 100; falls with every defect."""
        kept = (1 - _share(self.flicker, FLICKER_HALF)) * (1 - _share(self.unsteadiness, UNSTEADY_HALF))
        return 100 * kept * (1 - self.freeze)


class Technical(Scorer):
    """Scores ``spatial``, ``temporal`` (absent for a still) and ``quality``, their product, each 0 to 100."""

    name = "technical"
    ranges = {"spatial": (0.0, 100.0), "temporal": (0.0, 100.0), "quality": (0.0, 100.0)}  # noqa: RUF012

    def score(self, path: str, prompt: str | None = None) -> Scores | Missing:  # noqa: ARG002
        """See ``Baseline.score``; the prompt is ignored."""
        stills: set[int] = set()
        runs: list[list[int]] = []

        def choose(total: int) -> list[int]:
            stills.update(evenly(total, _STILLS))
            runs.extend(windows(total, _RUNS, _LENGTH))
            return sorted(stills | {index for run in runs for index in run})

        grey = {index: luminance(frame) for index, frame in chosen_frames(path, choose).items()}
        still = spatial_defects([grey[index] for index in sorted(stills)]).score
        neighbours = [np.stack([grey[index] for index in run]) for run in runs if len(run) > 2]
        if not neighbours:
            return {"spatial": still, "quality": still}
        temporal = temporal_defects(neighbours).score
        return {"spatial": still, "temporal": temporal, "quality": still * temporal / 100}

    def overall(self, values: Scores) -> float:  # type: ignore[override]
        """The product of both, not the mean: a clip is as bad as its worst dimension."""
        return values["quality"]


def luminance(frame: np.ndarray) -> np.ndarray:
    """The middle of a uint8 RGB frame as (H, W) uint8 grey levels, at native resolution."""
    return spatial.central(spatial.grey_levels(frame))


def spatial_defects(frames: Sequence[np.ndarray]) -> SpatialDefects:
    """From (H, W) uint8 grey frames; a frame in which something cannot be measured does not show that defect."""
    blur, noise, blocking = (
        float(np.mean(np.nan_to_num([measure(frame) for frame in frames])))
        for measure in (spatial.blur, spatial.noise, spatial.blockiness)
    )
    return SpatialDefects(blur, noise, blocking)


def temporal_defects(runs: Sequence[np.ndarray]) -> TemporalDefects:
    """From runs of at least three neighbouring frames, each (T, H, W) uint8 grey levels."""
    flicker, ratio, size, steps = [], [], [], []
    for run in runs:
        level = run.mean((1, 2))
        flicker.append(np.abs(level[1:-1] - (level[:-2] + level[2:]) / 2).mean() / (level.mean() + _BLOCK))
        cells = _cells(run)
        one = np.abs(cells[1:-1] - cells[:-2]).mean()
        two = np.abs(cells[2:] - cells[:-2]).mean()
        ratio.append(one / (two + 0.1))  # a tenth of a level: smaller changes come from the codec
        size.append(one)
        moved = np.abs(np.diff(cells, axis=0)).reshape(len(run) - 1, -1)
        steps.append(np.quantile(moved, 0.98, axis=1))  # small moving objects cover few cells
    excess = max(0.0, float(np.mean(ratio)) - STEADY)
    change = float(np.mean(size))
    return TemporalDefects(float(np.mean(flicker)), _frozen(np.concatenate(steps)), excess * change / (change + 1))


def _share(measure: float, half: float) -> float:
    return measure / (measure + half)


def _cells(frames: np.ndarray) -> np.ndarray:
    """(T, H, W) to the means of cells of 8×8 pixels, (T, h, w); a frame smaller than a cell is one cell."""
    count, height, width = frames.shape
    side_y, side_x = min(_BLOCK, height), min(_BLOCK, width)
    rows, columns = height // side_y, width // side_x
    cut = frames[:, : rows * side_y, : columns * side_x].reshape(count, rows, side_y, columns, side_x)
    means: np.ndarray = cut.mean((2, 4))
    return means


def _frozen(steps: np.ndarray) -> float:
    """Share of steps far below the clip's own motion; its 95th percentile, so that a cut does not set the measure."""
    motion = np.quantile(steps, 0.95)
    return float(((steps < 0.1 * motion) & (steps < 1)).mean()) if motion > 1 else 0.0
