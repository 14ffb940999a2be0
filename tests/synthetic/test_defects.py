"""Defects: put on any frames, worse with severity, each in the way its name says."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from helpers.pictures import textured
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from scipy.ndimage import laplace

from vqinsight.synthetic.captions import Facts
from vqinsight.synthetic.defects_spatial import SPATIAL, h264_round_trip
from vqinsight.synthetic.defects_temporal import NEEDS_MOTION, TEMPORAL
from vqinsight.synthetic.scene import Scene, render

SEVERITIES = (0.1, 0.3, 0.5, 0.7, 1.0)
BOTH = [*SPATIAL, *TEMPORAL]


def put(kind: str, frames: np.ndarray, severity: float, seed: int = 0, at: np.ndarray | None = None) -> np.ndarray:
    """``frames`` (of a whole clip) with a defect of either family, looked at ``at``."""
    rng = np.random.default_rng(seed)
    at = np.arange(len(frames)) if at is None else at
    if kind in SPATIAL:
        return SPATIAL[kind](frames[at], severity, rng)
    return TEMPORAL[kind](lambda wanted: frames[wanted], len(frames), at, severity, rng)


@cache
def world(total: int = 8) -> np.ndarray:
    """A textured, moving clip."""
    background = Image.fromarray(textured("leaves", 235, 300))
    scene = Scene(background, Facts(2, "green", "star", "left"), "right", 144, 112, total)
    return render(scene, 1, np.arange(total))


@cache
def ramp(total: int = 24, height: int = 120, width: int = 160) -> np.ndarray:
    """A still clip in which red tells a pixel's x and green its y."""
    y, x = np.mgrid[:height, :width]
    return np.repeat(np.stack((x, y, x), axis=-1).astype(np.uint8)[None], total, axis=0)


@cache
def counting(total: int = 60, step: int = 4) -> np.ndarray:
    """A clip in which the level of a frame tells its number."""
    return np.full((total, 8, 8, 3), 1, np.uint8) * (step * np.arange(total, dtype=np.uint8))[:, None, None, None]


ODD = {
    "odd": np.random.default_rng(0).integers(0, 256, (5, 35, 27, 3), np.uint8),
    "wide": np.random.default_rng(1).integers(0, 256, (3, 9, 101, 3), np.uint8),
    "one frame": np.random.default_rng(2).integers(0, 256, (1, 35, 27, 3), np.uint8),
    "grey": np.random.default_rng(3).integers(0, 256, (4, 33, 48, 1), np.uint8).repeat(3, axis=3),
    "black": np.zeros((4, 16, 16, 3), np.uint8),
    "white": np.full((4, 16, 16, 3), 255, np.uint8),
    "one pixel": np.full((2, 1, 1, 3), 77, np.uint8),
}


@pytest.mark.parametrize("kind", BOTH)
@pytest.mark.parametrize("name", ODD)
def test_any_frames(kind, name):
    frames = ODD[name]
    before = frames.copy()
    for seed in range(4):  # enough for both variants of a kind
        for severity in (0.1, 1.0):
            damaged = put(kind, frames, severity, seed)
            assert damaged.shape == frames.shape
            assert damaged.dtype == np.uint8
            assert not np.shares_memory(damaged, frames)
    np.testing.assert_array_equal(frames, before)


@pytest.mark.parametrize("kind", BOTH)
def test_the_same_seed_is_the_same_damage(kind):
    for seed in range(3):
        np.testing.assert_array_equal(put(kind, world(), 0.6, seed), put(kind, world(), 0.6, seed))


@pytest.mark.parametrize("kind", sorted({*BOTH} - {"banding"}))
def test_seeds_differ(kind):
    assert len({put(kind, world(), 0.6, seed).tobytes() for seed in range(8)}) > 1


@pytest.mark.parametrize("kind", BOTH)
def test_the_least_severity_shows(kind):
    """A tenth changes many pixels by more than the eye's threshold of about two levels."""
    frames = world(16)  # the shortest clip of the synthetic set
    for seed in range(6):
        change = np.abs(put(kind, frames, 0.1, seed).astype(int) - frames).max(-1)
        assert (change > 2).mean() > 0.05


@settings(deadline=None, max_examples=25)
@given(st.sampled_from(sorted(TEMPORAL)), st.lists(st.integers(0, 7), min_size=1, max_size=10), st.integers(0, 99))
def test_looking_at_few_frames_is_looking_at_all(kind, at, seed):
    everything = put(kind, world(), 0.4, seed)
    np.testing.assert_array_equal(put(kind, world(), 0.4, seed, np.array(at)), everything[at])


@pytest.mark.parametrize("kind", NEEDS_MOTION)
def test_what_needs_motion_is_invisible_without(kind):
    np.testing.assert_allclose(put(kind, ramp(), 1.0).astype(int), ramp(), atol=1)


def error(frames: np.ndarray, damaged: np.ndarray) -> np.ndarray:
    return damaged.astype(float) - frames


# How bad a defect is, measured without knowing how it is made; it must grow with severity.
EFFECTS = {
    "blur": lambda damaged: -np.mean([laplace(frame.astype(float).mean(-1)).var() for frame in damaged]),
    "noise": lambda damaged: error(world(), damaged).var(),
    "compression": lambda damaged: (error(world(), damaged) ** 2).mean(),
    "banding": lambda damaged: -len(np.unique(damaged)),
    "exposure": lambda damaged: abs(error(world(), damaged).mean()),
    "jitter": lambda damaged: np.abs(np.diff(damaged[:, 40:80, 40:80].astype(float), axis=0)).mean(),
    "flicker": lambda damaged: damaged.mean((1, 2, 3)).var(),
    "freeze": lambda damaged: (np.diff(damaged.astype(int), axis=0) == 0).all((1, 2, 3)).mean(),
    "shuffle": lambda damaged: np.abs(damaged[:, 0, 0, 0] / 4 - np.arange(len(damaged))).mean(),
    "ghosting": lambda damaged: np.abs(error(counting(), damaged)).mean(),
    "morphing": lambda damaged: np.abs(error(ramp(), damaged)[..., :2]).mean(),
}
SUBJECTS = {**dict.fromkeys(SPATIAL, world), "jitter": ramp, "flicker": world, "morphing": ramp}


