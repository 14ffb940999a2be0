"""Views, the images and videos that a model is shown of a clip, and the interface of their builders."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
import torch

from vqinsight.video.patches import PixelSpec, patchify, resize, target_size
from vqinsight.video.sampling import Sampling

Frames = Iterable[tuple[int, np.ndarray]]  # (index, (H, W, 3) uint8), each index once, in any order


@dataclass(frozen=True)
class View:
    """One image or video as input of the vision tower.

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


class ViewBuilder(Protocol):
    """Builds the views of a clip from its frames, which are consumed one at a time, in whatever order they come."""

    @property
    def extra(self) -> tuple[str, ...]:
        """The views in addition to the overview, each in a few words; empty for none."""

    def needed_frames(self, sampling: Sampling) -> tuple[int, ...]:
        """Distinct indices of the frames to decode, ascending."""

    def build(self, frames: Frames, sampling: Sampling, spec: PixelSpec) -> tuple[View, ...]:
        """Views of a clip from the frames of ``needed_frames``; the overview is the first."""

    def build_image(self, image: np.ndarray, spec: PixelSpec) -> tuple[View, ...]:
        """Views of a single (H, W, 3) uint8 image; the overview is the first."""


class OverviewViews:
    """The sampled frames, resized; a ``ViewBuilder``."""

    extra: tuple[str, ...] = ()

    def needed_frames(self, sampling: Sampling) -> tuple[int, ...]:
        """See ``ViewBuilder``: the sampled frames."""
        return tuple(sorted(set(sampling.indices)))

    def build(self, frames: Frames, sampling: Sampling, spec: PixelSpec) -> tuple[View, ...]:
        """See ``ViewBuilder``: one view."""
        resized = {index: overview_frame(frame, spec) for index, frame in frames}
        return (overview(resized, sampling, spec),)

    def build_image(self, image: np.ndarray, spec: PixelSpec) -> tuple[View, ...]:
        """See ``ViewBuilder``: one view."""
        return (view("image", overview_frame(image, spec)[None], spec, 0.0, (0.0,)),)


def overview_frame(frame: np.ndarray, spec: PixelSpec) -> torch.Tensor:
    """(3, h, w): an (H, W, 3) uint8 frame at the size that ``spec`` allows."""
    return resize(frame, target_size(frame.shape[0], frame.shape[1], spec))


def overview(resized: dict[int, torch.Tensor], sampling: Sampling, spec: PixelSpec) -> View:
    """The sampled frames in order, from resized frames by index."""
    frames = torch.stack([resized[index] for index in sampling.indices])
    # As the official processors: the mean over the whole clip, not between the frames that are shown.
    return view("video", frames, spec, spec.temporal_patch_size / sampling.fps, sampling.times)


def frame_step(sampling: Sampling) -> float:
    """Mean time between sampled frames, in seconds."""
    return (sampling.times[-1] - sampling.times[0]) / max(len(sampling.times) - 1, 1)


def view(
    kind: Literal["image", "video"],
    frames: torch.Tensor,
    spec: PixelSpec,
    seconds_per_grid: float,
    times: tuple[float, ...],
) -> View:
    """A view of (T, 3, h, w) frames, cut into patches."""
    patches, grid = patchify(frames, spec)
    return View(kind, patches, grid, seconds_per_grid, times)
