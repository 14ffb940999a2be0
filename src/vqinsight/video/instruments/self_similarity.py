"""Self-similarity matrices of a segment of a clip as an image, for small models.

Temporal defects need more than differences of consecutive frames. A shuffled frame is closer to a distant frame than to
the next; a ghost of three to six frames ago correlates changes with those that many frames earlier; a freeze has
distance 0, flicker lies beside the diagonal, and morphing never returns. The matrices of ``WINDOW`` consecutive frames
against each other show all of them without motion estimation. Four quarters:

* top left: the correlation of every change with every other (spectrum half whitened in red, whitened in green,
  unchanged in blue);
* top right: the distance of frame t (down) from frame s + 1 (across): logarithmic in red, relative to the mean of all
  distances in green, and the difference in brightness in blue;
* bottom left: the correlation of changes in coarse, middle and fine detail;
* bottom right: the correlation of frame t with frame s + 1: half whitened, whitened, and of fine detail alone.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from vqinsight.video.instruments.scopes import SIDE, Trace

WINDOW = SIDE // 2 + 1  # consecutive frames, so that their changes fill a quarter
_COARSE, _FINE = 1 / 16, 1 / 6  # cycles per pixel of the downscaled frame, where coarse detail ends and fine begins


def window(index: int, total: int) -> range:
    """The frames of the square of frame ``index``: it and the following, at a clip's end the preceding ones."""
    first = max(0, min(index, total - WINDOW))
    return range(first, min(first + WINDOW, total))


def self_similarity(frames: Sequence[Trace]) -> np.ndarray:
    """The square of 1 to ``WINDOW`` consecutive frames.

    Returns:
        (SIDE, SIDE, 3) float32, 0 to 1; black where a short clip has no frames.
    """
    half = SIDE // 2
    square = np.zeros((SIDE, SIDE, 3), dtype=np.float32)
    steps = len(frames) - 1
    if steps == 0:
        return square
    waves = np.stack([frame.waves for frame in frames])
    size = waves.shape[1]
    bands = _bands(size)
    spectra, changes = _rows(waves), _rows(np.diff(waves, axis=0))
    half_white, white = _whitenings(spectra)
    changes_half_white, changes_white = _whitenings(changes)
    brightness = np.array([frame.brightness for frame in frames], dtype=np.float32)
    distance = np.sqrt(np.maximum(_distances(_gram(spectra)), 0)) / size**2
    near = distance[:-1, 1:]
    quarters = (
        [_agree(_gram(changes, weight)) for weight in (changes_half_white, changes_white, None)],
        [
            np.clip((np.log10(near + 0.03) + 1.5) / 3.5, 0, 1),
            np.clip(near / (2 * distance.mean() + 0.05), 0, 1),
            np.clip(0.5 + (brightness[None, 1:] - brightness[:-1, None]) / 100, 0, 1),
        ],
        [_agree(_gram(changes, changes_half_white * band)) for band in bands],
        [_agree(_gram(spectra, weight))[:-1, 1:] for weight in (half_white, white, half_white * bands[2])],
    )
    for (top, left), planes in zip(((0, 0), (0, half), (half, 0), (half, half)), quarters, strict=True):
        square[top : top + steps, left : left + steps] = np.stack(planes, axis=-1)
    return square


def _rows(waves: np.ndarray) -> np.ndarray:
    """(frames, 2 * waves) float32: real and imaginary parts alternating, so that products of rows are correlations."""
    return np.ascontiguousarray(waves, dtype=np.complex64).reshape(len(waves), -1).view(np.float32)


def _bands(size: int) -> np.ndarray:
    """(3, 2 * waves) float32: 1 in coarse, middle and fine detail."""
    frequency = np.hypot(np.fft.fftfreq(size)[:, None], np.fft.rfftfreq(size)[None]).ravel().repeat(2)
    kinds = (frequency < _COARSE, (frequency >= _COARSE) & (frequency < _FINE), frequency >= _FINE)
    return np.stack(kinds).astype(np.float32)


def _whitenings(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Power weights that whiten the mean spectrum halfway, and fully."""
    power = np.einsum("nk,nk->k", rows, rows) / len(rows)
    power = np.repeat(power[0::2] + power[1::2], 2)
    white = 1 / (power + 0.01 * power.mean() + 1e-6)
    return np.sqrt(white), white


def _gram(rows: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
    return (rows if weights is None else rows * weights) @ rows.T


def _distances(gram: np.ndarray) -> np.ndarray:
    power = np.diag(gram)
    return power[:, None] + power[None] - 2 * gram


def _agree(gram: np.ndarray) -> np.ndarray:
    """Correlations from -1 to 1, mapped to 0 to 1; without change there is no correlation."""
    power = np.diag(gram)
    scale = np.sqrt(power + 1e-4 * power.mean() + 1e-12)
    return 0.5 + 0.5 * gram / scale[:, None] / scale[None]