@pytest.mark.parametrize("kind", BOTH)
@pytest.mark.parametrize("seed", range(4))
def test_more_severity_is_more_damage(kind, seed):
    frames = SUBJECTS.get(kind, counting)()
    effects = [EFFECTS[kind](put(kind, frames, severity, seed)) for severity in SEVERITIES]
    assert (np.diff(effects) > 0).all(), effects
    assert effects[0] > EFFECTS[kind](frames)


@pytest.mark.parametrize(("severity", "low", "high"), [(0.1, 4, 8), (1.0, 40, 50)])
def test_noise_has_the_stated_deviation(severity, low, high):
    grey = np.full((4, 64, 64, 3), 128, np.uint8)
    deviations = []
    for seed in range(6):
        noisy = put("noise", grey, severity, seed)
        deviations.append(noisy.std())
        assert noisy.mean() == pytest.approx(128, abs=1.5)
        assert (noisy[0] != noisy[1]).any()
    assert low < min(deviations) <= max(deviations) < high
    # In luminance or in colour: both are drawn.
    assert {bool((put("noise", grey, severity, seed).std(-1) > 0).any()) for seed in range(8)} == {True, False}


def test_banding_has_the_stated_levels():
    levels = np.arange(256, dtype=np.uint8)[None, :, None, None].repeat(3, axis=3)
    counts = [len(np.unique(put("banding", levels, severity))) for severity in (0.001, 1.0)]
    assert counts == [18, 3]


def test_exposure_goes_both_ways_and_clips():
    means = {put("exposure", world(), 1.0, seed).mean() > world().mean() for seed in range(8)}
    assert means == {True, False}
    grey = np.full((1, 4, 4, 3), 100, np.uint8)
    # 2.35 stops of light are 2 ** (2.35 / 2.2) of a level: 100 / 2.097 = 47.7 or 209.7.
    assert {int(put("exposure", grey, 1.0, seed)[0, 0, 0, 0]) for seed in range(8)} == {48, 210}


def test_a_round_trip_through_h264_is_faithful_at_a_low_rate_factor():
    frames = world()
    fine, coarse = h264_round_trip(frames, 5), h264_round_trip(frames, 45)
    assert fine.shape == coarse.shape == frames.shape
    assert np.abs(error(frames, fine)).mean() < 4 < np.abs(error(frames, coarse)).mean()


@pytest.mark.parametrize("severity", [0.1, 1.0])
def test_jitter_moves_the_whole_picture_by_whole_pixels(severity):
    damaged = put("jitter", ramp(), severity).astype(int)
    inner = (damaged - ramp())[:, 20:-20, 20:-20]
    for channel in (0, 1):
        shift = inner[..., channel]
        np.testing.assert_array_equal(shift, np.broadcast_to(shift[:, :1, :1], shift.shape))
        assert 0 < np.abs(shift).max() <= np.ceil(120 * (0.008 + 0.05 * severity))


@pytest.mark.parametrize(("severity", "share"), [(0.1, 0.25), (0.5, 0.54), (1.0, 0.88)])
def test_freeze_repeats_the_stated_share_of_frames(severity, share):
    shown = put("freeze", counting(), severity)[:, 0, 0, 0]
    assert (np.diff(shown.astype(int)) == 0).mean() == pytest.approx(share, abs=0.03)
    assert (np.diff(shown.astype(int)) >= 0).all()  # never backwards
    assert (shown <= counting()[:, 0, 0, 0]).all()  # never ahead of time


@pytest.mark.parametrize(("severity", "reach"), [(0.1, 2.5), (1.0, 10)])
def test_shuffle_changes_the_order_only(severity, reach):
    order = put("shuffle", counting(), severity)[:, 0, 0, 0] // 4
    assert sorted(order) == list(range(60))
    displaced = np.abs(order.astype(int) - np.arange(60))
    assert 1 <= displaced.max() <= reach
    assert (np.diff(order.astype(int)) < 0).any()


@pytest.mark.parametrize(("severity", "weight"), [(0.1, 0.192), (1.0, 0.57)])
def test_ghosting_mixes_in_an_earlier_frame(severity, weight):
    lags = set()
    for seed in range(20):
        frames = counting(12, 20)
        behind = (frames.astype(float) - put("ghosting", frames, severity, seed))[6:, 0, 0, 0]
        lags.add(round(behind.mean() / (20 * weight)))
        assert np.ptp(behind) <= 1
    assert lags == {3, 4, 5, 6}


@pytest.mark.parametrize(("severity", "stated"), [(0.1, 0.017), (1.0, 0.08)])
def test_morphing_moves_pixels_smoothly_by_the_stated_amount(severity, stated):
    for seed in range(3):
        shift = error(ramp(), put("morphing", ramp(), severity, seed))[..., :2]
        assert 0.4 * stated * 120 < np.abs(shift).max() < 1.5 * stated * 120
        assert np.abs(np.diff(shift, axis=0)).max() < 2 * stated * 120  # over time
        assert np.abs(np.diff(shift, axis=1)).max() < 3  # over the picture, colours being whole numbers
