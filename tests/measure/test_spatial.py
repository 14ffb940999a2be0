"""Measurements within a frame, against values worked by hand."""

from __future__ import annotations

from math import isnan, log2

import cv2
import numpy as np
import pytest
from helpers.pictures import textured

from vqinsight.measure import spatial


def noisy(sigma: float, level: float = 128, size: tuple[int, int] = (240, 320)) -> np.ndarray:
    grain = np.random.default_rng(0).normal(level, sigma, size)
    return np.clip(np.rint(grain), 0, 255).astype(np.uint8)


def picture() -> np.ndarray:
    return spatial.grey_levels(textured("leaves", 240, 320))


@pytest.mark.parametrize("sigma", [2, 5, 10, 20])
def test_noise_is_its_standard_deviation(sigma: float) -> None:
    assert spatial.noise(noisy(sigma)) == pytest.approx(sigma, rel=0.05)


def test_noise_is_measured_beside_texture_and_outside_clipped_areas() -> None:
    half = noisy(4)
    half[:, 160:] = textured("leaves", 240, 320)[:, 160:, 1]
    assert spatial.noise(half) == pytest.approx(4, rel=0.25)
    half[:, 160:] = 255
    assert spatial.noise(half) == pytest.approx(4, rel=0.05)
    assert isnan(spatial.noise(np.zeros((64, 64), np.uint8)))


@pytest.mark.parametrize("step", [4, 8, 16])
def test_a_ramp_in_steps_has_their_height_as_banding(step: int) -> None:
    ramp = (np.arange(480) // 16 * step % 256).astype(np.uint8)[:256]
    assert spatial.banding(np.tile(ramp, (64, 1))) == pytest.approx(step)
    assert spatial.banding(np.tile(ramp, (64, 1)).T.copy()) == pytest.approx(step)


def test_a_smooth_ramp_an_edge_and_grain_are_no_banding() -> None:
    assert spatial.banding(np.tile(np.arange(256, dtype=np.uint8), (64, 1))) == 0
    edge = np.zeros((64, 64), np.uint8)
    edge[:, 32:] = 200
    assert spatial.banding(edge) == 0
    assert spatial.banding(noisy(5)) < 0.05
    assert isnan(spatial.banding(np.full((64, 64), 9, np.uint8)))


def test_blocks_of_eight_pixels() -> None:
    blocks = np.kron(np.indices((8, 8)).sum(0) % 2, np.ones((8, 8))) * 20 + 100
    # 7 of 63 steps are 20 high: their grid has 20, no other has any, the mean step is 20 * 7 / 63.
    assert spatial.blockiness(blocks.astype(np.uint8)) == pytest.approx(20 * 7 / 8 / (20 / 9 + 1), rel=0.15)
    assert spatial.blockiness(blocks.astype(np.uint8)[3:, 5:]) > 4  # the grid need not start at the corner
    assert spatial.blockiness(noisy(5)) < 0.05
    assert isnan(spatial.blockiness(np.zeros((18, 18), np.uint8)))


def test_blur_is_what_a_box_leaves_of_an_edge() -> None:
    edge = np.full((64, 64), 50, np.uint8)
    edge[:, 32:] = 150
    assert spatial.blur(edge) == pytest.approx(1 / 9)  # a step of one pixel becomes a ramp of nine
    ramp = np.tile(np.clip(np.arange(128) * 2, 40, 200).astype(np.uint8), (64, 1))
    assert spatial.blur(ramp) > 0.9
    assert isnan(spatial.blur(np.full((64, 64), 50, np.uint8)))


def test_shares_and_stops() -> None:
    grey = np.full((10, 10), 128, np.uint8)
    grey[0], grey[1, :5] = 0, 255
    assert spatial.clipping(grey) == pytest.approx(15)
    white = np.full((4, 4), 255, np.uint8)
    assert spatial.exposure(white) == pytest.approx(log2(1 / 0.18))
    assert spatial.exposure(np.full((4, 4), 118, np.uint8)) == pytest.approx(0, abs=0.03)  # middle grey in sRGB
    assert spatial.exposure(np.zeros((4, 4), np.uint8)) == pytest.approx(log2(1 / 4096 / 0.18))


def test_black_bars_are_no_part_of_the_picture() -> None:
    framed = np.zeros((340, 420), np.uint8)
    framed[50:290, 50:370] = np.maximum(picture(), 30)
    assert spatial.without_bars(framed, framed).shape == (238, 318)  # without the rim, which scaling mixes
    small = cv2.resize(framed, (105, 85), interpolation=cv2.INTER_AREA)
    inside = spatial.without_bars(framed, small)
    assert 228 <= inside.shape[0] <= 240 and inside.min() >= 30
    night = np.zeros((100, 100), np.uint8)
    night[40:50, 40:50] = 255
    assert spatial.without_bars(night, night).shape == (100, 100)


def test_the_centre_of_a_large_frame_is_cut_not_scaled() -> None:
    large = np.random.default_rng(0).integers(0, 255, (1200, 2000), np.uint8)
    assert (spatial.central(large) == large[330:870, 520:1480]).all()
    assert spatial.central(large.T.copy()).shape == (960, 540)
    assert spatial.thinned(large).size <= 150_000
