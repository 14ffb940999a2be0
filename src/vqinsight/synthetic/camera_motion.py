"""Properties of real clips added to rendered scenes: camera shake, uneven pace, moving objects, cuts, compression.

None of them is a defect. Training clips have some of them, so that a small model does not take them for defects.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image
from PIL.Image import Resampling, Transform


@dataclass(frozen=True)
class Handling:
    """Camera handling and encoding of a scene; by default none.

    Attributes:
        pace: relative change of speed in the middle of the clip, faster above 0, slower below; within (-1, 1).
        sway: amplitude of camera shake, as a share of the frame's short side.
        movers: number of independently moving objects.
        cut: the frame at which another view starts; 0 for none.
        drift: relative amplitude of slow changes of brightness, as by automatic exposure.
        crf: the constant rate factor of H.264 for the whole clip; 0 leaves it to the clip.
    """

    pace: float = 0.0
    sway: float = 0.0
    movers: int = 0
    cut: int = 0
    drift: float = 0.0
    crf: float = 0.0


AS_IS = Handling()


def draw_handling(frames: int, rng: np.random.Generator, *, shapes: bool) -> tuple[int, Handling]:
    """Length and handling of a training scene of ``frames`` frames; some become longer.

    Moving objects and cuts are for scenes without ``shapes``, as prompts describe the shapes.
    """
    pace = rng.uniform(-0.8, 0.8) if rng.random() < 0.3 else 0.0
    sway = rng.uniform(0.004, 0.03) if rng.random() < 0.3 else 0.0
    if rng.random() < 0.1:
        frames, sway = int(np.exp(rng.uniform(np.log(64), np.log(240)))), rng.uniform(0.0, 0.04)
    if rng.random() < 0.08:
        sway = rng.uniform(0.03, 0.09)
    movers = int(rng.integers(1, 4)) if rng.random() < 0.5 and not shapes else 0
    cut = int(frames * rng.uniform(0.2, 0.8)) if rng.random() < 0.08 and not shapes else 0
    drift = rng.uniform(0.03, 0.15) if rng.random() < 0.15 else 0.0
    crf = rng.uniform(16, 25) if rng.random() < 0.3 else 0.0
    return frames, Handling(pace, sway, movers, cut, drift, crf)


def swayed(at: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """(n, 2) horizontal and vertical shake: the sum of a slow and a faster wave, within [-1, 1]."""
    period, phase = rng.uniform((16, 7), (48, 14), (2, 2)), rng.uniform(0, 2 * np.pi, (2, 2))
    waves = np.sin(2 * np.pi * at[:, None, None] / period + phase)
    return np.asarray(0.75 * waves[..., 0] + 0.25 * waves[..., 1])


def adapt(clip: np.ndarray, drift: float, at: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Frames whose brightness oscillates by the share ``drift`` within one to four seconds."""
    wave = np.sin(2 * np.pi * at / rng.uniform(24, 96) + rng.uniform(0, 2 * np.pi))
    gain = (1 + drift * wave).astype(np.float32)[:, None, None, None]
    return np.clip(np.rint(clip * gain), 0, 255).astype(np.uint8)


def add_movers(clip: np.ndarray, view: Image.Image, count: int, at: np.ndarray, rng: np.random.Generator) -> None:
    """Paint moving objects into ``clip`` (n, H, W, 3), in place: pieces of ``view`` that drift, rotate and scale.

    Each piece keeps its texture and has a soft, irregular outline; its motion is smooth in time, at up to 2.5 pixels
    per frame and often far slower, like people, cars and leaves.
    """
    short = min(clip.shape[1:3])
    for _ in range(count):
        piece = _piece(view, short * rng.uniform(0.12, 0.32), rng)
        x0, y0 = rng.uniform(0.15, 0.85, 2) * view.size
        ways = [_wave(at, rng.uniform(0.1, 2.5), rng) for _ in range(2)]
        turn = _wave(at, rng.uniform(0, 0.03), rng)
        wide, high = (1 + 0.15 * _wave(at, None, rng) for _ in range(2))
        for frame, x, y, angle, across, down in zip(clip, *ways, turn, wide, high, strict=True):
            _paste(frame, piece, np.array((x0 + x, y0 + y)), angle, across, down)


def _wave(at: np.ndarray, speed: float | None, rng: np.random.Generator) -> np.ndarray:
    """(n,) a wave of 10 to 70 frames, changing by at most ``speed`` per frame; of amplitude 1 if that is ``None``."""
    period, phase = rng.uniform(10, 70), rng.uniform(0, 2 * np.pi)
    height = 1.0 if speed is None else speed * period / (2 * np.pi)
    return np.asarray(height * np.sin(2 * np.pi * at / period + phase))


def _piece(view: Image.Image, radius: float, rng: np.random.Generator) -> Image.Image:
    """A square RGBA picture of about twice ``radius``: a part of the view, its channels exchanged, without corners."""
    side = min(2 * int(np.ceil(radius)), *view.size)
    left, top = (int(rng.integers(0, size - side + 1)) for size in view.size)
    cut = np.asarray(view.crop((left, top, left + side, top + side)))[:, :, rng.permutation(3)]
    y, x = (np.mgrid[:side, :side] + 0.5 - side / 2) / (side / 2)
    outline = 0.78 + 0.14 * np.sin(rng.integers(1, 5) * np.arctan2(y, x) + rng.uniform(0, 2 * np.pi))
    alpha = np.clip((outline - np.hypot(x, y)) * side / rng.uniform(2, 6), 0, 1)
    return Image.fromarray(np.dstack((cut, np.rint(255 * alpha).astype(np.uint8))))


def _paste(frame: np.ndarray, piece: Image.Image, centre: np.ndarray, angle: float, wide: float, high: float) -> None:
    """Paint a piece into a frame in place, turned by ``angle`` and stretched, with sub-pixel accuracy."""
    reach = piece.width * 0.75
    low = np.maximum(np.floor(centre - reach), 0).astype(int)
    end = np.minimum(np.ceil(centre + reach), (frame.shape[1], frame.shape[0])).astype(int)
    if (low >= end).any():
        return
    cosine, sine = np.cos(angle), np.sin(angle)
    back = np.array([[cosine / wide, sine / wide], [-sine / high, cosine / high]])
    start = piece.width / 2 - back @ (centre - low)
    matrix = (*back[0], start[0], *back[1], start[1])
    shown = piece.transform(tuple((end - low).tolist()), Transform.AFFINE, matrix, Resampling.BICUBIC)
    seen = np.asarray(shown, np.float32)
    region, alpha = frame[low[1] : end[1], low[0] : end[0]], seen[..., 3:] / 255
    region[:] = np.rint((1 - alpha) * region + alpha * seen[..., :3])
