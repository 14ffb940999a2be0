"""Clips shuffled in time (Eq. 4): the decoded frames are permuted before anything is computed from them.

Frames keep their pixels and time stamps stay in order, so a shuffled clip has the prompt of the clip.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from vqinsight.video.patches import PixelSpec, permute_frames
from vqinsight.video.sampling import Sampling
from vqinsight.video.views import Frames, View, ViewBuilder


def shuffled_order(count: int, seed: int, position: int) -> list[int]:
    """A random permutation of ``count`` things, at least 2, never the identity.

    Args:
        seed: of the run.
        position: of the question in the run.

    Raises:
        ValueError: there are fewer than 2.
    """
    if count < 2:
        raise ValueError(f"{count} cannot be shuffled: it takes two")
    rng = np.random.default_rng((seed, 3, position))
    order = list(range(count))
    while order == sorted(order):
        order = rng.permutation(count).tolist()
    return order


def shuffled_frames(frames: Sequence[int], seed: int, position: int) -> dict[int, int]:
    """For each place, a frame's index, the index of the frame that stands there; ``shuffled_order`` of the frames."""
    places = sorted(set(frames))
    order = shuffled_order(len(places), seed, position)
    return {place: places[number] for place, number in zip(places, order, strict=True)}


def shuffled_view(view: View, indices: Sequence[int], spec: PixelSpec, seed: int, position: int) -> View:
    """A view that shows frames and nothing computed from several, with these frames shuffled.

    Bit for bit what ``ShuffledViews`` builds from the file, without reading it again.

    Args:
        indices: of the frames shown, as in ``Sampling``, at least two different ones.
    """
    stands = shuffled_frames(indices, seed, position)
    order = [indices.index(stands[index]) for index in indices]
    order += order[-1:] * (view.grid[0] * spec.temporal_patch_size - len(order))  # an odd count repeats the last frame
    return replace(view, patches=permute_frames(view.patches, view.grid, order, spec))


@dataclass(frozen=True)
class ShuffledViews:
    """The views of another ``ViewBuilder`` of a clip whose needed frames are shuffled; itself a ``ViewBuilder``.

    Attributes:
        views: builds the views.
        seed, position: as for ``shuffled_order``.
    """

    views: ViewBuilder
    seed: int
    position: int

    @property
    def extra(self) -> tuple[str, ...]:
        """See ``ViewBuilder``."""
        return self.views.extra

    def needed_frames(self, sampling: Sampling) -> tuple[int, ...]:
        """See ``ViewBuilder``."""
        return self.views.needed_frames(sampling)

    def build(self, frames: Frames, sampling: Sampling, spec: PixelSpec) -> tuple[View, ...]:
        """See ``ViewBuilder``: of at least two frames."""
        stands = shuffled_frames(self.needed_frames(sampling), self.seed, self.position)
        places = {frame: place for place, frame in stands.items()}
        return self.views.build(((places[index], frame) for index, frame in frames), sampling, spec)

    def build_image(self, image: np.ndarray, spec: PixelSpec) -> tuple[View, ...]:
        """See ``ViewBuilder``: one image has no order."""
        return self.views.build_image(image, spec)
