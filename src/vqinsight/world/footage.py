"""World clips by name: ``world:SPLIT:SEED:SIBLING`` is looked at like a file, ``…:still`` like an image.

The name says everything, so a dataset of such clips needs no files, and a clip named in a result can be seen again.
"""

from __future__ import annotations

import numpy as np

from vqinsight.config import LookSettings
from vqinsight.errors import UnreadableVideo
from vqinsight.video.footage import Footage, sample
from vqinsight.video.looked import Looked
from vqinsight.video.pixels import PixelSpec, target_size
from vqinsight.video.sample import Sampling
from vqinsight.video.views import DetailSpec, View, image_views, video_views, wanted_frames
from vqinsight.world.draw import Split, WorldClip, draw_siblings

SCHEME = "world:"
FPS = 24
SIBLINGS = 2  # clips drawn from one seed: the two of a pair


def clip_name(split: Split, seed: int, sibling: int = 0, *, still: bool = False) -> str:
    """The name under which ``world_footage`` finds the clip."""
    return f"{SCHEME}{split}:{seed}:{sibling}" + ":still" * still


def named_clip(name: str) -> tuple[WorldClip, bool]:
    """The clip of that name, and whether it is meant as a still image.

    Raises:
        UnreadableVideo: the name is none of a world clip.
    """
    _, *parts = name.split(":")
    still = parts[3:] == ["still"]
    if len(parts) != 3 + still or parts[0] not in ("train", "held_out") or not (parts[1] + parts[2]).isdigit():
        raise UnreadableVideo(name, "not a world clip", "Write world:SPLIT:SEED:SIBLING, SPLIT train or held_out")
    split: Split = "train" if parts[0] == "train" else "held_out"
    if int(parts[2]) >= SIBLINGS:
        raise UnreadableVideo(name, f"there are {SIBLINGS} siblings, 0 to {SIBLINGS - 1}", "Name one of them")
    # Images have no text prompt, as in pre-training.
    return draw_siblings(int(parts[1]), SIBLINGS, split, prompt=False if still else None)[int(parts[2])], still


def world_footage(name: str, look: LookSettings, spec: PixelSpec) -> Footage:
    """Render the frames that a model with these settings would be shown of a file of this clip."""
    clip, still = named_clip(name)
    sampling = sample_clip(clip, look, still=still)
    views = world_views(clip, look, spec, sampling, still=still)
    width, height = clip.scene.width, clip.scene.height
    shown_height, shown_width = target_size(height, width, spec)
    looked = Looked(
        kind="image" if still else "video",
        width=width,
        height=height,
        source_frames=sampling.source_frames,
        source_fps=float(FPS),
        duration=sampling.source_frames / FPS,
        indices=sampling.indices,
        times=sampling.times,
        rule=sampling.rule,
        size=(shown_width, shown_height),
        detail=look.fragments,
        warnings=(),
        scopes=look.scopes,
    )
    return Footage(name, looked.kind, views, looked)


def sample_clip(clip: WorldClip, look: LookSettings, *, still: bool) -> Sampling:
    """The frames that are looked at, as of a file; of a still image its middle one."""
    total = clip.scene.frames
    if still:
        return Sampling((total // 2,), (0.0,), 1.0, 1, 0.0, 0.0, "the image")
    return sample(look, total, np.arange(total) / FPS)


def world_views(
    clip: WorldClip, look: LookSettings, spec: PixelSpec, sampling: Sampling, *, still: bool
) -> tuple[View, ...]:
    """The views of a clip; only the frames that are looked at are rendered."""
    detail = DetailSpec.of(look)
    if still:
        return image_views(clip.frames(np.array(sampling.indices))[0], spec, detail)
    wanted = wanted_frames(sampling.indices, clip.scene.frames, detail)
    frames = zip(wanted, clip.frames(np.array(wanted)), strict=True)
    return video_views(frames, sampling.indices, sampling.times, clip.scene.frames, spec, detail)
