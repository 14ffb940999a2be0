"""Views in addition to the overview: native-resolution crops, scopes, and self-similarity."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from vqinsight.settings.inference import InstrumentSettings
from vqinsight.video.instruments import scopes
from vqinsight.video.instruments.self_similarity import self_similarity, window
from vqinsight.video.patches import PixelSpec, native_crops
from vqinsight.video.sampling import Sampling
from vqinsight.video.views import Frames, OverviewViews, View, frame_step, overview, overview_frame, view


@dataclass(frozen=True)
class InstrumentViews:
    """The overview, and ``rows`` x ``columns`` crops of each sampled frame and of its successor.

    Consecutive frames also show jitter, flicker and stutter, which frames half a second apart cannot. With ``scopes``
    the squares of ``scopes.py`` lie below the crops of a frame (to the right for portrait frames). With
    ``self_similarity`` a third view shows for every sampled frame the self-similarity of the segment that begins there
    (``self_similarity.py``). A ``video.views.ViewBuilder``.
    """

    settings: InstrumentSettings

    @property
    def extra(self) -> tuple[str, ...]:
        """See ``ViewBuilder``."""
        crops = f"{self.settings.rows} x {self.settings.columns} crops at native resolution"
        return (crops, "measurements of every frame") if self.settings.scopes else (crops,)

    def needed_frames(self, sampling: Sampling) -> tuple[int, ...]:
        """See ``ViewBuilder``: also successors, for scopes the frames after them, for self-similarity segments."""
        pairs = _pairs(sampling)
        wanted = {*sampling.indices, *(index for pair in pairs for index in pair)}
        if self.settings.scopes:
            wanted.update(self._following(pairs, sampling.source_frames))
        return tuple(sorted(wanted))

    def build(self, frames: Frames, sampling: Sampling, spec: PixelSpec) -> tuple[View, ...]:
        """See ``ViewBuilder``: the overview, the crops and, if wanted, self-similarity."""
        given = self.settings
        resized: dict[int, torch.Tensor] = {}
        crops: dict[int, torch.Tensor] = {}
        readings: dict[int, scopes.Reading] = {}
        traces: dict[int, scopes.Trace] = {}
        shown, pairs = set(sampling.indices), _pairs(sampling)
        paired = {index for pair in pairs for index in pair}
        following = self._following(pairs, sampling.source_frames) if given.scopes else set()
        for index, frame in frames:
            if index in shown:
                resized[index] = overview_frame(frame, spec)
            if index in paired:
                crops[index] = native_crops(frame, given.rows, given.columns, spec.factor)
                if given.scopes:
                    readings[index] = scopes.read_frame(frame)
            elif index in following:
                traces[index] = scopes.trace_frame(frame)
        mosaics = [crops[index] for pair in pairs for index in pair]
        if given.scopes:
            drawn = _scopes(readings, traces, pairs)
            mosaics = [_beside(mosaic, scope) for mosaic, scope in zip(mosaics, drawn, strict=True)]
        step, times = frame_step(sampling), sampling.times
        views = [overview(resized, sampling, spec), view("video", torch.stack(mosaics), spec, step, times)]
        if given.self_similarity:
            squares = _squares({**traces, **readings}, pairs, sampling.source_frames)
            views.append(view("video", squares.repeat_interleave(spec.temporal_patch_size, 0), spec, step, times))
        return tuple(views)

    def build_image(self, image: np.ndarray, spec: PixelSpec) -> tuple[View, ...]:
        """See ``ViewBuilder``: the overview and the crops."""
        mosaic = native_crops(image, self.settings.rows, self.settings.columns, spec.factor)
        if self.settings.scopes:
            mosaic = _beside(mosaic, scopes.scope(scopes.read_frame(image)))
        return (*OverviewViews().build_image(image, spec), view("image", mosaic[None], spec, 0.0, (0.0,)))

    def _following(self, pairs: list[tuple[int, int]], total: int) -> set[int]:
        """The frames after pairs, or in the windows that begin with them."""
        if self.settings.self_similarity:
            return {index for frame, _ in pairs for index in window(frame, total)}
        return {successor + 1 for _, successor in pairs if successor + 1 < total}


def _pairs(sampling: Sampling) -> list[tuple[int, int]]:
    """Each sampled frame with the one after it; the last frame of a clip with the one before, in order of time."""
    total = sampling.source_frames
    return [(max(min(i, total - 2), 0), min(i + 1, total - 1)) for i in sampling.indices]


def _scopes(
    readings: dict[int, scopes.Reading], traces: dict[int, scopes.Trace], pairs: list[tuple[int, int]]
) -> list[torch.Tensor]:
    """The scopes of both frames of every pair, each with the frame after it; the first also with the next pair's."""
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
    """A scope below a mosaic, or to the right of a portrait one."""
    if mosaic.shape[1] > mosaic.shape[2]:
        upright = torch.cat(scope.tensor_split(scopes.SQUARES, dim=2), dim=1)
        return torch.cat((mosaic, upright), dim=2)
    return torch.cat((mosaic, scope), dim=1)
