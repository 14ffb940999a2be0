"""Patches from pixels: resizing, normalising and cutting exactly like the official Qwen-VL processors, in torch.

The official video processors need torchvision, which has no build for every torch. ``resize`` interpolates the uint8
frame itself, as they do: interpolating floats instead is off by up to 0.38 after normalisation.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch


@dataclass(frozen=True)
class PixelSpec:
    """Format of a model's pixels, read from its preprocessor files.

    Attributes:
        patch_size: side of a patch in pixels.
        temporal_patch_size: frames in a patch.
        merge_size: patches along each side that become one token of the language model.
        mean, std: per RGB channel, of values in [0, 1].
        min_pixels, max_pixels: limits on height x width of one frame after resizing.
    """

    patch_size: int
    temporal_patch_size: int
    merge_size: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    min_pixels: int
    max_pixels: int

    @property
    def factor(self) -> int:
        """Both sides of a resized frame are multiples of this many pixels, the side of one token."""
        return self.patch_size * self.merge_size


def target_size(height: int, width: int, spec: PixelSpec) -> tuple[int, int]:
    """(height, width) after resizing: multiples of ``spec.factor`` within the pixel limits, at nearly the same aspect
    ratio.

    The rule of the official processors; an extreme aspect ratio gives at least one token on the short side.
    """
    factor = spec.factor
    h = round(height / factor) * factor
    w = round(width / factor) * factor
    if h * w > spec.max_pixels:
        shrink = math.sqrt(height * width / spec.max_pixels)
        h = max(factor, math.floor(height / shrink / factor) * factor)
        w = max(factor, math.floor(width / shrink / factor) * factor)
    elif h * w < spec.min_pixels:
        grow = math.sqrt(spec.min_pixels / (height * width))
        h = math.ceil(height * grow / factor) * factor
        w = math.ceil(width * grow / factor) * factor
    return h, w


def resize(frame: np.ndarray, size: tuple[int, int]) -> torch.Tensor:
    """(H, W, 3) uint8 to (3, h, w) uint8 by antialiased bicubic interpolation."""
    pixels = torch.from_numpy(np.ascontiguousarray(frame)).permute(2, 0, 1)
    if tuple(pixels.shape[1:]) == tuple(size):
        return pixels
    return torch.nn.functional.interpolate(pixels[None], size=size, mode="bicubic", antialias=True)[0]


def patchify(frames: torch.Tensor, spec: PixelSpec) -> tuple[torch.Tensor, tuple[int, int, int]]:
    """Normalise (T, 3, H, W) uint8 frames and cut them into patches.

    An odd number of frames is completed by repeating the last one.

    Returns:
        Patches (t*h*w, 3 * temporal_patch_size * patch_size**2) float32 in the order of the vision tower (the
        patches of one token next to each other), and the grid (t, h, w) in patches.
    """
    if missing := -len(frames) % spec.temporal_patch_size:
        frames = torch.cat((frames, frames[-1:].expand(missing, -1, -1, -1)))
    # One fused scale and shift, as upstream: (x / 255 - mean) / std = (x - 255 mean) / (255 std).
    mean = 255 * torch.tensor(spec.mean).view(3, 1, 1)
    std = 255 * torch.tensor(spec.std).view(3, 1, 1)
    pixels = (frames.float() - mean) / std
    count, channels, height, width = pixels.shape
    t, h, w = count // spec.temporal_patch_size, height // spec.patch_size, width // spec.patch_size
    m, p = spec.merge_size, spec.patch_size
    cut = pixels.view(t, spec.temporal_patch_size, channels, h // m, m, p, w // m, m, p)
    cut = cut.permute(0, 3, 6, 4, 7, 2, 1, 5, 8)
    return cut.reshape(t * h * w, -1), (t, h, w)


def permute_frames(
    patches: torch.Tensor, grid: tuple[int, int, int], order: Sequence[int], spec: PixelSpec
) -> torch.Tensor:
    """The patches of frames in another order, equal to those that ``patchify`` cuts from the frames in that order.

    Args:
        patches: from ``patchify``, with its ``grid`` (t, h, w).
        order: for each of the t * temporal_patch_size places the frame that stands there.
    """
    t, h, w = grid
    frames = patches.view(t, h * w, 3, spec.temporal_patch_size, -1).transpose(1, 3).flatten(0, 1)
    moved = frames[torch.tensor(order)].unflatten(0, (t, spec.temporal_patch_size))
    return moved.transpose(1, 3).reshape(patches.shape)


def native_crops(frame: np.ndarray, rows: int, columns: int, side: int) -> torch.Tensor:
    """A mosaic of native-resolution squares, one from the middle of each cell of a ``rows`` x ``columns`` grid.

    Downscaling a large frame hides blur, noise and blocking; the mosaic keeps them at no extra cost. Portrait frames
    use the transposed grid. A frame too small for its mosaic is enlarged until it fits.

    Returns:
        (3, rows*side, columns*side) uint8 (transposed grid for portrait frames).
    """
    height, width = frame.shape[:2]
    if height > width:
        rows, columns = columns, rows
    grow = max(rows * side / height, columns * side / width)
    pixels = torch.from_numpy(np.ascontiguousarray(frame)).permute(2, 0, 1)
    if grow > 1:
        height, width = math.ceil(height * grow), math.ceil(width * grow)
        pixels = resize(frame, (height, width))
    tops = [round((row + 0.5) * height / rows - side / 2) for row in range(rows)]
    lefts = [round((column + 0.5) * width / columns - side / 2) for column in range(columns)]
    strips = [torch.cat([pixels[:, y : y + side, x : x + side] for x in lefts], dim=2) for y in tops]
    return torch.cat(strips, dim=1)
