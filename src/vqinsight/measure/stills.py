"""Pictures of a clip's worst moments, for reports."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, field

import numpy as np

from vqinsight.measure.types import SEVERITIES, Measured, MeasuredClip, Moment, Severity
from vqinsight.video.info import inside_tar
from vqinsight.video.preprocess import small_jpeg
from vqinsight.video.read import iter_frames, probe


@dataclass(frozen=True)
class Still:
    """The worst frame of a moment.

    Attributes:
        key: of the quantity.
        severity: of the quantity over the whole clip.
        time: seconds.
        value: of the moment, in the quantity's unit.
        jpeg: the frame, small.
    """

    key: str
    severity: Severity
    time: float
    value: float
    jpeg: bytes = field(repr=False)


def worst_stills(clip: MeasuredClip, count: int = 6, *, folder_fps: float | None = None) -> tuple[Still, ...]:
    """The worst frames of a measured clip, in order of time: the worst of each defect first, then its further moments.

    Args:
        count: at most this many; none for a clip without defects.
        folder_fps: frame rate of a folder of frames, as it was measured.

    Raises:
        UnreadableVideo: the clip cannot be read again.
    """
    chosen: dict[int, tuple[Measured, Moment]] = {}
    for measured, moment in _by_severity(clip):
        if len(chosen) < count:
            chosen.setdefault(_worst_frame(clip, measured.quantity.key, moment), (measured, moment))
    if not chosen:
        return ()
    with ExitStack() as files:
        path = clip.path
        if inside_tar(path) is not None:
            from vqinsight.video.tars import member_file  # only for tars

            path = files.enter_context(member_file(path))
        return tuple(
            _still(clip, index, *chosen[index], frame)
            for index, frame in iter_frames(probe(path, folder_fps=folder_fps), list(chosen))
        )


def defects(clip: MeasuredClip) -> list[Measured]:
    """What is seen in a clip, most severe first: quantities with a severity above ``none``, then those with moments
    alone.
    """
    found = [each for each in clip.values.values() if each.severity not in (None, "none") or each.worst]
    return sorted(found, key=_severity, reverse=True)


def _severity(measured: Measured) -> int:
    return SEVERITIES.index(measured.severity or "none")


def _by_severity(clip: MeasuredClip) -> list[tuple[Measured, Moment]]:
    seen = defects(clip)
    most = max((len(each.worst) for each in seen), default=0)
    return [(each, each.worst[turn]) for turn in range(most) for each in seen if turn < len(each.worst)]


def _worst_frame(clip: MeasuredClip, key: str, moment: Moment) -> int:
    within = (clip.times >= moment.start - 1e-9) & (clip.times < moment.end)
    values = np.where(within, np.nan_to_num(clip.series[key], nan=-np.inf), -np.inf)
    return int(np.argmax(values))


def _still(clip: MeasuredClip, index: int, measured: Measured, moment: Moment, frame: np.ndarray) -> Still:
    time = float(clip.times[index])
    return Still(measured.quantity.key, measured.severity or "none", time, moment.value, small_jpeg(frame))
