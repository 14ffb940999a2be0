"""Temporal defects: damage visible only across frames. Severity as in ``defects_spatial``.

Every function takes ``fetch`` (indices -> clean frames (n, H, W, 3) uint8 RGB), the clip's frame count ``total``, the
indices ``at`` of the wanted frames, a ``severity`` in (0, 1] and a random generator; it returns the damaged frames
``at``. All random numbers are drawn for the whole clip first, so frames do not depend on which others are wanted, and
only wanted frames are rendered or decoded.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

Fetch = Callable[[np.ndarray], np.ndarray]


def jitter(fetch: Fetch, total: int, at: np.ndarray, severity: float, rng: np.random.Generator) -> np.ndarray:
    """Random shifts by 1 to 6 % of the short side, independent in every frame."""
    frames = fetch(at)
    height, width = frames.shape[1:3]
    amplitude = max(1.0, min(height, width) * (0.008 + 0.05 * severity))
    pad = int(np.ceil(amplitude))
    shifts = np.rint(rng.uniform(-amplitude, amplitude, (total, 2))).astype(int)[at] + pad
    padded = np.pad(frames, ((0, 0), (pad, pad), (pad, pad), (0, 0)), mode="edge")
    return np.stack([frame[y : y + height, x : x + width] for frame, (y, x) in zip(padded, shifts, strict=True)])


def flicker(fetch: Fetch, total: int, at: np.ndarray, severity: float, rng: np.random.Generator) -> np.ndarray:
    """Brightness changes from frame to frame by up to 6 to 50 %."""
    amplitude = 0.04 + 0.46 * severity
    signs = np.where(np.arange(total) % 2, 1, -1) * rng.choice((-1, 1), total, p=(0.25, 0.75))
    gain = 1 + amplitude * signs * rng.uniform(0.6, 1.0, total)
    return np.clip(np.rint(fetch(at) * gain[at, None, None, None].astype(np.float32)), 0, 255).astype(np.uint8)


def freeze(fetch: Fetch, total: int, at: np.ndarray, severity: float, rng: np.random.Generator) -> np.ndarray:
    """Frames are dropped and the last one shown again: 25 to 88 % of all frames are repeats, in runs."""
    repeats = 0.2 + 0.68 * severity
    shown = np.arange(total)
    held = rng.permutation(np.arange(1, total))[: max(1, round(repeats * total))]
    for t in np.sort(held):
        shown[t] = shown[t - 1]
    return fetch(shown[at])


def shuffle(fetch: Fetch, total: int, at: np.ndarray, severity: float, rng: np.random.Generator) -> np.ndarray:
    """Frames are exchanged with others up to 2 to 10 steps away."""
    order = np.arange(total)
    while total > 1 and np.all(np.diff(order) == 1):  # a short clip can come out unshuffled
        order = np.argsort(np.arange(total) + rng.uniform(0, 1.6 + 8.4 * severity, total))
    return fetch(order[at])


def ghosting(fetch: Fetch, total: int, at: np.ndarray, severity: float, rng: np.random.Generator) -> np.ndarray:  # noqa: ARG001
    """A translucent copy of the frame 3 to 6 frames earlier, with 19 to 57 % opacity."""
    weight = np.float32(0.15 + 0.42 * severity)
    lag = int(rng.integers(3, 7))
    return np.rint((1 - weight) * fetch(at) + weight * fetch(np.maximum(at - lag, 0))).astype(np.uint8)


def morphing(fetch: Fetch, total: int, at: np.ndarray, severity: float, rng: np.random.Generator) -> np.ndarray:  # noqa: ARG001
    """Deformation: a smooth warp of 1 to 8 % of the short side that changes over time, as in generated video."""
    frames = fetch(at)
    amplitude = min(frames.shape[1:3]) * (0.01 + 0.07 * severity)
    time = at.astype(np.float32)[:, None, None, None]
    period, phase = rng.uniform(5, 11, (2, 1, 2, 4, 4)), rng.uniform(0, 2 * np.pi, (2, 1, 2, 4, 4))
    waves = np.sin(2 * np.pi * time / period[0] + phase[0]) + np.sin(2 * np.pi * time / period[1] + phase[1])
    return warped(frames, waves * amplitude / 2)


def warped(frames: np.ndarray, coarse: np.ndarray) -> np.ndarray:
    """Frames (n, H, W, 3) moved by a smooth flow.

    Args:
        coarse: (n, 2, rows, columns) horizontal and vertical pixels on a coarse grid.
    """
    height, width = frames.shape[1:3]
    grid = torch.from_numpy(coarse.astype(np.float32))
    flow = torch.nn.functional.interpolate(grid, (height, width), mode="bicubic", align_corners=True)
    y, x = torch.meshgrid(torch.linspace(-1, 1, height), torch.linspace(-1, 1, width), indexing="ij")
    places = torch.stack((x + flow[:, 0] * (2 / width), y + flow[:, 1] * (2 / height)), dim=-1)
    pixels = torch.from_numpy(np.array(frames)).permute(0, 3, 1, 2).float()
    moved = torch.nn.functional.grid_sample(pixels, places, mode="bilinear", padding_mode="border", align_corners=True)
    return moved.round().byte().permute(0, 2, 3, 1).contiguous().numpy()


TEMPORAL = {
    "jitter": jitter,
    "flicker": flicker,
    "freeze": freeze,
    "shuffle": shuffle,
    "ghosting": ghosting,
    "morphing": morphing,
}
NEEDS_MOTION = ("freeze", "shuffle", "ghosting")  # invisible without motion
