"""Texts about measured clips, for the terminal and the HTML page."""

from __future__ import annotations

from vqinsight.measure.reference import Fidelity
from vqinsight.measure.stills import defects
from vqinsight.measure.types import Measured, MeasuredClip, Moment
from vqinsight.report.phrases import moment
from vqinsight.tasks.types import Missing

_LASTS = 0.9  # of the clip


def figure(value: float) -> str:
    """A value with three digits."""
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"


def with_unit(measured: Measured) -> str:
    """The value with its unit, or a dash."""
    if isinstance(measured.value, Missing):
        return "–"
    return f"{figure(measured.value)} {measured.quantity.unit}".strip()


def name(measured: Measured) -> str:
    """The quantity's name in words."""
    return measured.quantity.key.replace("_", " ")


def moments(measured: Measured, clip: MeasuredClip) -> str:
    """The worst moments, or why there is no value."""
    if isinstance(measured.value, Missing):
        return f"not measured: {measured.value.reason}"
    if clip.frames == 1:
        return ""
    return ", ".join("throughout" if lasts(each, clip) else moment(each.start, each.end) for each in measured.worst)


def lasts(found: Moment, clip: MeasuredClip) -> bool:
    """Whether a moment is nearly the whole clip."""
    return found.end - found.start >= _LASTS * clip.duration


def seen(clip: MeasuredClip) -> str:
    """What is seen in a clip, in one phrase: ``strong blur at 1.20 s; slight noise; at moments: flicker at 3.00 s``."""
    parts, brief = [], []
    for each in defects(clip):
        if each.severity == "none":
            at = "" if lasts(each.worst[0], clip) else f" at {moment(each.worst[0].start)}"
            brief.append(f"{name(each)}{at}")
        else:
            at = f" at {moment(each.worst[0].start)}" if each.worst and not lasts(each.worst[0], clip) else ""
            parts.append(f"{each.severity} {name(each)}{at}")
    if brief:
        parts.append(f"at moments: {', '.join(brief)}")
    return "; ".join(parts) or "no defect"


def fidelity(found: Fidelity) -> str:
    """A clip against its reference in one phrase."""
    if found.identical:
        close = "identical (PSNR infinite, SSIM 1)"
    else:
        lowest = f", lowest {found.lowest.value:.2f} dB at {moment(found.lowest.start)}" if found.frames > 1 else ""
        close = f"PSNR {found.psnr:.2f} dB{lowest}; SSIM {found.ssim:.4f}"
    vmaf = f"; VMAF {found.vmaf:.1f}" if found.vmaf is not None else ""
    lone = f", {found.unmatched} have no reference frame at their time" if found.unmatched else ""
    return f"{close}{vmaf}; {found.frames} frames compared{lone}"


def about(clip: MeasuredClip) -> str:
    """Kind, frames, duration and cuts."""
    if clip.kind == "image":
        return "image"
    cuts = f", cuts at {', '.join(moment(each) for each in clip.cuts)}" if clip.cuts else ""
    files = "frame files" if clip.kind == "frames" else "frames"
    return f"all {clip.frames} {files}, {moment(clip.duration)}{cuts}"
