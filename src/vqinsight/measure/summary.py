"""From the numbers of each frame to a clip's values, severities and worst moments."""

from __future__ import annotations

import numpy as np

from vqinsight.measure import order
from vqinsight.measure.flow import scaled_size
from vqinsight.measure.quantities import QUANTITIES
from vqinsight.measure.types import Measured, MeasuredClip, Moment, Quantity
from vqinsight.tasks.types import Missing
from vqinsight.video.info import VideoInfo

_MOMENTS = 3
_JOIN = 0.25  # seconds: stretches that are closer count as one moment
_NOTHING = {
    "blur": "there are no edges in any frame",
    "noise": "all pixels are black or white",
    "banding": "all frames are of one colour",
}


def measured(info: VideoInfo, times: np.ndarray, rows: dict[str, np.ndarray]) -> MeasuredClip:
    """Summarise a clip.

    Args:
        info: of the clip.
        times: (T,) seconds.
        rows: by the names of ``clip.ClipMeter``, (T,) float32.
    """
    series, cut = frame_series(times, rows, scaled_size(info.height, info.width)[1])
    shown = np.diff(np.r_[times, max(info.duration, times[-1])])
    values = {key: _measure(quantity, series[key], cut, times, shown, info) for key, quantity in QUANTITIES.items()}
    return MeasuredClip(
        path=info.path,
        kind=info.kind,
        frames=len(times),
        duration=info.duration,
        values=values,
        times=times,
        series={key: series[key] for key in QUANTITIES},
        cuts=tuple(float(time) for time in times[cut]),
        warnings=info.warnings,
    )


def frame_series(
    times: np.ndarray, rows: dict[str, np.ndarray], width: int
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """(T,) float32 of each quantity in its unit, NaN where there is none, and (T,) bool: the frame begins a scene."""
    unexplained = np.nan_to_num(rows["warping"] / np.maximum(rows["change_in_pixels"], 1e-6), nan=1.0)  # no flow
    cut = order.cuts(rows["change"], rows["change_over_two"], unexplained)
    step = np.arange(len(times)) > 0
    beside = cut | np.r_[cut[1:], False]  # of three frames, one is of another scene
    frozen, repeated = order.repeats(rows["moved"], times, cut)
    still = frozen | repeated
    swapped = order.out_of_order(rows["change"], rows["change_over_two"], rows["across"] + 1j * rows["down"], cut)
    wrong = swapped | np.roll(swapped, 1) | np.roll(swapped, 2) if len(swapped) > 3 else swapped
    skip = cut | still | np.r_[False, still[:-1]] | wrong
    gaps = np.diff(times, prepend=np.nan)
    seconds = np.where(gaps > 0, gaps, np.nan)
    return {
        **{key: rows[key] for key in ("blur", "noise", "blockiness", "banding", "clipping")},
        "underexposure": np.maximum(-rows["exposure"], 0),
        "overexposure": np.maximum(rows["exposure"], 0),
        **{key: _blank(rows[key], beside) for key in ("flicker", "unsteadiness", "jitter")},
        "inconsistency": _blank(rows["inconsistent"], cut),
        "warping_error": _blank(rows["warping"], cut),
        "frozen": _percent(frozen, step),
        "repeated": _percent(repeated, step),
        "dropped": _percent(order.dropped(rows["speed"], times, skip), step),
        "out_of_order": _percent(swapped, step),
        "motion": _blank((100 * rows["speed"] / width / seconds).astype(np.float32), cut),
        "cuts": np.where(step, cut, np.nan).astype(np.float32),
    }, cut


def _measure(
    quantity: Quantity, series: np.ndarray, cut: np.ndarray, times: np.ndarray, shown: np.ndarray, info: VideoInfo
) -> Measured:
    missing = _why_missing(quantity, series, info, len(times))
    if missing is not None:
        return Measured(quantity, missing, None)
    there = ~np.isnan(series)
    if quantity.key == "cuts":
        value = float(cut.sum())
    elif quantity.key == "frozen" and shown.sum() > 0:
        value = float(np.average(np.nan_to_num(series), weights=shown))
    else:
        value = float(series[there].mean(dtype=np.float64))
    if not quantity.ladder:
        return Measured(quantity, value, None)
    return Measured(quantity, value, quantity.severity(value), _worst(series, quantity.ladder[0], times, shown))


def _why_missing(quantity: Quantity, series: np.ndarray, info: VideoInfo, count: int) -> Missing | None:
    if quantity.kind != "spatial" and count == 1:
        return Missing("one frame cannot show motion")
    if count < quantity.min_frames:
        return Missing(f"{count} frames are too few, it takes {quantity.min_frames}")
    if min(info.width, info.height) < quantity.min_side:
        return Missing(f"{info.width}x{info.height} pixels are too few, it takes {quantity.min_side} a side")
    if np.isnan(series).all():
        return Missing(_NOTHING.get(quantity.key, "all frames are beside a cut"))
    return None


def _worst(series: np.ndarray, least: float, times: np.ndarray, shown: np.ndarray) -> tuple[Moment, ...]:
    """The highest of the stretches in which ``least`` is reached, highest first."""
    moments: list[Moment] = []
    for start, end in order.runs(np.nan_to_num(series) >= least):
        moment = Moment(
            float(times[start]), float(times[end - 1] + shown[end - 1]), float(np.nanmax(series[start:end]))
        )
        if moments and moment.start - moments[-1].end < _JOIN:
            moment = Moment(moments[-1].start, moment.end, max(moment.value, moments.pop().value))
        moments.append(moment)
    return tuple(sorted(moments, key=lambda moment: -moment.value)[:_MOMENTS])


def _blank(series: np.ndarray, where: np.ndarray) -> np.ndarray:
    return np.where(where, np.float32(np.nan), series)


def _percent(counts: np.ndarray, step: np.ndarray) -> np.ndarray:
    """Hundred for each, NaN for the first frame, which has no step."""
    return np.where(step, 100 * counts.astype(np.float32), np.float32(np.nan))
