"""Defects of generated video, which no measurement names: the same interface as ``defects_spatial`` and
``defects_temporal``.
"""

from __future__ import annotations

import numpy as np

from vqinsight.synthetic.defects_temporal import Fetch, warped


def deformed(frames: np.ndarray, severity: float, rng: np.random.Generator) -> np.ndarray:
    """Things out of shape: a warp of 1.5 to 8 % of the short side, the same in all frames."""
    amplitude = min(frames.shape[1:3]) * (0.015 + 0.065 * severity)
    cells = int(rng.integers(4, 8))
    grid = rng.normal(size=(1, 2, cells, cells)) * amplitude / 1.5
    return warped(frames, np.repeat(grid, len(frames), axis=0))


def boiling(fetch: Fetch, total: int, at: np.ndarray, severity: float, rng: np.random.Generator) -> np.ndarray:
    """Texture that is drawn anew in every frame: an independent warp of 0.4 to 3 % of the short side in each."""
    frames = fetch(at)
    amplitude = max(0.6, min(frames.shape[1:3]) * (0.004 + 0.026 * severity))
    cells = int(rng.integers(6, 14))
    grids = rng.normal(size=(total, 2, cells, cells)) * amplitude
    return warped(frames, grids[at])


def transforming(fetch: Fetch, total: int, at: np.ndarray, severity: float, rng: np.random.Generator) -> np.ndarray:
    """A thing that turns into another: a region of the picture fades into a different part of it.

    The region's radius is 12 to 40 % of the short side.
    """
    frames = fetch(at)
    mask, shift = _region(frames, 0.12 + 0.28 * severity, rng)
    begin, lasting = rng.uniform(0.15, 0.6) * total, max(1.0, rng.uniform(0.1, 0.4) * total)
    weight = (np.clip((at - begin) / lasting, 0, 1) * (0.5 + 0.5 * severity)).astype(np.float32)
    other = np.roll(frames, shift, axis=(1, 2))
    share = weight[:, None, None, None] * mask[None, :, :, None]
    return np.rint((1 - share) * frames + share * other).astype(np.uint8)


def sliding(fetch: Fetch, total: int, at: np.ndarray, severity: float, rng: np.random.Generator) -> np.ndarray:  # noqa: ARG001
    """Wrong motion: a region of the picture slides off against its surroundings, by 0.2 to 1.6 % of the short side a
    frame, and swings back.
    """
    frames = fetch(at)
    height, width = frames.shape[1:3]
    angle, phase = rng.uniform(0, 2 * np.pi, 2)
    speed = min(height, width) * (0.002 + 0.014 * severity)
    period = rng.uniform(14, 40)
    way = speed * period / (2 * np.pi) * np.sin(2 * np.pi * at / period + phase)
    centre, reach = rng.uniform(0.25, 0.75, 2), rng.uniform(0.15, 0.3)
    rows, columns = (np.linspace(0, 1, 12)[:, None], np.linspace(0, 1, 12)[None, :])
    near = np.exp(-((((rows - centre[0]) ** 2 + (columns - centre[1]) ** 2) / (2 * reach**2)) ** 2))
    grids = way[:, None, None, None] * np.stack((np.cos(angle) * near, np.sin(angle) * near))[None]
    return warped(frames, grids)


def _region(frames: np.ndarray, radius: float, rng: np.random.Generator) -> tuple[np.ndarray, tuple[int, int]]:
    """A soft round region (H, W), 0 to 1, and how far away the picture is taken that fades in there."""
    height, width = frames.shape[1:3]
    reach = radius * min(height, width)
    y, x = np.mgrid[:height, :width].astype(np.float32)
    centre = rng.uniform(0.25, 0.75, 2) * (height, width)
    far = np.hypot(y - centre[0], x - centre[1])
    mask = np.clip((reach - far) / (0.3 * reach) + 0.5, 0, 1).astype(np.float32)
    shift = [int(side * rng.uniform(0.3, 0.7)) for side in (height, width)]
    return mask, (shift[0], shift[1])
