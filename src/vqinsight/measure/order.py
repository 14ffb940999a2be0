"""Cuts, and defects in the order and the timing of frames, from a few numbers for each step between frames.

All arrays have one value a frame; that of frame ``i`` is of the step from frame ``i - 1``, NaN for the first.
"""

from __future__ import annotations

import numpy as np

_CUT_CHANGE = 8.0  # grey levels in the means of cells
_CUT_JUMP = 2.5  # times the change of the steps around
_CUT_UNEXPLAINED = 0.5  # share of the change that remains after motion
_AROUND = 4  # steps on each side that a step is compared with
_MOVES = 1.0  # grey levels; a scene in which steps change less does not move
_SAME = 0.2  # grey levels: what a codec changes in a frame that is shown again
_LOW, _LOW_SHARE = 2.5, 0.25  # grey levels, and of the scene's motion: what it changes while it moves
_ABRUPT = 4.0  # times the change within
_FREEZE = 0.2  # seconds: shorter stretches are repeated frames
_SWAP = 0.85  # cost of the order that two frames were exchanged to, relative to the one shown
_SWAP_CHANGE = 0.5  # grey levels a step: smaller changes have no order
_SHAKE = 1.5  # pixels of the scaled frame a step: shorter motion of the whole picture is not judged
_DROP = 1.5  # times the motion of the steps around
_DROP_EVEN = 2.0  # ratio of the fastest to the slowest of these steps
_DROP_SPEED = 0.5  # pixels of the scaled frame


def cuts(change: np.ndarray, change_over_two: np.ndarray, unexplained: np.ndarray) -> np.ndarray:
    """(T,) bool: the frame begins a new scene.

    The picture changes far more than around, motion does not explain it, and the next frame does not go back: a flash
    of one frame is no cut.

    Args:
        change: mean absolute change of cells in grey levels.
        change_over_two: the same from the frame before the last.
        unexplained: share of the change that remains after motion along the optical flow.
    """
    found = np.zeros(len(change), bool)
    for i in np.flatnonzero((change >= _CUT_CHANGE) & (unexplained >= _CUT_UNEXPLAINED)):
        around = np.r_[change[max(1, i - _AROUND) : i], change[i + 1 : i + 1 + _AROUND]]
        if len(around) and change[i] < _CUT_JUMP * np.median(around):
            continue
        returns = i + 1 < len(change) and change_over_two[i + 1] < 0.5 * change[i]
        returned = i > 1 and change_over_two[i] < 0.5 * change[i]
        found[i] = not (returns or returned)
    return found


def repeats(moved: np.ndarray, times: np.ndarray, cut: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Two (T,) bool, in a scene that moves: the frame is one of a frozen stretch; it repeats the frame before.

    A frozen stretch lasts 0.2 seconds or longer, does not change at all, and starts or ends abruptly: a scene that
    never moves is a still picture, and one that comes to rest slowly is not frozen. A repeated frame changes far less
    than the steps on both sides.

    Args:
        moved: a high quantile of the change of cells in grey levels, so that small moving objects count.
        times: seconds.
        cut: frames that begin a scene.
    """
    frozen, repeated = np.zeros(len(moved), bool), np.zeros(len(moved), bool)
    starts = np.r_[0, np.flatnonzero(cut), len(moved)]
    for first, end in zip(starts[:-1] + 1, starts[1:], strict=True):
        scene = moved[first:end]
        motion = float(np.quantile(scene, 0.95)) if scene.size else 0.0
        if motion <= _MOVES:
            continue
        same = scene < _SAME
        gap = ~same[1:-1] & same[:-2] & same[2:] & (scene[1:-1] < _LOW)  # a key frame of the codec
        same[1:-1] |= gap
        for start, stop in runs(same):
            around = max(*scene[max(0, start - 1) : start], *scene[stop : stop + 1], -1.0, 0.0)
            lasts = times[first + stop - 1] - times[first + start - 1] >= _FREEZE - 1e-9
            frozen[first + start : first + stop] = lasts and around > _MOVES
        for start, stop in runs(scene < min(_LOW_SHARE * motion, _LOW)):
            inside = max(float(np.median(scene[start:stop])), _SAME)
            sides = [*scene[max(0, start - 1) : start], *scene[stop : stop + 1]]
            short = times[first + stop - 1] - times[first + start - 1] < _FREEZE - 1e-9
            repeated[first + start : first + stop] = short and min(sides, default=0.0) > _ABRUPT * inside
    return frozen, repeated & ~frozen


def out_of_order(change: np.ndarray, change_over_two: np.ndarray, shift: np.ndarray, cut: np.ndarray) -> np.ndarray:
    """(T,) bool: the frames around fit better after it is exchanged with the next.

    For frames a b c d the changes a-c, c-b and b-d are compared with a-b, b-c and c-d: b is out of order where the
    former sum is clearly lower. Where the whole picture moves, it goes two steps ahead, one back, and two ahead; a
    shaking camera does not.

    Args:
        change: mean absolute change of cells in grey levels.
        change_over_two: the same from the frame before the last.
        shift: complex, motion of most of the picture in pixels; NaN where it is not known.
        cut: frames that begin a scene.
    """
    found = np.zeros(len(change), bool)
    if len(change) < 4:
        return found
    shown = change[1:-2] + change[2:-1] + change[3:]
    exchanged = change_over_two[2:-1] + change[2:-1] + change_over_two[3:]
    within = ~(cut[1:-2] | cut[2:-1] | cut[3:])
    ahead, back, again = shift[1:-2], shift[2:-1], shift[3:]
    far = np.minimum(np.abs(ahead), np.abs(again)) / 2
    shakes = (np.abs(ahead + 2 * back) > far) | (np.abs(again + 2 * back) > far)
    shakes &= np.abs(ahead) + np.abs(back) + np.abs(again) > 3 * _SHAKE
    found[1:-2] = (exchanged < _SWAP * shown) & (shown > 3 * _SWAP_CHANGE) & within & ~shakes
    return found


def dropped(speed: np.ndarray, times: np.ndarray, skip: np.ndarray) -> np.ndarray:
    """(T,) float: number of frames that lack before each frame.

    A step with a multiple of the motion of the steps around, where these agree, or a gap in the time stamps over which
    something moves.

    Args:
        speed: mean length of the optical flow in pixels.
        skip: (T,) bool, steps that are not judged: cuts, repeated frames, and those next to them.
    """
    lacking = np.zeros(len(speed))
    gaps = np.diff(times, prepend=np.nan)
    usual = float(np.median(gaps[1:])) if len(gaps) > 1 else 0.0
    for i in range(1, len(speed)):
        if skip[i]:
            continue
        around = [speed[j] for j in (i - 2, i - 1, i + 1, i + 2) if 1 <= j < len(speed) and not skip[j]]
        if len(around) < 2 or not np.isfinite(around).all():
            continue
        middle, most = float(np.median(around)), max(around)
        if usual and gaps[i] > 1.5 * usual and speed[i] > _DROP_SPEED:
            lacking[i] = round(gaps[i] / usual) - 1
        elif min(around) > _DROP_SPEED and speed[i] > _DROP * middle and most < _DROP_EVEN * min(around):
            lacking[i] = max(1, round(speed[i] / middle) - 1)
    return lacking


def runs(marked: np.ndarray) -> list[tuple[int, int]]:
    """Start and end (exclusive) of the stretches of true values."""
    edges = np.flatnonzero(np.diff(np.r_[False, marked, False].astype(np.int8)))
    return [(int(start), int(end)) for start, end in zip(edges[::2], edges[1::2], strict=True)]
