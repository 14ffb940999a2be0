"""Scopes: every square against a frame whose reading is known by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from vqinsight.synthetic.defects_spatial import banding, jpeg
from vqinsight.video.instruments.scopes import SIDE, SQUARES, read_frame, scope


def noisy(height: int = 128, width: int = 160, deviation: float = 10.0, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.clip(rng.normal(128, deviation, (height, width, 3)), 0, 255).round().astype(np.uint8)


def squares(picture: torch.Tensor) -> list[np.ndarray]:
    """The squares as (SIDE, SIDE, 3), 0 to 1."""
    return [part.permute(1, 2, 0).numpy() / 255 for part in picture.tensor_split(SQUARES, dim=2)]


def quarters(levels: np.ndarray) -> list[np.ndarray]:
    """(49, 3) values each: shares of levels, what the most frequent hold, steps, grid."""
    half = SIDE // 2
    cells = [levels[y : y + half : 2, x : x + half : 2] for y in (0, half) for x in (0, half)]
    return [part.reshape(-1, 3) for part in cells]


def test_levels_of_a_frame_of_two() -> None:
    frame = np.zeros((64, 64, 3), np.uint8)
    frame[:, 32:] = (255, 100, 0)
    shares, held, steps, _ = quarters(squares(scope(read_frame(frame)))[0])
    # Half of all is 1 + log10(1/2) / 4 of the scale; black comes first and white last.
    half = pytest.approx(1 + np.log10(0.5) / 4, abs=1 / 255)
    assert shares[0].tolist() == [half, half, 1]
    assert shares[48].tolist() == [half, 0, 0]
    assert (shares[1:48] > 0).sum(0).tolist() == [0, 1, 0]
    np.testing.assert_allclose(held[0], [0.5, 0.5, 1], atol=1 / 255)
    np.testing.assert_allclose(held[1:], 1)
    # Green: one pixel in 63 steps by 100 across and on the slant, none down.
    step = pytest.approx(1 + np.log10(1 / 63) / 4, abs=1 / 255)
    assert steps[48].tolist() == [step, 0, step]
    assert (steps[1:48] == 0).all()


def test_banding_is_few_levels() -> None:
    ramp = np.linspace(40, 200, 160)[None, :, None].round().astype(np.uint8).repeat(120, 0).repeat(3, 2)
    banded = banding(ramp[None], 0.5, np.random.default_rng(0))[0]
    _, smooth, even, _ = quarters(squares(scope(read_frame(ramp)))[0])
    _, few, far, _ = quarters(squares(scope(read_frame(banded)))[0])
    assert smooth[9, 1] < 0.2 < 0.99 < few[9, 1]  # ten levels hold a tenth of the one and all of the other
    assert even[1, 0] > 0.9  # from pixel to pixel the ramp takes single steps
    assert (far[1:20, 0] == 0).all()


def test_blocks_show_on_their_grid() -> None:
    blocked = np.array(jpeg(noisy(deviation=25), 12))
    *_, clean = quarters(squares(scope(read_frame(noisy(deviation=25))))[0])
    *_, edges = quarters(squares(scope(read_frame(blocked)))[0])
    assert clean[:32].max() < 0.6
    for first in (0, 16):  # differences across, then down: those at 7 and 15 cross a border of blocks
        across = edges[first : first + 16, 0]
        assert sorted(np.argsort(across)[-2:].tolist()) == [7, 15]
        assert across[7] > 0.8


def test_white_noise_has_a_flat_spectrum() -> None:
    _, spectrum, _ = squares(scope(read_frame(noisy(224, 224)), read_frame(noisy(224, 224, seed=1))))
    # A deviation of 10 is a power of 100, twice that in red minus green and in the change.
    for colour, power in enumerate((100, 200, 200)):
        assert np.median(spectrum[..., colour]) == pytest.approx((np.log10(power) + 1) / 6, abs=0.02)
        assert spectrum[..., colour][:, 2:].std() < 0.04


def test_motion_is_a_spot_where_it_leads() -> None:
    canvas = noisy(200, 200, 40.0)
    frame, following, later = (read_frame(canvas[y : y + 112, x : x + 112]) for y, x in ((40, 40), (37, 35), (40, 45)))
    motion = squares(scope(frame, following, later))[2]
    middle = SIDE // 2
    # The window moves up by 3 and left by 5, so the picture moves down and right.
    assert np.unravel_index(motion[..., 0].argmax(), (SIDE, SIDE)) == (middle + 3, middle + 5)
    assert np.unravel_index(motion[..., 1].argmax(), (SIDE, SIDE)) == (middle, middle - 5)
    still = squares(scope(frame, frame))
    assert still[2][middle, middle, 0] == 1
    assert np.sort(still[2][..., 0], axis=None)[-2] < 0.3  # one pixel, all others are faint
    assert (still[1][..., 2] == still[1][..., 2].min()).all()  # nothing changes


def test_a_ghost_is_a_spot_in_the_cepstrum() -> None:
    canvas = noisy(200, 200, 40.0).astype(float)
    frame, earlier = canvas[40:152, 40:152], canvas[34:146, 48:160]
    alone, double = (read_frame(f.round().astype(np.uint8)).cepstrum for f in (frame, 0.6 * frame + 0.4 * earlier))
    middle = SIDE // 2
    moved = double - alone
    moved[-2:, middle - 1 : middle + 2] = 0
    spot = np.unravel_index(moved.argmax(), moved.shape)
    assert (spot[0] - (middle - 1), spot[1] - middle) == (-6, 8)  # the last row is that of no vertical shift
    assert moved.max() > 0.3


def test_a_trail_on_a_still_ground_is_a_spot_below_the_middle() -> None:
    """Only what moves has a ghost here, and the frame's own spectrum is that of the ground."""

    def frame(time: int, ghost: float) -> np.ndarray:
        shown = noisy(112, 112, 30.0).astype(float)
        for weight, x in ((1 - ghost, 50 + 2 * time), (ghost, 50 + 2 * (time - 4))):
            shown[40:60, x : x + 20] += weight * 90 * noisy(20, 20, 40.0, seed=9) / 255
        return np.clip(shown, 0, 255).round().astype(np.uint8)

    clean, trailed = (
        squares(scope(read_frame(frame(0, ghost)), read_frame(frame(1, ghost))))[2][SIDE // 2 :, :, 2]
        for ghost in (0.0, 0.4)
    )
    middle = SIDE // 2
    assert clean[0, middle] == trailed[0, middle] == 1  # no shift
    spot = np.unravel_index((trailed - clean)[:, middle + 5 :].argmax(), (SIDE // 2, SIDE // 2 - 5))
    assert (spot[0], spot[1] + 5) == (0, 8)
    assert trailed[0, middle + 8] > clean[0, middle + 8] + 0.15


@pytest.mark.parametrize("size", [(1, 1), (7, 300), (57, 56), (500, 333), (2160, 3840)])
def test_frames_of_any_size(size: tuple[int, int]) -> None:
    picture = scope(read_frame(noisy(*size)), read_frame(noisy(*size, seed=1)), read_frame(noisy(*size, seed=2)))
    assert picture.shape == (3, SIDE, SQUARES * SIDE)
    assert picture.dtype == torch.uint8


def test_an_image_shows_no_motion() -> None:
    _, spectrum, motion = squares(scope(read_frame(noisy())))
    assert (spectrum[..., 2] == 0).all()
    assert (motion[..., :2] == 0).all()
