"""Measured values in words, as a question to a model states them.

They are physical values and times, never a grade. Size, rate, count and length of frames are not evidence: they tell
which generator made a clip, and nothing of its quality.
"""

from __future__ import annotations

import numpy as np

from vqinsight.measure.clip import ClipMeter
from vqinsight.measure.types import Measured, MeasuredClip
from vqinsight.tasks.types import Missing
from vqinsight.video.info import VideoInfo
from vqinsight.video.record import Evidence

_MOMENTS = 2  # of a quantity, at most
_CUTS = 8  # times named, at most
CUTS = "cuts"  # their times are stated, not their number


class EvidenceObserver:
    """Measures every frame that it is shown; a ``video.preprocess.Observer``."""

    def __init__(self, info: VideoInfo) -> None:
        self._meter = ClipMeter(info)

    def add(self, index: int, time: float, frame: np.ndarray) -> None:
        """See ``Observer``."""
        self._meter.add(index, time, frame)

    def finish(self) -> Evidence:
        """See ``Observer``."""
        return evidence(self._meter.finish())


def evidence(clip: MeasuredClip) -> Evidence:
    """What was measured on a clip, in words; quantities that could not be measured are left out."""
    spatial = [each for each in clip.values.values() if each.quantity.kind == "spatial"]
    temporal = [each for each in clip.values.values() if each.quantity.kind != "spatial" and each.quantity.key != CUTS]
    cuts = [f"cuts at {', '.join(f'{time:.1f}' for time in clip.cuts[:_CUTS])} s"] if clip.cuts else []
    return Evidence(
        _line("Measured in every frame", spatial, clip.duration, []),
        _line("Measured between frames", temporal, clip.duration, cuts),
    )


def _line(opening: str, measured: list[Measured], duration: float, further: list[str]) -> str:
    said, none = [], []
    for each in measured:
        if isinstance(each.value, Missing):
            continue
        name, value = each.quantity.key.replace("_", " "), number(each.value)
        if value == "0":
            none.append(name)
            continue
        unit = f" {each.quantity.unit}" if each.quantity.unit else ""
        said.append(f"{name} {value}{unit}{_moments(each, duration)}")
    parts = [*said, *further, *([f"without {', '.join(none)}"] if none else [])]
    return f"{opening}: {'; '.join(parts)}." if parts else ""


def _moments(measured: Measured, duration: float) -> str:
    """When it is worst, where that is a part of the clip."""
    if measured.quantity.kind != "temporal":
        return ""
    parts = [each for each in measured.worst[:_MOMENTS] if each.end - each.start < duration / 2]
    return " at " + " and ".join(f"{each.start:.1f}–{each.end:.1f} s" for each in parts) if parts else ""


def number(value: float) -> str:
    """A value with two significant digits, without an exponent; what rounds to less than 0.001 is 0."""
    if abs(value) < 0.0005:
        return "0"
    if abs(value) >= 10:
        return f"{value:.0f}"
    return f"{value:.{2 if abs(value) >= 0.1 else 3}f}".rstrip("0").rstrip(".")
