"""What a model is shown of a clip: an overview and, for small models, details at native resolution."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch

from vqinsight.video.pixels import PixelSpec, fragments, patchify, resize, target_size


@dataclass(frozen=True)
class View:
    """One image or video as the vision tower takes it.

    Attributes:
        kind: which placeholder token stands for it in the prompt.
        patches: (t*h*w, patch values) float32.
        grid: (t, h, w) in patches.
        seconds_per_grid: time between temporal patches, in seconds; 0 for an image.
        times: presentation time in seconds of each frame shown.
    """

    kind: Literal["image", "video"]
    patches: torch.Tensor
    grid: tuple[int, int, int]
    seconds_per_grid: float
    times: tuple[float, ...]


@dataclass(frozen=True)
class DetailSpec:
    """The detail view: ``rows`` x ``columns`` native-resolution fragments of each sampled frame and of its successor.

    Consecutive frames also show jitter, flicker and stutter, which frames half a second apart cannot.
    """

    rows: int
    columns: int


def wanted_frames(indices: tuple[int, ...], total: int, detail: DetailSpec | None) -> tuple[int, ...]:
    """Distinct frame indices to decode, sorted: the sampled frames and, for the detail view, their successors."""
    wanted = set(indices)
    if detail is not None:
        wanted.update(index for pair in _pairs(indices, total) for index in pair)
    return tuple(sorted(wanted))


def _pairs(indices: tuple[int, ...], total: int) -> list[tuple[int, int]]:
    """Each sampled frame with the one after it; the last frame of a clip with the one before, in order of time."""
    return [(max(min(i, total - 2), 0), min(i + 1, total - 1)) for i in indices]


def video_views(
    frames: Iterable[tuple[int, np.ndarray]],
    indices: tuple[int, ...],
    times: tuple[float, ...],
    total: int,
    spec: PixelSpec,
    detail: DetailSpec | None,
) -> tuple[View, ...]:
    """Views of a clip from its decoded frames, consumed one at a time so that memory does not grow with frame size.

    Args:
        frames: (index, (H, W, 3) uint8) for every index of ``wanted_frames``.
        indices, times: the sampled frames and their presentation times in seconds.
        total: number of frames in the whole clip.
    """
    small: dict[int, torch.Tensor] = {}
    mosaics: dict[int, torch.Tensor] = {}
    shown, pairs = set(indices), _pairs(indices, total)
    paired = {index for pair in pairs for index in pair} if detail is not None else set()
    for index, frame in frames:
        if index in shown:
            small[index] = resize(frame, target_size(frame.shape[0], frame.shape[1], spec))
        if detail is not None and index in paired:
            mosaics[index] = fragments(frame, detail.rows, detail.columns, spec.factor)
    step = (times[-1] - times[0]) / max(len(times) - 1, 1)
    views = [_view("video", torch.stack([small[i] for i in indices]), spec, step * spec.temporal_patch_size, times)]
    if detail is not None:
        both = torch.stack([mosaics[index] for pair in pairs for index in pair])
        views.append(_view("video", both, spec, step, times))
    return tuple(views)


def image_views(image: np.ndarray, spec: PixelSpec, detail: DetailSpec | None) -> tuple[View, ...]:
    """Views of a single (H, W, 3) uint8 image."""
    pictures = [resize(image, target_size(image.shape[0], image.shape[1], spec))]
    if detail is not None:
        pictures.append(fragments(image, detail.rows, detail.columns, spec.factor))
    return tuple(_view("image", picture[None], spec, 0.0, (0.0,)) for picture in pictures)


def _view(
    kind: Literal["image", "video"],
    frames: torch.Tensor,
    spec: PixelSpec,
    seconds_per_grid: float,
    times: tuple[float, ...],
) -> View:
    patches, grid = patchify(frames, spec)
    return View(kind, patches, grid, seconds_per_grid, times)
