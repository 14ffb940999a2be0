"""Frame sampling: which frames of a clip a model is shown."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from vqinsight.errors import UsageError

DEFAULT_FPS = 2.0
DEFAULT_MIN_FRAMES = 4
DEFAULT_MAX_FRAMES = 16


@dataclass(frozen=True)
class Sampling:
    """The frames sampled from a clip, and the rule; part of the record of every score.

    Attributes:
        indices: frame numbers, ascending, an even count; numbers repeat when the clip has fewer frames than that.
        times: seconds from the clip's first frame at which each chosen frame is shown.
        fps: sampled frames per second of clip, above 0 (the rate given to the model).
        source_frames: frames in the clip.
        source_fps: the clip's own average frame rate.
        duration: the clip's length in seconds, above 0.
        rule: the rule in words, such as ``"2 fps, 4-16 frames"``.
    """

    indices: tuple[int, ...]
    times: tuple[float, ...]
    fps: float
    source_frames: int
    source_fps: float
    duration: float
    rule: str


def choose_frames(
    info_frames: int,
    times: Sequence[float] | np.ndarray,
    *,
    fps: float = DEFAULT_FPS,
    min_frames: int = DEFAULT_MIN_FRAMES,
    max_frames: int = DEFAULT_MAX_FRAMES,
    frames: int | None = None,
) -> Sampling:
    """Choose an even number of frames, evenly spaced in time over the whole clip.

    The count is ``duration * fps``, kept within ``min_frames`` and ``max_frames`` and within the number of frames there
    are, rounded down to an even number, at least 2. ``frames`` sets the count itself; an odd one is rounded up. The
    first and the last chosen frame are the clip's first and last. At a constant frame rate the choice equals
    ``round(linspace(0, info_frames - 1, count))``; at a variable rate the frame nearest in time to each of the evenly
    spaced moments is taken, which may repeat one that is shown for long.

    Short clips repeat frames rather than fail: a clip of 1 frame gives that frame twice, and ``frames=8`` on a clip of
    3 frames gives 8 frames, each of the 3 repeated. Without ``frames`` a clip of 2 or 3 frames gives 2.

    Args:
        info_frames: frames in the clip, at least 1.
        times: seconds at which each frame is shown, ascending, one per frame, starting anywhere.
        fps: sampled frames per second, above 0.
        min_frames, max_frames: bounds on the count, ``2 <= min_frames <= max_frames``; an odd bound is narrowed to the
            next even number inside.
        frames: the exact count, at least 1, instead of ``fps`` and the bounds.

    Raises:
        UsageError: a setting is outside its range.
    """
    _check(fps, min_frames, max_frames, frames)
    moments = np.asarray(times, np.float64)
    if info_frames < 1 or moments.shape != (info_frames,):
        raise ValueError(f"{info_frames} frames need as many times, got {moments.shape}")
    if np.any(np.diff(moments) <= 0):
        raise ValueError("times must ascend")
    moments = moments - moments[0]
    span = float(moments[-1])
    source_fps = (info_frames - 1) / span if span > 0 else fps
    duration = info_frames / source_fps

    if frames is None:
        lowest, highest = min_frames + min_frames % 2, max_frames - max_frames % 2
        wanted = min(max(duration * fps, lowest), highest, info_frames)
        # 2.9999999 stands for 3 frames at 1 fps, after rounding of times to decimal fractions.
        count = max(2, math.floor(wanted + 1e-6) // 2 * 2)
        rule = f"{fps:g} fps, {lowest}-{highest} frames"
    else:
        count = frames + frames % 2
        rule = f"{count} frames" if count == frames else f"{count} frames ({frames} rounded up to even)"

    indices = _nearest(moments, count)
    return Sampling(
        indices=tuple(int(i) for i in indices),
        times=tuple(float(t) for t in moments[indices]),
        fps=count / duration,
        source_frames=info_frames,
        source_fps=source_fps,
        duration=duration,
        rule=rule,
    )


def _check(fps: float, min_frames: int, max_frames: int, frames: int | None) -> None:
    if not (math.isfinite(fps) and fps > 0):
        raise UsageError(f"fps must be above 0, got {fps:g}. Give the frames to look at per second, for example 2.")
    if frames is not None and frames < 1:
        raise UsageError(
            f"frames must be at least 1, got {frames}. Give the number of frames to look at, for example 8."
        )
    if min_frames < 2 or max_frames - max_frames % 2 < min_frames + min_frames % 2:
        raise UsageError(
            f"min_frames={min_frames} and max_frames={max_frames} leave no even number of frames. "
            "Give 2 <= min_frames <= max_frames, for example 4 and 16."
        )


def _nearest(moments: np.ndarray, count: int) -> np.ndarray:
    """Indices of the frames nearest in time to ``count`` moments evenly spaced over the clip."""
    even = np.linspace(0, len(moments) - 1, count)
    positions = np.interp(np.linspace(0.0, moments[-1], count), moments, np.arange(len(moments)))
    # Times in whole milliseconds deviate by a few hundredths of a frame, which must not decide a rounding.
    constant_rate = np.abs(positions - even).max() < 0.25
    return np.rint(even if constant_rate else positions).astype(np.int64)
