"""What a measurement of a clip is made of: quantities with units, values, severities, and moments in time."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from vqinsight.tasks.types import Missing

Kind = Literal["spatial", "temporal", "content"]
Severity = Literal["none", "slight", "visible", "strong", "severe"]
SEVERITIES: tuple[Severity, ...] = ("none", "slight", "visible", "strong", "severe")


@dataclass(frozen=True)
class Quantity:
    """One thing that is measured.

    Attributes:
        key: its name in results and tables, e.g. ``"blur"``.
        unit: of its values; empty for a plain ratio.
        kind: ``spatial`` (a defect of frames), ``temporal`` (a defect between frames), or ``content``: true of the
            clip and no defect, such as motion and cuts.
        meaning: one phrase for tables and questions to a model.
        source: the publication it follows, or how it is computed.
        min_side: smallest height and width of a frame, in pixels.
        min_frames: smallest number of frames.
        ladder: four ascending values: where ``slight``, ``visible``, ``strong`` and ``severe`` begin. They come from
            defects of known strength in real frames. Empty for ``content``.
    """

    key: str
    unit: str
    kind: Kind
    meaning: str
    source: str
    min_side: int = 16
    min_frames: int = 1
    ladder: tuple[float, ...] = ()

    def severity(self, value: float) -> Severity:
        """The step of the ladder that a value reaches; ``none`` below the first and without a ladder."""
        return SEVERITIES[sum(value >= step for step in self.ladder)]


@dataclass(frozen=True)
class Moment:
    """A stretch of a clip, in seconds, with the value measured there."""

    start: float
    end: float
    value: float


@dataclass(frozen=True)
class Measured:
    """A quantity measured on one clip.

    Attributes:
        value: over the whole clip, in the quantity's unit, or why there is none.
        severity: of the value; ``None`` where it is missing or is no defect.
        worst: the worst moments, worst first, none for what is not seen in the clip.
    """

    quantity: Quantity
    value: float | Missing
    severity: Severity | None
    worst: tuple[Moment, ...] = ()


@dataclass(frozen=True)
class MeasuredClip:
    """All measurements of one clip.

    Attributes:
        path: as given.
        kind: video, image or frames.
        frames: number of frames, all of which are measured.
        duration: seconds.
        values: by the quantity's key, in the order of ``QUANTITIES``.
        times: (T,) presentation times in seconds.
        series: by the quantity's key, (T,) float32 values of each frame, NaN where there is none.
        cuts: times of the first frame of each new scene.
        warnings: problems of the file.
    """

    path: str
    kind: str
    frames: int
    duration: float
    values: dict[str, Measured]
    times: np.ndarray = field(repr=False)
    series: dict[str, np.ndarray] = field(repr=False)
    cuts: tuple[float, ...]
    warnings: tuple[str, ...]
