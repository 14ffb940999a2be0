"""Detection of shapes in a frame of the simple synthetic set, and their comparison with clean drawings."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy import ndimage

from vqinsight.synthetic.captions import SHAPES
from vqinsight.synthetic.scene import outline_distance

PATCH = 45  # side of the window in which shapes are compared, odd
_RADII = np.arange(7.5, 20, 0.75)
_TILTS = np.linspace(-0.25, 0.25, 5)
BLURS = np.array([0.0, 0.45, 0.75, 1.1, 1.5, 2.0, 2.6, 3.3, 4.1])
_SMALLEST = 45  # area in pixels of the smallest shape


@dataclass(frozen=True)
class Piece:
    """One shape in one frame.

    Attributes:
        centre: (x, y) in pixels.
        colour: (3,) RGB 0–255 at its centre.
        shape, radius, blur: of the most similar drawing; blur as standard deviation of a Gaussian in pixels.
        error: difference from that drawing as a share of its area.
        cover: (PATCH, PATCH) share of its colour in each pixel around its centre, 0 to 1.
        mask: (H, W) its pixels.
    """

    centre: np.ndarray
    colour: np.ndarray
    shape: str
    radius: float
    blur: float
    error: float
    cover: np.ndarray
    mask: np.ndarray


@cache
def _drawings() -> tuple[np.ndarray, list[tuple[str, float, float]]]:
    """Clean drawings (n, PATCH²) around their centroid, with shape, radius and blur of each."""
    half = PATCH // 2
    pictures, names = [], []
    for shape in SHAPES:
        for radius in _RADII:
            for tilt in _TILTS if shape != "circle" else _TILTS[:1]:
                y, x = np.mgrid[-half : half + 1, -half : half + 1].astype(np.float32)
                offset = np.zeros(2)
                for _ in range(2):  # drawn once to find the centroid, then around it
                    u = (x + offset[0]) * np.cos(tilt) + (y + offset[1]) * np.sin(tilt)
                    v = (y + offset[1]) * np.cos(tilt) - (x + offset[0]) * np.sin(tilt)
                    picture = np.clip(0.5 - outline_distance(shape, u, v, radius), 0, 1)
                    offset += np.array([(x * picture).sum(), (y * picture).sum()]) / picture.sum()
                for blur in BLURS:
                    pictures.append(ndimage.gaussian_filter(picture, blur).ravel() if blur else picture.ravel())
                    names.append((shape, float(radius), float(blur)))
    return np.stack(pictures).astype(np.float32), names


def ramp(frame: np.ndarray) -> np.ndarray:
    """The background (H, W, 3) as a plane in each channel, fitted to the pixels close to it."""
    height, width = frame.shape[:2]
    y, x = np.mgrid[:height, :width] / max(height, width)
    basis = np.stack((np.ones_like(x), x, y), -1).reshape(-1, 3)
    pixels = frame.reshape(-1, 3)
    ground = np.broadcast_to(np.median(pixels, 0), pixels.shape)
    for _ in range(4):
        apart = np.linalg.norm(pixels - ground, axis=1)
        near = apart <= max(np.quantile(apart, 0.55), 6.0)
        ground = basis @ np.linalg.lstsq(basis[near], pixels[near], rcond=None)[0]
    return ground.reshape(frame.shape).astype(np.float32)


def find_pieces(frame: np.ndarray, ground: np.ndarray) -> list[Piece]:
    """The shapes of a frame: connected regions far from the background's colour."""
    smooth = ndimage.gaussian_filter(frame, (0.8, 0.8, 0))
    apart = np.linalg.norm(smooth - ground, axis=-1)
    strong = np.quantile(apart, 0.97)
    if strong < 25:
        return []
    labels, _ = ndimage.label(apart > max(0.5 * strong, 18))
    sizes = np.bincount(labels.ravel())
    found = []
    for label in np.flatnonzero(sizes >= _SMALLEST):
        if label:
            found.append(_piece(frame, ground, labels == label))
    return found


def _piece(frame: np.ndarray, ground: np.ndarray, mask: np.ndarray) -> Piece:
    deep = ndimage.distance_transform_edt(np.pad(mask, 1))[1:-1, 1:-1]
    core = deep >= 0.5 * deep.max()
    colour = np.median(frame[core], 0)
    # The shade of a shape varies across it: each side has its own full colour.
    direction = colour - np.median(ground[core], 0)
    cover = ((frame - ground) @ direction) / max(float(direction @ direction), 1e-6)
    near = ndimage.binary_dilation(mask, iterations=5)
    cover = np.clip(cover, 0, 1) * near
    y, x = np.nonzero(near)
    weight = cover[y, x]
    centre = np.array([(x * weight).sum(), (y * weight).sum()]) / weight.sum()
    half = PATCH // 2
    grid = np.mgrid[-half : half + 1, -half : half + 1].astype(np.float32)
    patch = ndimage.map_coordinates(cover, (grid[0] + centre[1], grid[1] + centre[0]), order=1, mode="constant")
    pictures, names = _drawings()
    flat = patch.ravel().astype(np.float32)
    errors = (pictures**2).sum(1) - 2 * pictures @ flat
    best = int(np.argmin(errors))
    shape, radius, blur = names[best]
    error = float(np.abs(pictures[best] - flat).sum() / pictures[best].sum())
    return Piece(centre, colour, shape, radius, blur, error, patch, mask)
