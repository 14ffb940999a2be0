"""Motion between neighbouring frames: optical flow in both directions, and what it says about two or three frames.

Frames are scaled to at most 129,600 pixels (480×270) first, which bounds the cost. Flows are (h, w, 2) float32: where
the content of each pixel moves, in pixels of the scaled frame.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import sqrt

import cv2
import numpy as np

_PIXELS = 480 * 270
SMALLEST = 32  # pixels: shorter sides are too few for the flow's pyramid
_CELL = 8  # pixels of a scaled frame, side of the cells whose means are compared
_EVERY = 4  # the flow is computed on a grid of 4 pixels
_REST = 0.25  # pixels; shorter motion is not told apart from noise


def scaled_size(height: int, width: int) -> tuple[int, int]:
    """Height and width of at most 129,600 pixels and not below 32 a side; those of small frames are unchanged."""
    factor = min(1.0, max(sqrt(_PIXELS / (height * width)), SMALLEST / min(height, width)))
    return round(height * factor), round(width * factor)


def scaled(grey: np.ndarray) -> np.ndarray:
    """(H, W) uint8 reduced by area to ``scaled_size``."""
    size = scaled_size(*grey.shape)
    small: np.ndarray = cv2.resize(grey, size[::-1], interpolation=cv2.INTER_AREA) if size != grey.shape else grey
    return small


def cell_means(small: np.ndarray) -> np.ndarray:
    """(h, w) uint8 to the float32 means of cells of 8×8 pixels."""
    rows, columns = max(1, small.shape[0] // _CELL), max(1, small.shape[1] // _CELL)
    means: np.ndarray = cv2.resize(small.astype(np.float32), (columns, rows), interpolation=cv2.INTER_AREA)
    return means


@dataclass(frozen=True)
class Motion:
    """Optical flow between two frames, and how well it explains the second.

    Attributes:
        forward: from the first frame to the second, on the grid of the first, every 4th pixel.
        back: from the second to the first, on the grid of the second, every 4th pixel.
        speed: mean length of ``back``, in pixels.
        shift: median of ``-back``: the motion of most of the picture, x and y.
        inconsistent: share of pixels where forward and back do not lead to where they began. After Sundaram, Brox and
            Keutzer 2010, "Dense point trajectories by GPU-accelerated large displacement optical flow".
        change: mean absolute difference of the frames, in grey levels.
        warping: what remains of it after the first frame is moved along the flow, in grey levels. After Lai et al.
            2018, "Learning blind video temporal consistency".
    """

    forward: np.ndarray
    back: np.ndarray
    speed: float
    shift: tuple[float, float]
    inconsistent: float
    change: float
    warping: float


class Flow:
    """DIS optical flow (Kroeger et al. 2016, "Fast optical flow using dense inverse search"), its fastest preset."""

    def __init__(self) -> None:
        self._dis = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_ULTRAFAST)

    def between(self, first: np.ndarray, second: np.ndarray) -> Motion:
        """Motion from one scaled (h, w) uint8 frame to the next of the same size, at least 32 pixels a side."""
        forward, back = self._dis.calc(first, second, None), self._dis.calc(second, first, None)
        grid = _grid(first.shape)
        came_from = grid + back
        moved = cv2.remap(first, came_from, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        thin = np.s_[::_EVERY, ::_EVERY]
        thin_back = np.ascontiguousarray(back[thin])
        there = cv2.remap(forward, came_from[thin], None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        lengths = _squares(there) + _squares(thin_back)
        astray = _squares(there + thin_back) > 0.01 * lengths + 0.5
        return Motion(
            forward=np.ascontiguousarray(forward[thin]),
            back=thin_back,
            speed=float(np.sqrt(_squares(thin_back)).mean()),
            shift=(-float(np.median(thin_back[..., 0])), -float(np.median(thin_back[..., 1]))),
            inconsistent=float(astray.mean()),
            change=_mean_difference(first, second),
            warping=_mean_difference(moved, second),
        )


def unsteadiness(before: Motion, after: Motion) -> float:
    """How much local motion changes at the frame between two steps, relative to its size: 0 steady, 1 reversed.

    Both flows lie on the grid of the frame in between; what the whole picture does is ``jolt``.
    """
    change = after.forward + before.back
    local = change - np.median(change, axis=(0, 1))
    size = np.sqrt(_squares(after.forward)) + np.sqrt(_squares(before.back))
    return float(np.sqrt(_squares(local)).mean() / (size.mean() + 2 * _REST))


def jolt(before: Motion, after: Motion) -> float:
    """Change of the whole picture's motion at the frame between two steps, in pixels of the scaled frame."""
    change = np.median(after.forward + before.back, axis=(0, 1))
    return float(np.hypot(*change))


def _squares(flow: np.ndarray) -> np.ndarray:
    squares: np.ndarray = flow[..., 0] ** 2 + flow[..., 1] ** 2
    return squares


def _mean_difference(one: np.ndarray, other: np.ndarray) -> float:
    return float(cv2.mean(cv2.absdiff(one, other))[0])


@lru_cache(maxsize=4)
def _grid(shape: tuple[int, int]) -> np.ndarray:
    across, down = np.meshgrid(np.arange(shape[1], dtype=np.float32), np.arange(shape[0], dtype=np.float32))
    return np.stack((across, down), -1)
