"""Synthetic clips by name: ``synthetic:SPLIT:SEED:SIBLING`` is used like a video file, ``…:still`` like an image.

Of varied clips ``…:text`` has shapes and a text, and nothing is measured on ``…:unmeasured``.

The name determines the clip, so a dataset of such clips needs no files, and a clip in a result can be reproduced.
"""

from __future__ import annotations

import numpy as np

from vqinsight.errors import UnreadableVideo
from vqinsight.settings.inference import InferenceSettings
from vqinsight.synthetic.generate import Split, SyntheticClip, draw_siblings
from vqinsight.video.info import SYNTHETIC, VideoInfo
from vqinsight.video.patches import PixelSpec, target_size
from vqinsight.video.preprocess import Observe, ProcessedClip, sample_frames
from vqinsight.video.record import ClipInput, Evidence
from vqinsight.video.sampling import Sampling
from vqinsight.video.views import View, ViewBuilder

FPS = 24
SIBLINGS = 2  # clips per seed: the two of a pair


VARIED: dict[Split, str] = {"train": "varied", "held_out": "varied_held_out"}  # their splits in names
_MARKS = ("text", "still", "unmeasured")


def clip_name(split: str, seed: int, sibling: int = 0, *, still: bool = False) -> str:
    """The name of the clip for ``synthetic_clip``."""
    return f"{SYNTHETIC}{split}:{seed}:{sibling}" + ":still" * still


def named_clip(name: str) -> tuple[SyntheticClip, bool]:
    """The clip of that name, and whether it is a still image.

    Raises:
        UnreadableVideo: it is no name of a synthetic clip.
    """
    _, *parts = name.split(":")
    marks = parts[3:]
    varied = len(parts) > 0 and parts[0] in VARIED.values()
    known = _MARKS if varied else ("still",)
    splits = (*VARIED, *VARIED.values())
    unknown = any(mark not in known for mark in marks) or len(set(marks)) < len(marks)
    if len(parts) < 3 or unknown or parts[0] not in splits or not (parts[1] + parts[2]).isdigit():
        raise UnreadableVideo(
            name, "not a synthetic clip", f"Write synthetic:SPLIT:SEED:SIBLING, SPLIT one of {', '.join(splits)}"
        )
    split: Split = "held_out" if parts[0].endswith("held_out") else "train"
    still = "still" in marks
    if int(parts[2]) >= SIBLINGS:
        raise UnreadableVideo(name, f"there are {SIBLINGS} siblings, 0 to {SIBLINGS - 1}", "Name one of them")
    if varied:
        from vqinsight.synthetic.varied import varied_siblings  # heavy

        texts = True if "text" in marks else False if still else None
        return varied_siblings(int(parts[1]), SIBLINGS, split, prompt=texts)[int(parts[2])], still
    # Images have no text prompt, as in pre-training.
    return draw_siblings(int(parts[1]), SIBLINGS, split, prompt=False if still else None)[int(parts[2])], still


def synthetic_clip(
    name: str, settings: InferenceSettings, spec: PixelSpec, views: ViewBuilder, observe: Observe | None = None
) -> ProcessedClip:
    """Render the frames of the clip that a model with these settings is shown, as for a file.

    Args:
        observe: see ``preprocess_clip``.
    """
    clip, still = named_clip(name)
    sampling, evidence = sample_clip(clip, settings, still=still), None
    if observe is None or name.endswith(":unmeasured"):
        shown = synthetic_views(clip, spec, views, sampling, still=still)
    else:  # what is measured is what is shown: an encoding depends on which frames it is given
        frames = all_frames(clip, still=still)
        shown = views_of(frames, spec, views, sampling, still=still)
        evidence = observed(clip_info(clip, still=still), frames, observe)
    width, height = clip.scene.width, clip.scene.height
    shown_height, shown_width = target_size(height, width, spec)
    clip_input = ClipInput(
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
        warnings=(),
        extra=views.extra,
        evidence=evidence,
    )
    return ProcessedClip(name, clip_input.kind, shown, clip_input)


def observed(info: VideoInfo, frames: np.ndarray, observe: Observe) -> Evidence:
    """What is measured on all frames (T, H, W, 3) of a clip."""
    observer = observe(info)
    for index, frame in enumerate(frames):
        observer.add(index, float(info.times[index]), frame)
    return observer.finish()


def all_frames(clip: SyntheticClip, *, still: bool) -> np.ndarray:
    """(T, H, W, 3) uint8 RGB; of a still image the middle frame."""
    total = clip.scene.frames
    return clip.frames(np.array([total // 2]) if still else np.arange(total))


def clip_info(clip: SyntheticClip, *, still: bool) -> VideoInfo:
    """What ``probe`` would say of a file of the clip."""
    total, rate = (1, 0.0) if still else (clip.scene.frames, float(FPS))
    return VideoInfo(
        path=SYNTHETIC,
        kind="image" if still else "video",
        width=clip.scene.width,
        height=clip.scene.height,
        frames=total,
        header_frames=None,
        fps=rate,
        duration=0.0 if still else total / FPS,
        codec="rawvideo",
        times=np.arange(total) / FPS,
        warnings=(),
    )


def sample_clip(clip: SyntheticClip, settings: InferenceSettings, *, still: bool) -> Sampling:
    """The sampled frames, as for a file; of a still image the middle one."""
    total = clip.scene.frames
    if still:
        return Sampling((total // 2,), (0.0,), 1.0, 1, 0.0, 0.0, "the image")
    return sample_frames(settings, total, np.arange(total) / FPS)


def synthetic_views(
    clip: SyntheticClip, spec: PixelSpec, views: ViewBuilder, sampling: Sampling, *, still: bool
) -> tuple[View, ...]:
    """The views of a clip; only the needed frames are rendered."""
    if still:
        return views.build_image(clip.frames(np.array(sampling.indices))[0], spec)
    wanted = views.needed_frames(sampling)
    frames = zip(wanted, clip.frames(np.array(wanted)), strict=True)
    return views.build(frames, sampling, spec)


def views_of(
    frames: np.ndarray, spec: PixelSpec, views: ViewBuilder, sampling: Sampling, *, still: bool
) -> tuple[View, ...]:
    """The views of a clip whose frames (T, H, W, 3) are all rendered; of a still image there is one."""
    if still:
        return views.build_image(frames[0], spec)
    wanted = views.needed_frames(sampling)
    return views.build(zip(wanted, frames[list(wanted)], strict=True), sampling, spec)
