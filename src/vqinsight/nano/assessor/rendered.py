"""The clips of lessons, rendered and measured once, as every stage of pre-training sees them many times."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from vqinsight.common.files import atomic_path
from vqinsight.measure.clip import measure_frames
from vqinsight.measure.types import MeasuredClip
from vqinsight.nano.assessor.architecture import INFERENCE, PIXELS, VIEWS
from vqinsight.nano.assessor.lessons import clips_of
from vqinsight.synthetic import clips
from vqinsight.synthetic.generate import Split, SyntheticClip
from vqinsight.video.views import View


@dataclass(frozen=True)
class RenderedClip:
    """What the model is shown of a clip, and what is measured on all of its frames."""

    view: View
    measured: MeasuredClip


def synthetic_view(clip: SyntheticClip, *, still: bool = False) -> View:
    """What the embedded model is shown of a synthetic clip, the same as of a file of it."""
    sampling = clips.sample_clip(clip, INFERENCE, still=still)
    [view] = clips.synthetic_views(clip, PIXELS, VIEWS, sampling, still=still)
    return view


def rendered(clip: SyntheticClip, *, still: bool) -> RenderedClip:
    """The same with measurements, from frames that are rendered once."""
    frames = clips.all_frames(clip, still=still)
    measured = measure_frames(clips.clip_info(clip, still=still), enumerate(frames))
    sampling = clips.sample_clip(clip, INFERENCE, still=still)
    [view] = clips.views_of(frames, PIXELS, VIEWS, sampling, still=still)
    return RenderedClip(view, measured)


class RenderedClips:
    """The clips of the lessons ``start`` and following, from a folder; what is not there yet is rendered.

    Patches are kept in half precision, a hundredth of a grey level at most.

    Args:
        folder: about 1.3 MB a lesson; ``None`` keeps nothing.
        split: as for ``lesson``.
    """

    def __init__(self, folder: Path | None, start: int = 0, split: Split = "train") -> None:
        self._folder, self._start, self._split = folder, start, split

    def __getitem__(self, index: int) -> tuple[RenderedClip, ...]:
        """The clips of one lesson, in its order."""
        seed = self._start + index
        if self._folder is None:
            return self._render(seed)
        file = self._folder / f"{self._split}-{seed:010d}.pt"
        if not file.is_file():
            found = self._render(seed)
            self._folder.mkdir(parents=True, exist_ok=True)
            with atomic_path(file) as part:
                torch.save([(_halved(each.view), each.measured) for each in found], part)
        kept = torch.load(file, weights_only=False)  # written by this class
        return tuple(RenderedClip(_restored(view), measured) for view, measured in kept)

    def _render(self, seed: int) -> tuple[RenderedClip, ...]:
        drawn, still = clips_of(seed, self._split)
        return tuple(rendered(clip, still=still) for clip in drawn)


def _halved(view: View) -> View:
    return View(view.kind, view.patches.half(), view.grid, view.seconds_per_grid, view.times)


def _restored(view: View) -> View:
    return View(view.kind, view.patches.float(), view.grid, view.seconds_per_grid, view.times)


def render_share(kept: RenderedClips, indices: Sequence[int], rank: int, world: int) -> None:
    """Render a process's share of lessons, so that no stage waits for it."""
    for index in indices[rank::world]:
        kept[index]
