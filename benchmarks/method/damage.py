"""Defects of known physical strength for real frames: (T, H, W, 3) uint8 RGB in, the same out.

``DEFECTS`` names, for each, the measurement that is meant to show it, the strengths in ascending order, and their unit.
Its second to fifth strengths are where ``slight``, ``visible``, ``strong`` and ``severe`` begin on the ladder.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from vqinsight.synthetic.defects_spatial import h264_round_trip

_LINEAR = 2.2


@dataclass(frozen=True)
class Defect:
    """A kind of damage.

    Attributes:
        shows: key of the measurement that is meant to show it.
        unit: of the strengths.
        strengths: ascending; five of them.
        apply: frames, strength, generator -> damaged frames.
        temporal: it takes footage; the others are measured in single frames.
        fitted: it makes the ladder of that measurement. Those of shares of time and of frames are set by definition,
            and the last five defects are left out.
    """

    shows: str
    unit: str
    strengths: tuple[float, ...]
    apply: Callable[[np.ndarray, float, np.random.Generator], np.ndarray]
    temporal: bool = False
    fitted: bool = True


def _levels(frames: np.ndarray) -> np.ndarray:
    return np.clip(np.rint(frames), 0, 255).astype(np.uint8)


def _blur(frames: np.ndarray, sigma: float, _: np.random.Generator) -> np.ndarray:
    return np.stack([cv2.GaussianBlur(frame, (0, 0), sigma) for frame in frames])


def _upscale(frames: np.ndarray, factor: float, _: np.random.Generator) -> np.ndarray:
    height, width = frames.shape[1:3]
    small = (max(1, round(width / factor)), max(1, round(height / factor)))
    shrunk = [cv2.resize(frame, small, interpolation=cv2.INTER_AREA) for frame in frames]
    return np.stack([cv2.resize(frame, (width, height), interpolation=cv2.INTER_CUBIC) for frame in shrunk])


def _noise(frames: np.ndarray, sigma: float, rng: np.random.Generator) -> np.ndarray:
    grain = rng.standard_normal(frames.shape[:3], np.float32)[..., None]  # alike in all channels
    return _levels(frames + sigma * grain)


def _jpeg(frames: np.ndarray, strength: float, _: np.random.Generator) -> np.ndarray:
    options = [cv2.IMWRITE_JPEG_QUALITY, round(100 - strength)]
    decoded = [np.asarray(cv2.imdecode(cv2.imencode(".jpg", frame, options)[1], cv2.IMREAD_COLOR)) for frame in frames]
    return np.stack(decoded)


def _h264(frames: np.ndarray, crf: float, _: np.random.Generator) -> np.ndarray:
    return h264_round_trip(frames, crf)


def _posterise(frames: np.ndarray, step: float, _: np.random.Generator) -> np.ndarray:
    return _levels(np.rint(frames / step) * step)


def _expose(frames: np.ndarray, stops: float) -> np.ndarray:
    return _levels(255 * (2**stops * (frames / 255) ** _LINEAR) ** (1 / _LINEAR))


def _contrast(frames: np.ndarray, factor: float, _: np.random.Generator) -> np.ndarray:
    middle = float(np.median(frames))
    return _levels(middle + factor * (frames.astype(np.float32) - middle))


def _flicker(frames: np.ndarray, percent: float, rng: np.random.Generator) -> np.ndarray:
    gain = 1 + percent / 100 * rng.standard_normal(len(frames))
    return _levels(frames * gain[:, None, None, None].astype(np.float32))


def _beat(frames: np.ndarray, percent: float, _: np.random.Generator) -> np.ndarray:
    gain = 1 + percent / 100 * np.sin(2 * np.pi * np.arange(len(frames)) / 3.1)  # mains light seen by a camera
    return _levels(frames * gain[:, None, None, None].astype(np.float32))


def _warp(frame: np.ndarray, across: np.ndarray, down: np.ndarray) -> np.ndarray:
    height, width = frame.shape[:2]
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    return cv2.remap(
        frame,
        x + np.asarray(across, np.float32),
        y + np.asarray(down, np.float32),
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REFLECT,
    )


def _shake(frames: np.ndarray, percent: float, rng: np.random.Generator) -> np.ndarray:
    shifts = percent / 100 * frames.shape[2] * rng.standard_normal((len(frames), 2))
    return np.stack([_warp(frame, *shift) for frame, shift in zip(frames, shifts, strict=True)])


def _wobble(frames: np.ndarray, percent: float, rng: np.random.Generator) -> np.ndarray:
    """Every region of about a sixth of the width moves on its own."""
    height, width = frames.shape[1:3]
    size = percent / 100 * width
    fields = size * rng.standard_normal((len(frames), 2, max(2, round(6 * height / width)), 6)).astype(np.float32)
    smooth = [[cv2.resize(part, (width, height), interpolation=cv2.INTER_CUBIC) for part in field] for field in fields]
    return np.stack([_warp(frame, *field) for frame, field in zip(frames, smooth, strict=True)])


def _freeze(frames: np.ndarray, percent: float, rng: np.random.Generator) -> np.ndarray:
    count = round(percent / 100 * len(frames))
    start = int(rng.integers(1, len(frames) - count))
    shown = np.arange(len(frames))
    shown[start : start + count] = start - 1
    return frames[shown]


def _places(count: int, percent: float, apart: int, rng: np.random.Generator) -> np.ndarray:
    """Frame numbers at least ``apart`` frames from each other and from the ends."""
    wanted = max(1, round(percent / 100 * count))
    slots = np.arange(apart, count - apart, apart)
    return np.sort(rng.choice(slots, min(wanted, len(slots)), replace=False))


def _repeat(frames: np.ndarray, percent: float, rng: np.random.Generator) -> np.ndarray:
    shown = np.arange(len(frames))
    places = _places(len(frames), percent, 2, rng)
    shown[places] = places - 1
    return frames[shown]


def _drop(frames: np.ndarray, percent: float, rng: np.random.Generator) -> np.ndarray:
    return np.delete(frames, _places(len(frames), percent, 4, rng), axis=0)


def _exchange(frames: np.ndarray, percent: float, rng: np.random.Generator) -> np.ndarray:
    shown = np.arange(len(frames))
    for place in _places(len(frames), percent, 3, rng):
        shown[[place, place + 1]] = shown[[place + 1, place]]
    return frames[shown]


def _shuffle(frames: np.ndarray, reach: float, rng: np.random.Generator) -> np.ndarray:
    return frames[np.argsort(np.arange(len(frames)) + rng.uniform(0, reach, len(frames)), kind="stable")]


def _ghost(frames: np.ndarray, percent: float, _: np.random.Generator) -> np.ndarray:
    weight = percent / 100
    earlier = frames[np.maximum(np.arange(len(frames)) - 4, 0)]
    return _levels((1 - weight) * frames.astype(np.float32) + weight * earlier)


DEFECTS = {
    "blur": Defect("blur", "px (sigma)", (0.7, 1.2, 2.0, 3.2, 5.0), _blur),
    "noise": Defect("noise", "grey levels", (2, 5, 10, 18, 30), _noise),
    "jpeg": Defect("blockiness", "100 - quality", (30, 50, 75, 90, 96), _jpeg),
    "posterised": Defect("banding", "grey levels", (4, 8, 14, 22, 32), _posterise),
    "contrast": Defect("clipping", "factor", (1.2, 1.5, 2.0, 3.0, 5.0), _contrast),
    "darkened": Defect("underexposure", "stops", (1, 2, 3, 4, 5), lambda f, s, _: _expose(f, -s)),
    "brightened": Defect("overexposure", "stops", (0.4, 0.8, 1.4, 2.0, 3.0), lambda f, s, _: _expose(f, s)),
    "flicker": Defect("flicker", "% (standard deviation)", (0.7, 1.5, 4, 8, 16), _flicker, True),
    "shake": Defect("jitter", "% of width", (0.1, 0.25, 0.6, 1.2, 2.4), _shake, True),
    "wobble": Defect("unsteadiness", "% of width", (0.1, 0.25, 0.4, 0.7, 1.4), _wobble, True),
    "frozen": Defect("frozen", "% of time", (12, 20, 30, 45, 70), _freeze, True, False),
    "repeated": Defect("repeated", "% of frames", (3, 6, 12, 25, 45), _repeat, True, False),
    "dropped": Defect("dropped", "% of frames", (2, 4, 8, 14, 20), _drop, True, False),
    "exchanged": Defect("out_of_order", "% of pairs", (2, 4, 8, 15, 30), _exchange, True, False),
    "upscaled": Defect("blur", "factor", (1.5, 2, 3, 4.5, 7), _upscale, fitted=False),
    "h264": Defect("blockiness", "crf", (28, 34, 40, 46, 51), _h264, True, fitted=False),
    "beat": Defect("flicker", "% (amplitude)", (0.7, 1.5, 4, 8, 16), _beat, True, fitted=False),
    "shuffled": Defect("out_of_order", "frames", (1.3, 1.7, 2.5, 4, 8), _shuffle, True, fitted=False),
    "ghosting": Defect("warping_error", "% opacity", (10, 20, 30, 40, 50), _ghost, True, fitted=False),
}
