"""Measurements of a frame as images: histograms, spectra and motion, for small models.

A large model judges fine detail from pixels; a model of a few million parameters does not learn the statistics of
single pixels (number of grey levels, differences of neighbours). Scopes show them directly. Every frame has three
squares:

* levels: the histogram of levels, its concentration, the differences of neighbouring pixels, and the position of large
  differences on a grid of 16 pixels;
* spectrum: the power spectrum of green (shown in red), of red minus green (in green), and of the change to the next
  frame (in blue);
* motion: phase correlation with the next frame (in red) and with the next sampled frame (in green); in blue, displaced
  copies as spots: in the upper half of the whole frame (its cepstrum), in the lower half of what moves (the
  autocorrelation of the change to the next frame).

Levels of large frames are measured on every k-th pixel, everything else in a square in the centre.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy import fft
from PIL import Image

from vqinsight.video.patches import resize

SIDE = 28  # of a square, in pixels
SQUARES = 3
_CELL = 2  # pixels along each side of one value in the square of levels
_MIDDLE = 224  # side of the square in the centre of a large frame
_WINDOW = 2 * SIDE  # side of the windows whose spectra are averaged
_GRID = 16  # period of block edges
_SMALL = 112  # side of the downscaled frame that motion is measured on
_HANN = np.hanning(_WINDOW + 2)[1:-1].astype(np.float32)
_TAPER = np.outer(_HANN, _HANN) / np.sqrt(np.mean(np.outer(_HANN, _HANN) ** 2))
_HANN_SMALL = np.hanning(_SMALL + 2)[1:-1].astype(np.float32)
_TAPER_SMALL = np.outer(_HANN_SMALL, _HANN_SMALL)


@dataclass(frozen=True)
class Trace:
    """What the scopes of a frame need of later frames.

    Attributes:
        windows: (n, _WINDOW, _WINDOW) float32, green channel of the centre, for the spectrum of changes.
        waves: Fourier transform of the downscaled frame.
        brightness: mean of the downscaled frame, 0 to 255.
    """

    windows: np.ndarray
    waves: np.ndarray
    brightness: float


@dataclass(frozen=True)
class Reading(Trace):
    """The measurements of a frame that are kept until its neighbours are read.

    Attributes:
        levels: (SIDE, SIDE, 3), 0 to 1, the first square.
        spectrum: (SIDE, SIDE, 2), 0 to 1, of the frame itself.
        cepstrum: (SIDE // 2, SIDE), 0 to 1; the other half is point-symmetric.
    """

    levels: np.ndarray
    spectrum: np.ndarray
    cepstrum: np.ndarray


def trace_frame(frame: np.ndarray) -> Trace:
    """The part of ``read_frame`` for a frame that only follows a shown one."""
    small = resize(frame, (_SMALL, _SMALL)).float().mean(0).numpy()
    brightness = float(small.mean())
    waves = fft.rfft2((small - brightness) * _TAPER_SMALL)
    return Trace(_windows(_middle(frame)[..., 1].astype(np.float32)), waves, brightness)


def read_frame(frame: np.ndarray) -> Reading:
    """Measure an (H, W, 3) uint8 frame of any size."""
    traced, middle = trace_frame(frame), _middle(frame)
    chroma = _windows(middle[..., 0].astype(np.float32) - middle[..., 1])
    echo = _centre(fft.irfft2(np.log(np.abs(traced.waves) ** 2 + 1.0), s=(_SMALL, _SMALL)))
    return Reading(
        windows=traced.windows,
        waves=traced.waves,
        brightness=traced.brightness,
        levels=_levels(frame, np.ascontiguousarray(middle[..., 1])),
        spectrum=np.stack((_spectrum(traced.windows), _spectrum(chroma)), axis=-1),
        cepstrum=np.clip(0.5 + 2 * echo[1 : SIDE // 2 + 1], 0, 1),
    )


def scope(frame: Reading, following: Trace | None = None, later: Trace | None = None) -> torch.Tensor:
    """The three squares of a frame, side by side.

    Args:
        frame: the frame itself.
        following, later: the next frame of the clip, and the next sampled frame; ``None`` leaves their part black.

    Returns:
        (3, SIDE, SQUARES * SIDE) uint8 RGB.
    """
    black = np.zeros((SIDE, SIDE), dtype=np.float32)
    change = black if following is None else _spectrum(following.windows - frame.windows)
    spectrum = np.concatenate((frame.spectrum, change[..., None]), axis=-1)
    moved = [black if other is None else _moved(frame.waves, other.waves) for other in (following, later)]
    trails = black[SIDE // 2 :] if following is None else _trails(following.waves - frame.waves)
    squares = (frame.levels, spectrum, np.stack((*moved, np.concatenate((frame.cepstrum, trails))), axis=-1))
    picture = np.concatenate(squares, axis=1)
    return torch.from_numpy(np.rint(255 * picture).astype(np.uint8)).permute(2, 0, 1)


def _middle(frame: np.ndarray) -> np.ndarray:
    """The centre: at most ``_MIDDLE`` pixels per side, aligned to the codecs' grid of 16, padded to one window."""
    top, left = (max(0, size - _MIDDLE) // 2 // _GRID * _GRID for size in frame.shape[:2])
    cut = frame[top : top + _MIDDLE, left : left + _MIDDLE]
    lacking = [(0, max(0, _WINDOW - size)) for size in cut.shape[:2]]
    return np.pad(cut, (*lacking, (0, 0)), mode="wrap") if np.any(lacking) else cut


def _levels(frame: np.ndarray, green: np.ndarray) -> np.ndarray:
    """The first square: four quarters of 7x7 values."""
    every = int(np.ceil(np.sqrt(frame.shape[0] * frame.shape[1]) / (2 * _MIDDLE)))
    seen = Image.fromarray(np.ascontiguousarray(frame[::every, ::every]))
    counts = np.array(seen.histogram(), dtype=np.float64).reshape(3, 256) / (seen.width * seen.height)
    count = (SIDE // 2 // _CELL) ** 2
    inner = np.add.reduceat(counts[:, 1:255], np.arange(count - 2) * 254 // (count - 2), axis=1)
    shares = np.concatenate((counts[:, :1], inner, counts[:, 255:]), axis=1)
    held = np.cumsum(np.sort(counts, axis=1)[:, ::-1], axis=1)[:, :count]
    across, down = _apart(green[:, 1:], green[:, :-1]), _apart(green[1:], green[:-1])
    slanted = _apart(green[1:, 1:], green[:-1, :-1])
    steps = np.stack([_steps(part, count) for part in (across, down, slanted)])
    edges = np.concatenate((_phases(across), _phases(down.T), np.zeros(count - 2 * _GRID)))
    quarters = [_logarithm(shares), held, _logarithm(steps), np.broadcast_to(edges, (3, count))]
    tiles = [part.reshape(3, SIDE // 2 // _CELL, -1).repeat(_CELL, 1).repeat(_CELL, 2) for part in quarters]
    square = np.concatenate((np.concatenate(tiles[:2], axis=2), np.concatenate(tiles[2:], axis=2)), axis=1)
    return square.transpose(1, 2, 0).astype(np.float32)


def _apart(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """|one - other| of uint8."""
    apart: np.ndarray = np.maximum(one, other) - np.minimum(one, other)
    return apart


def _steps(apart: np.ndarray, count: int) -> np.ndarray:
    """(count,) shares of the distances 0, 1, 2, ...; the last includes all larger ones."""
    found = np.array(Image.fromarray(apart).histogram(), dtype=np.float64) / apart.size
    return np.append(found[: count - 1], found[count - 1 :].sum())


def _phases(apart: np.ndarray) -> np.ndarray:
    """(16,) from 0 to 1: difference of neighbours at each column of a grid of 16, 0.5 for the mean of all columns."""
    columns = apart.sum(0, dtype=np.float64)
    sums = np.array([columns[phase::_GRID].mean() for phase in range(_GRID)])
    return np.clip(0.5 + 0.5 * np.log2((sums + apart.shape[0] * 0.1) / (sums.mean() + apart.shape[0] * 0.1)), 0, 1)


def _logarithm(shares: np.ndarray) -> np.ndarray:
    """Shares on a logarithmic scale of four decades: 1 for a share of 1, 0 for 1/10,000 or less."""
    return np.clip(1 + np.log10(np.maximum(shares, 1e-5)) / 4, 0, 1)


def _windows(plane: np.ndarray) -> np.ndarray:
    """(n, _WINDOW, _WINDOW) tiles of an (H, W) plane, from its top left corner."""
    rows, columns = plane.shape[0] // _WINDOW, plane.shape[1] // _WINDOW
    cut = plane[: rows * _WINDOW, : columns * _WINDOW].reshape(rows, _WINDOW, columns, _WINDOW)
    return cut.swapaxes(1, 2).reshape(-1, _WINDOW, _WINDOW)


def _spectrum(windows: np.ndarray) -> np.ndarray:
    """(SIDE, SIDE), 0 to 1: the mean power by vertical (from -1/2 to 1/2 a pixel) and horizontal frequency (0 to 1/2).

    The scale has six decades; white noise of one grey level lies at 1/6.
    """
    waves = fft.rfft2((windows - windows.mean((1, 2), keepdims=True)) * _TAPER)[..., :SIDE]
    power = (waves.real**2 + waves.imag**2).mean(0) / _WINDOW**2
    folded = fft.fftshift(power, axes=0).reshape(SIDE, 2, SIDE).mean(1)
    return np.clip((np.log10(folded + 1e-2) + 1) / 6, 0, 1).astype(np.float32)


def _moved(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """(SIDE, SIDE), 0 to 1: phase correlation of two downscaled frames; the centre is no motion, a pixel is 1/112."""
    cross = other * one.conj()
    size = np.abs(cross)
    found = _centre(fft.irfft2(cross / (size + 0.01 * size.mean() + 1e-9), s=(_SMALL, _SMALL)))
    return np.sqrt(np.clip(found / max(float(found.max()), 1e-3), 0, 1)).astype(np.float32)


def _trails(change: np.ndarray) -> np.ndarray:
    """(SIDE // 2, SIDE), 0 to 1: autocorrelation of a change for shifts of 0 to 13 downwards; 0.5 is none.

    The spectrum is whitened halfway: without whitening coarse shapes dominate, with full whitening noise does.
    """
    found = _centre(fft.irfft2(np.abs(change), s=(_SMALL, _SMALL)))[SIDE // 2 :]
    return np.clip(0.5 + 2 * found / max(float(found[0, SIDE // 2]), 1e-3), 0, 1).astype(np.float32)


def _centre(plane: np.ndarray) -> np.ndarray:
    """(SIDE, SIDE) of the shifts from -14 to 13."""
    half = SIDE // 2
    return np.roll(plane, (half, half), (0, 1))[:SIDE, :SIDE]
