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
    """What was measured on a clip, in words; quantities without a value are left out."""
    spatial = [_said(each) for each in clip.values.values() if each.quantity.kind == "spatial"]
    temporal = [_said(each) for each in clip.values.values() if each.quantity.kind != "spatial"]
    if clip.cuts:
        times = ", ".join(f"{time:.1f}" for time in clip.cuts[:_CUTS])
        temporal.append(f"cuts at {times}{', …' if len(clip.cuts) > _CUTS else ''} s")
    return Evidence(_line("Measured in every frame", spatial), _line("Measured between frames", temporal))


def _line(opening: str, said: list[str | None]) -> str:
    given = [each for each in said if each is not None]
    return f"{opening}: {'; '.join(given)}." if given else ""


def _said(measured: Measured) -> str | None:
    quantity, value = measured.quantity, measured.value
    if isinstance(value, Missing):
        return None
    said = f"{quantity.key.replace('_', ' ')} {number(value)}" + (f" {quantity.unit}" if quantity.unit else "")
    moments = [f"{moment.start:.1f}–{moment.end:.1f} s" for moment in measured.worst[:_MOMENTS]]
    return f"{said}, most at {' and '.join(moments)}" if moments and quantity.kind == "temporal" else said


def number(value: float) -> str:
    """A value with two significant digits, without an exponent; what rounds to less than 0.001 is 0."""
    if abs(value) < 0.0005:
        return "0"
    if abs(value) >= 10:
        return f"{value:.0f}"
    return f"{value:.{2 if abs(value) >= 0.1 else 3}f}".rstrip("0").rstrip(".")
