"""Measurements between frames: known shifts, repeats, exchanges and cuts."""

from __future__ import annotations

import numpy as np
import pytest
from helpers.pictures import textured

from vqinsight.measure.clip import ClipMeter, measure_frames
from vqinsight.measure.flicker import gain
from vqinsight.measure.types import MeasuredClip
from vqinsight.tasks.types import Missing
from vqinsight.video.info import VideoInfo

FPS = 25.0
WORLD = textured("leaves", 400, 900)


def info_of(count: int, height: int, width: int, times: np.ndarray | None = None) -> VideoInfo:
    times = np.arange(count) / FPS if times is None else times
    return VideoInfo("x", "video", width, height, count, None, FPS, float(times[-1]) + 1 / FPS, "", times)


def measure(frames: np.ndarray, times: np.ndarray | None = None) -> MeasuredClip:
    return measure_frames(info_of(len(frames), *frames.shape[1:3], times), enumerate(frames))


def value(clip: MeasuredClip, key: str) -> float:
    found = clip.values[key].value
    assert isinstance(found, float), found
    return found


def pan(count: int, speed: int = 4, world: np.ndarray = WORLD) -> np.ndarray:
    """A camera that moves to the right by whole pixels: (count, 144, 192, 3)."""
    return np.stack([world[100:244, 10 + speed * i : 202 + speed * i] for i in range(count)])


def test_a_smooth_pan_has_motion_and_no_defect() -> None:
    clip = measure(pan(40))
    assert value(clip, "motion") == pytest.approx(100 * 4 / 192 * FPS, rel=0.1)
    assert value(clip, "cuts") == 0 and clip.cuts == ()
    assert value(clip, "jitter") < 0.02 and value(clip, "unsteadiness") < 0.1 and value(clip, "flicker") < 0.5
    assert value(clip, "inconsistency") < 10
    for key in ("frozen", "repeated", "dropped", "out_of_order"):
        assert value(clip, key) == 0
        assert clip.values[key].worst == () and clip.values[key].severity == "none"


def test_a_jolt_of_known_pixels_is_found_where_it_is() -> None:
    frames = pan(40, 2)
    frames[20] = WORLD[100:244, 10 + 2 * 20 + 3 : 202 + 2 * 20 + 3]  # 3 pixels too far
    clip = measure(frames)
    series = clip.series["jitter"]
    assert series[20] == pytest.approx(100 * 6 / 192, rel=0.15)  # it goes back by as much: 2 x 3
    assert np.nanargmax(series) == 20 and clip.values["jitter"].worst[0].start <= 20 / FPS


def test_a_frozen_stretch_at_known_seconds() -> None:
    shown = np.r_[np.arange(20), np.full(15, 19), np.arange(20, 40)]
    clip = measure(pan(40)[shown])
    assert value(clip, "frozen") == pytest.approx(100 * 15 / 55)
    (moment,) = clip.values["frozen"].worst
    assert (moment.start, moment.end) == pytest.approx((20 / FPS, 35 / FPS))
    assert value(clip, "repeated") == 0


def test_a_still_picture_and_one_that_comes_to_rest_are_not_frozen() -> None:
    still = measure(np.repeat(pan(1), 30, 0))
    assert value(still, "frozen") == value(still, "repeated") == value(still, "flicker") == 0
    slower = [int(60 * (1 - 0.9**i)) for i in range(40)]
    rest = measure(np.stack([WORLD[100:244, 10 + x : 202 + x] for x in slower]))
    assert value(rest, "out_of_order") == 0


def test_frames_shown_twice() -> None:
    shown = np.repeat(np.arange(24), np.where(np.arange(24) % 4 == 3, 2, 1))
    clip = measure(pan(24)[shown])
    assert value(clip, "repeated") == pytest.approx(100 * 6 / 29, abs=4)  # the last has no step after it
    assert value(clip, "frozen") == 0


def test_exchanged_frames_at_known_indices() -> None:
    order = np.arange(30)
    order[[12, 13]] = order[[13, 12]]
    order[[21, 22]] = order[[22, 21]]
    clip = measure(pan(30)[order])
    assert list(np.flatnonzero(clip.series["out_of_order"] == 100)) == [12, 21]
    assert value(clip, "out_of_order") == pytest.approx(100 * 2 / 29)


def test_a_missing_frame_at_a_known_index() -> None:
    clip = measure(np.delete(pan(30), 15, 0))
    assert list(np.flatnonzero(clip.series["dropped"] > 0)) == [15]
    assert clip.series["dropped"][15] == 100
    late = np.arange(30) / FPS
    late[15:] += 2 / FPS  # the time stamps tell
    assert measure(pan(30), late).series["dropped"][15] == 200


def test_nothing_is_counted_over_a_cut() -> None:
    other = textured("clouds", 400, 900, 3)
    frames = np.concatenate((pan(20), 255 - pan(20, 4, other)))
    clip = measure(frames)
    assert clip.cuts == (20 / FPS,) and value(clip, "cuts") == 1
    for key in ("flicker", "unsteadiness", "jitter", "inconsistency", "warping_error"):
        assert np.isnan(clip.series[key][20])
        assert clip.values[key].severity in ("none", None), key
    for key in ("frozen", "repeated", "dropped", "out_of_order"):
        assert value(clip, key) == 0


def test_a_flash_is_no_cut() -> None:
    frames = pan(30)
    frames[14] = 255 - frames[14] // 4
    clip = measure(frames)
    assert clip.cuts == ()
    assert np.nanargmax(clip.series["flicker"]) == 14


def test_flicker_is_the_share_of_brightness() -> None:
    cells = np.full((4, 6), 92, np.float32)
    assert gain(cells, cells * 1.1, cells) == pytest.approx(9.2 / 100)  # 8 levels are added to the brightness
    brighter = cells * np.float32(1.1)
    brighter[0, 0] = 255
    assert gain(cells, brighter, cells) == pytest.approx(9.2 / 100)  # a lamp that goes on is no flicker
    moving = cells.copy()
    moving[:, :2] = 10
    assert gain(cells, moving, cells) == 0  # most cells stay


def test_one_frame_cannot_show_motion() -> None:
    still = measure(pan(1))
    for measured in still.values.values():
        if measured.quantity.kind == "spatial":
            assert isinstance(measured.value, float)
        else:
            assert measured.value == Missing("one frame cannot show motion") and measured.severity is None
    two = measure(pan(2))
    assert isinstance(two.values["jitter"].value, Missing) and isinstance(two.values["motion"].value, float)


def test_every_frame_in_order() -> None:
    meter = ClipMeter(info_of(2, 144, 192))
    meter.add(0, 0.0, pan(1)[0])
    with pytest.raises(ValueError, match="frame 1 comes next, got 2"):
        meter.add(2, 0.08, pan(1)[0])
    with pytest.raises(ValueError, match="no frame"):
        ClipMeter(info_of(2, 144, 192)).finish()
