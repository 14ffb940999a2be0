"""The clips of lessons, rendered and measured once, as every stage of pre-training sees them many times."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from vqinsight.common.files import atomic_path
from vqinsight.measure.clip import measure_frames
from vqinsight.measure.types import MeasuredClip
from vqinsight.nano.assessor.architecture import INFERENCE, PIXELS, VIEWS
from vqinsight.nano.assessor.lessons import clips_of
from vqinsight.synthetic import clips
from vqinsight.synthetic.describe import GroundTruth
from vqinsight.synthetic.generate import Split, SyntheticClip
from vqinsight.video.views import View


@dataclass(frozen=True)
class RenderedClip:
    """What the model is shown of a clip, what is measured on all of its frames, and the truth about it.

    The truth is kept, too, as drawing a clip again to know it takes longer than learning from a text.
    """

    view: View
    measured: MeasuredClip
    truth: GroundTruth

    @property
    def still(self) -> bool:
        """Whether it is shown as a single image."""
        return self.view.kind == "image"


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
    return RenderedClip(view, measured, clip.truth)


class RenderedClips:
    """The clips of the lessons ``start`` and following, from a folder; what is not there yet is rendered.

    Patches are kept in half precision, a tenth of a grey level at most.

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
                torch.save([replace(each, view=_in(each.view, torch.float16)) for each in found], part)
        kept = torch.load(file, weights_only=False)  # written by this class
        return tuple(replace(each, view=_in(each.view, torch.float32)) for each in kept)

    def _render(self, seed: int) -> tuple[RenderedClip, ...]:
        drawn, still = clips_of(seed, self._split)
        return tuple(rendered(clip, still=still) for clip in drawn)


def _in(view: View, precision: torch.dtype) -> View:
    return replace(view, patches=view.patches.to(precision))


def render_share(kept: RenderedClips, indices: Sequence[int], rank: int, world: int) -> None:
    """Render a process's share of lessons, so that no stage waits for it."""
    for index in indices[rank::world]:
        kept[index]
