"""Defects within a frame: functions of (H, W) uint8 grey levels, NaN where there is nothing to measure.

Sharpness, grain, and block edges exist only at native resolution: ``central`` bounds the cost of large frames by a
crop, not by scaling.
"""

from __future__ import annotations

from math import ceil, nan, pi, sqrt

import cv2
import numpy as np

SMALLEST = 16  # pixels a side
_CROP = (960, 540)  # longer and shorter side
_COUNTED = 480 * 270  # pixels
_BAR = 24  # black bars reach this level at most, in all of a row or column
_EDGES = 0.98  # blur is measured where gradients are above this quantile: flat parts say nothing about it
_BOX = 9  # pixels, of the blur that is added
_BLOCK = 8  # side in pixels of a codec's blocks, and of the cells that noise is measured in
_QUIET = 0.2  # quantile of cells: texture is local, noise is not
_QUIET_MEAN = 0.893  # that quantile of cells of white noise, relative to their mean
_FINE = 8  # parts of a grey level, in which second differences are averaged as integers
_LAPLACIAN = _FINE * np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)
_FLAT = 4  # pixels on each side of a contour
_CONTOUR = 40  # grey levels; higher steps are edges of objects
_AROUND = np.ones((1, 2 * _FLAT + 1), np.uint8)
_AROUND[0, _FLAT] = 0
# By the height of a step: what the steps around have to stay below.
_FLATNESS = np.array([1 + step // 8 if 2 <= step <= _CONTOUR else 0 for step in range(256)], np.uint8)
_BLACK, _WHITE = 2, 253
_LINEAR = np.array([v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in np.arange(256) / 255])
_MIDDLE_GREY = 0.18


def grey_levels(frame: np.ndarray) -> np.ndarray:
    """(H, W, 3) uint8 RGB to (H, W) uint8 luma (BT.601)."""
    grey: np.ndarray = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)
    return grey


def without_bars(grey: np.ndarray, small: np.ndarray) -> np.ndarray:
    """The picture between black bars; the whole frame where these would be over half of a side, as in a dark scene.

    Args:
        small: the same frame at any smaller size, in which the bars are found.
    """
    for axis in (0, 1):
        bright = np.flatnonzero(cv2.reduce(small, 1 - axis, cv2.REDUCE_MAX) > _BAR)
        if not len(bright) or 2 * (1 + bright[-1] - bright[0]) <= small.shape[axis]:
            continue
        scale = grey.shape[axis] / small.shape[axis]
        # A small pixel at the rim may be half of the bar.
        start = ceil(scale * (bright[0] + 1)) if bright[0] > 0 else 0
        stop = int(scale * bright[-1]) if bright[-1] + 1 < small.shape[axis] else grey.shape[axis]
        grey = grey[start:stop] if axis == 0 else grey[:, start:stop]
    return grey


def central(grey: np.ndarray) -> np.ndarray:
    """The centre at native resolution: at most 960×540, or 540×960 of an upright frame."""
    height, width = grey.shape
    across, down = _CROP if width >= height else _CROP[::-1]
    top, left = max(0, height - down) // 2, max(0, width - across) // 2
    return np.ascontiguousarray(grey[top : top + down, left : left + across])


def thinned(grey: np.ndarray) -> np.ndarray:
    """Every k-th pixel of every k-th row, at most about 130,000: levels are counted, not averaged."""
    every = max(1, round(sqrt(grey.size / _COUNTED)))
    return np.ascontiguousarray(grey[::every, ::every])


def blur(grey: np.ndarray) -> float:
    """Share of the strongest gradients that a further blur of 9 pixels leaves standing, 0 (crisp) to 1.

    After Crété et al. 2007, "The blur effect: perception and estimation with a new no-reference perceptual blur
    metric". A median filter first keeps noise from counting as detail.
    """
    quiet = cv2.medianBlur(grey, 5)
    kept = []
    for axis in (0, 1):
        if quiet.shape[axis] < _BOX + 3:
            continue
        # The difference of neighbours after a box filter is that of the pixels which enter and leave the box.
        sharp = _apart(quiet, axis, 5, 4)[::2]  # half of the rows: the cost
        soft = _apart(quiet, axis, _BOX, 0)[::2]
        shares = np.cumsum(_counts(sharp[::2])) / sharp[::2].size
        level = max(1, int(np.searchsorted(shares, _EDGES)))
        edges = cv2.compare(sharp, level, cv2.CMP_GE)
        strong = cv2.mean(sharp, edges)[0]
        if strong:
            held = cv2.min(soft, cv2.multiply(sharp, _BOX))  # in ninths of a level; both end at 255
            kept.append(cv2.mean(held, edges)[0] / _BOX / strong)
    return max(kept, default=nan)


def noise(grey: np.ndarray) -> float:
    """Standard deviation of white noise in grey levels, where the picture is quietest.

    After Immerkær 1996, "Fast noise variance estimation", in cells of 8×8 pixels; cells of clipped pixels, which hide
    noise, are left out.
    """
    if min(grey.shape) < 2 * _BLOCK:
        return nan
    rows, columns = grey.shape[0] // _BLOCK, grey.shape[1] // _BLOCK
    cut = grey[: rows * _BLOCK, : columns * _BLOCK]
    detail = cv2.filter2D(cut, cv2.CV_16S, _LAPLACIAN)
    np.abs(detail, out=detail)
    size = (columns, rows)
    cells = cv2.resize(detail, size, interpolation=cv2.INTER_AREA)
    level = cv2.resize(cut, size, interpolation=cv2.INTER_AREA)
    seen = cells[(level > _BLACK + 3) & (level < _WHITE - 3)]
    return float(sqrt(pi / 2) / 6 / _FINE / _QUIET_MEAN * np.quantile(seen, _QUIET)) if seen.size else nan


def blockiness(grey: np.ndarray) -> float:
    """How far gradients on the worst grid of 8 pixels stand out against the mean gradient; 0 for none.

    After Wang, Bovik and Evans 2000, "Blind measurement of blocking artifacts in images", in the spatial domain.
    """
    worst = nan
    for axis in (0, 1):
        if grey.shape[axis] < 2 * _BLOCK + 3:
            continue
        step = _apart(grey, axis, 1, 0)
        steps = cv2.reduce(step, 1 - axis, cv2.REDUCE_SUM, dtype=cv2.CV_32F).ravel() / grey.shape[1 - axis]
        peaks = np.maximum(0, steps[1:-1] - (steps[:-2] + steps[2:]) / 2)
        *others, grid = sorted(float(peaks[phase::_BLOCK].mean()) for phase in range(_BLOCK))
        worst = float(np.fmax(worst, (grid - float(np.mean(others))) / (float(steps.mean()) + 1)))
    return worst


def banding(grey: np.ndarray) -> float:
    """Mean height of contours in grey levels, weighted by their share of all change between neighbouring pixels.

    A contour is a step of 2 to 40 levels between stretches of 4 pixels that are flat: steps there are at most an eighth
    of it. A ramp in steps of n levels has n; a smooth or a textured picture has nearly 0.
    """
    high = total = 0.0
    for axis in (0, 1):
        if grey.shape[axis] < 2 * _FLAT + 3:
            continue
        step = _apart(grey, axis, 1, 0)
        around = cv2.dilate(step, _AROUND if axis == 1 else _AROUND.T)
        contours = cv2.compare(cv2.LUT(step, _FLATNESS), around, cv2.CMP_GT)
        high += cv2.norm(step, cv2.NORM_L2SQR, contours)
        total += cv2.sumElems(step)[0]
    return high / total if total else nan


def clipping(grey: np.ndarray) -> float:
    """Percentage of pixels that are black (levels 0 to 2) or white (253 to 255)."""
    counts = _counts(grey)
    return 100 * float(counts[: _BLACK + 1].sum() + counts[_WHITE:].sum()) / grey.size


def exposure(grey: np.ndarray) -> float:
    """Mean linear light in stops (factors of 2) relative to middle grey, 18 %: below 0 is dark, at most 2.5."""
    return float(np.log2(max(float(_counts(grey) @ _LINEAR) / grey.size, 1 / 4096) / _MIDDLE_GREY))


def _apart(grey: np.ndarray, axis: int, ahead: int, behind: int) -> np.ndarray:
    """|grey[i + ahead] - grey[i + behind]| for all i along an axis, as many as there are of ahead + behind."""
    count = grey.shape[axis] - ahead - behind
    first, second = slice(ahead, ahead + count), slice(behind, behind + count)
    one, other = (grey[first], grey[second]) if axis == 0 else (grey[:, first], grey[:, second])
    apart: np.ndarray = cv2.absdiff(one, other)
    return apart


def _counts(levels: np.ndarray) -> np.ndarray:
    """(256,) number of pixels of each level."""
    counts: np.ndarray = cv2.calcHist([levels], [0], None, [256], [0, 256]).ravel()
    return counts
