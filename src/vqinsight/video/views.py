"""What a model is shown of a clip: an overview and, for small models, details at native resolution and measurements."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch

from vqinsight.config import LookSettings
from vqinsight.video import scopes
from vqinsight.video.pixels import PixelSpec, fragments, patchify, resize, target_size
from vqinsight.video.similarity import self_similarity, window


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

    Consecutive frames also show jitter, flicker and stutter, which frames half a second apart cannot. With ``scopes``
    the measurements of ``video/scopes.py`` lie below the fragments of a frame (beside those of an upright one); three
    columns and tokens of 28 pixels they are drawn for. With ``similarity`` a third view shows of every sampled frame
    how like the stretch of the clip that begins there is to itself (``video/similarity.py``).
    """

    rows: int
    columns: int
    scopes: bool = False
    similarity: bool = False

    @classmethod
    def of(cls, look: LookSettings) -> DetailSpec | None:
        """What these settings ask for."""
        return None if look.detail is None else cls(*look.detail, look.scopes, look.similarity)


def wanted_frames(indices: tuple[int, ...], total: int, detail: DetailSpec | None) -> tuple[int, ...]:
    """Distinct frame indices to decode, sorted: the sampled frames, for the detail view their successors, for its
    scopes also what comes after these, for self-similarity whole stretches."""
    wanted = set(indices)
    if detail is not None:
        pairs = _pairs(indices, total)
        wanted.update(index for pair in pairs for index in pair)
        if detail.scopes:
            wanted.update(_after(pairs, total, detail))
    return tuple(sorted(wanted))


def _pairs(indices: tuple[int, ...], total: int) -> list[tuple[int, int]]:
    """Each sampled frame with the one after it; the last frame of a clip with the one before, in order of time."""
    return [(max(min(i, total - 2), 0), min(i + 1, total - 1)) for i in indices]


def _after(pairs: list[tuple[int, int]], total: int, detail: DetailSpec) -> set[int]:
    """The frames that come after pairs, or lie in the windows that begin with them."""
    if detail.similarity:
        return {index for frame, _ in pairs for index in window(frame, total)}
    return {successor + 1 for _, successor in pairs if successor + 1 < total}


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
    readings: dict[int, scopes.Reading] = {}
    traces: dict[int, scopes.Trace] = {}
    shown, pairs = set(indices), _pairs(indices, total)
    paired = {index for pair in pairs for index in pair} if detail is not None else set()
    after = _after(pairs, total, detail) if detail is not None and detail.scopes else set()
    for index, frame in frames:
        if index in shown:
            small[index] = resize(frame, target_size(frame.shape[0], frame.shape[1], spec))
        if detail is not None and index in paired:
            mosaics[index] = fragments(frame, detail.rows, detail.columns, spec.factor)
            if detail.scopes:
                readings[index] = scopes.read_frame(frame)
        elif index in after:
            traces[index] = scopes.trace_frame(frame)
    step = (times[-1] - times[0]) / max(len(times) - 1, 1)
    views = [_view("video", torch.stack([small[i] for i in indices]), spec, step * spec.temporal_patch_size, times)]
    if detail is not None:
        both = [mosaics[index] for pair in pairs for index in pair]
        if detail.scopes:
            both = [
                _beside(mosaic, scope) for mosaic, scope in zip(both, _scopes(readings, traces, pairs), strict=True)
            ]
        views.append(_view("video", torch.stack(both), spec, step, times))
    if detail is not None and detail.similarity:
        squares = _squares({**traces, **readings}, pairs, total)
        views.append(_view("video", squares.repeat_interleave(spec.temporal_patch_size, 0), spec, step, times))
    return tuple(views)


def image_views(image: np.ndarray, spec: PixelSpec, detail: DetailSpec | None) -> tuple[View, ...]:
    """Views of a single (H, W, 3) uint8 image."""
    pictures = [resize(image, target_size(image.shape[0], image.shape[1], spec))]
    if detail is not None:
        mosaic = fragments(image, detail.rows, detail.columns, spec.factor)
        pictures.append(_beside(mosaic, scopes.scope(scopes.read_frame(image))) if detail.scopes else mosaic)
    return tuple(_view("image", picture[None], spec, 0.0, (0.0,)) for picture in pictures)


def _scopes(
    readings: dict[int, scopes.Reading], traces: dict[int, scopes.Trace], pairs: list[tuple[int, int]]
) -> list[torch.Tensor]:
    """The scopes of both frames of every pair, each with what comes after it; the first also with the next pair's."""
    drawn = []
    known: dict[int, scopes.Trace] = {**traces, **readings}
    for number, (frame, successor) in enumerate(pairs):
        later = readings[pairs[number + 1][0]] if number + 1 < len(pairs) else None
        drawn.append(scopes.scope(readings[frame], readings[successor], later))
        drawn.append(scopes.scope(readings[successor], known.get(successor + 1)))
    return drawn


def _squares(traces: dict[int, scopes.Trace], pairs: list[tuple[int, int]], total: int) -> torch.Tensor:
    """(pairs, 3, SIDE, SIDE) uint8: the self-similarity of the windows that begin with the pairs."""
    windows = [window(frame, total) for frame, _ in pairs]
    drawn = {each: self_similarity([traces[index] for index in each]) for each in set(windows)}  # the last may coincide
    squares = np.stack([np.rint(255 * drawn[each]).astype(np.uint8) for each in windows])
    return torch.from_numpy(squares).permute(0, 3, 1, 2)


def _beside(mosaic: torch.Tensor, scope: torch.Tensor) -> torch.Tensor:
    """A scope below a mosaic, or to the right of an upright one."""
    if mosaic.shape[1] > mosaic.shape[2]:
        upright = torch.cat(scope.tensor_split(scopes.SQUARES, dim=2), dim=1)
        return torch.cat((mosaic, upright), dim=2)
    return torch.cat((mosaic, scope), dim=1)


def _view(
    kind: Literal["image", "video"],
    frames: torch.Tensor,
    spec: PixelSpec,
    seconds_per_grid: float,
    times: tuple[float, ...],
) -> View:
    patches, grid = patchify(frames, spec)
    return View(kind, patches, grid, seconds_per_grid, times)
