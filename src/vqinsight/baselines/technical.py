"""A signal-based technical score without weights: sharpness, noise, blocking; flicker, freezing, unsteadiness.

Each defect is measured in its own unit and reduces the score by the share ``measure / (measure + half)``, where
``half`` is the strength that halves the score; the factors multiply. It ignores content, faces, anatomy and the text
prompt.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from vqinsight.baselines.base import Scorer, Scores
from vqinsight.baselines.frames import chosen_frames, evenly, windows
from vqinsight.tasks.types import Missing

_STILLS = 8  # sampled frames for spatial defects
_RUNS, _LENGTH = 4, 12  # runs of neighbouring frames, and their length, for temporal defects
_CROP = (540, 960)  # the middle of larger frames, at native resolution, so that the cost is bounded
_BLOCK = 8  # side in pixels of a codec's blocks, and of the cells in which motion is measured
_EDGES = 0.98  # blur is measured where gradients are above this quantile: flat parts say nothing about it
_LAPLACIAN = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)

NOISE_HALF = 25.0  # grey levels
BLOCKING_HALF = 1.0
FLICKER_HALF = 0.1
STEADY = 0.55  # what smooth motion measures; a little above one half
UNSTEADY_HALF = 0.5


@dataclass(frozen=True)
class SpatialDefects:
    """Means over frames.

    Attributes:
        blur: share of the strongest gradients that a 9-pixel blur leaves standing, 0 (crisp) to 1. After
            Crété et al. 2007, "The blur effect".
        noise: standard deviation in grey levels where the picture is quietest. After Immerkær 1996, "Fast noise
            variance estimation".
        blocking: by how much gradients on the worst grid of 8 pixels stand out against the mean gradient.
    """

    blur: float
    noise: float
    blocking: float

    @property
    def score(self) -> float:
        """0 to 100; falls with every defect."""
        kept = (1 - self.blur) * (1 - _share(self.noise**2, NOISE_HALF**2)) * (1 - _share(self.blocking, BLOCKING_HALF))
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
        spatial = spatial_defects([grey[index] for index in sorted(stills)]).score
        neighbours = [np.stack([grey[index] for index in run]) for run in runs if len(run) > 2]
        if not neighbours:
            return {"spatial": spatial, "quality": spatial}
        temporal = temporal_defects(neighbours).score
        return {"spatial": spatial, "temporal": temporal, "quality": spatial * temporal / 100}

    def overall(self, values: Scores) -> float:  # type: ignore[override]
        """The product of both, not the mean: a clip is as bad as its worst dimension."""
        return values["quality"]


def luminance(frame: np.ndarray) -> np.ndarray:
    """The middle of a uint8 RGB frame as float32 grey levels, at most 540×960, at native resolution."""
    height, width = frame.shape[:2]
    top, left = max(0, height - _CROP[0]) // 2, max(0, width - _CROP[1]) // 2
    middle = frame[top : top + _CROP[0], left : left + _CROP[1]]
    grey: np.ndarray = middle.astype(np.float32) @ np.array([0.299, 0.587, 0.114], np.float32)
    return grey


def spatial_defects(frames: Sequence[np.ndarray]) -> SpatialDefects:
    """From (H, W) float32 grey frames."""
    return SpatialDefects(
        blur=float(np.mean([_blur(frame) for frame in frames])),
        noise=float(np.mean([_noise(frame) for frame in frames])),
        blocking=float(np.mean([_blocking(frame) for frame in frames])),
    )


def temporal_defects(runs: Sequence[np.ndarray]) -> TemporalDefects:
    """From runs of at least three neighbouring frames, each (T, H, W) float32 grey levels."""
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


def _blur(frame: np.ndarray) -> float:
    quiet = ndimage.median_filter(frame, 5)  # without it noise counts as detail
    kept = []
    for axis in (0, 1):
        sharp = np.abs(np.diff(quiet, axis=axis))
        soft = np.abs(np.diff(ndimage.uniform_filter1d(quiet, 9, axis=axis, mode="nearest"), axis=axis))
        if not sharp.size or sharp.max() == 0:
            continue  # a flat frame has no blur
        edges = sharp >= max(np.quantile(sharp, _EDGES), np.finfo(np.float32).tiny)
        kept.append(np.minimum(soft, sharp)[edges].sum() / sharp[edges].sum())
    return float(max(kept, default=0.0))


def _noise(frame: np.ndarray) -> float:
    residue = _cells(np.abs(ndimage.convolve(frame, _LAPLACIAN, mode="nearest"))[None])[0]
    return float(np.sqrt(np.pi / 2) / 6 * np.quantile(residue, 0.2))  # texture is local, noise is not


def _blocking(frame: np.ndarray) -> float:
    worst = 0.0
    for axis in (0, 1):
        steps = np.abs(np.diff(frame, axis=axis)).mean(1 - axis)
        if len(steps) < 2 * _BLOCK + 2:
            continue
        peaks = np.maximum(0, steps[1:-1] - (steps[:-2] + steps[2:]) / 2)
        *others, grid = sorted(float(peaks[phase::_BLOCK].mean()) for phase in range(_BLOCK))
        worst = max(worst, (grid - float(np.mean(others))) / (float(steps.mean()) + 1))
    return worst


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
