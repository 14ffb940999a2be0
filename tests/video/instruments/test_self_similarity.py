"""Self-similarity: every quarter of the square against clips whose correlations are known by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vqinsight.video.instruments.scopes import SIDE, trace_frame
from vqinsight.video.instruments.self_similarity import WINDOW, self_similarity, window

HALF = SIDE // 2


def noise(count: int = WINDOW, deviation: float = 30.0, seed: int = 0) -> np.ndarray:
    """(count, 112, 112, 3): independent noise, so that no two frames have anything in common."""
    grey = np.random.default_rng(seed).normal(128, deviation, (count, 112, 112, 1))
    return grey.repeat(3, 3)


def quarters(frames: np.ndarray) -> list[np.ndarray]:
    """Changes, distances, changes by detail, frames: (HALF, HALF, 3) each, 0 to 1."""
    square = self_similarity([trace_frame(np.clip(frame, 0, 255).round().astype(np.uint8)) for frame in frames])
    assert square.shape == (SIDE, SIDE, 3)
    assert square.dtype == np.float32
    return [square[y : y + HALF, x : x + HALF] for y in (0, HALF) for x in (0, HALF)]


@pytest.mark.parametrize(
    ("index", "total", "wanted"),
    [(0, 40, range(15)), (25, 40, range(25, 40)), (38, 40, range(25, 40)), (3, 9, range(9)), (0, 1, range(1))],
)
def test_the_window_begins_with_its_frame_and_ends_with_the_clip(index: int, total: int, wanted: range) -> None:
    assert window(index, total) == wanted


def test_changes_of_independent_frames() -> None:
    """Neighbouring changes share a frame with opposite signs, (b - a)(c - b): correlation -1/2; all others none."""
    changes, *_ = quarters(noise())
    for colour in range(3):
        plane = 2 * changes[..., colour] - 1
        np.testing.assert_allclose(np.diag(plane), 1, atol=1e-3)
        np.testing.assert_allclose(np.diag(plane, 1), -0.5, atol=0.06)
        assert abs(np.diag(plane, 2)).max() < 0.1


@pytest.mark.parametrize("lag", [3, 6])
def test_a_ghost_is_a_second_diagonal(lag: int) -> None:
    """A share w of the frame ``lag`` before: w (1 - w) / (w^2 + (1 - w)^2) of a change is one that was seen already."""
    clean, share = noise(WINDOW + lag), 0.3
    changes, _, detail, frames = quarters((1 - share) * clean[lag:] + share * clean[:-lag])
    wanted = share * (1 - share) / (share**2 + (1 - share) ** 2)
    for plane in (*(changes[..., colour] for colour in range(3)), detail[..., 1]):
        assert np.diag(2 * plane - 1, lag).mean() == pytest.approx(wanted, abs=0.05)
    # The quarter's columns are one frame later than its rows.
    assert np.diag(2 * frames[..., 1] - 1, lag - 1).mean() == pytest.approx(wanted, abs=0.05)


def test_a_held_frame_is_no_distance_from_itself() -> None:
    held = noise()
    held[6:9] = held[5]
    changes, distances, _, frames = quarters(held)
    floor = (np.log10(0.03) + 1.5) / 3.5
    np.testing.assert_allclose(distances[5, 5:8, 0], max(floor, 0), atol=1e-3)
    np.testing.assert_allclose(distances[5, 5:8, 1], 0, atol=1e-3)
    np.testing.assert_allclose(frames[5, 5:8], 1, atol=1e-3)
    assert distances[5, 8, 1] > 0.3
    np.testing.assert_allclose(np.diag(changes[..., 2])[5:8], 0.5, atol=1e-3)  # no change: agrees with nothing


def test_frames_out_of_order_are_nearer_to_others_than_to_the_next() -> None:
    canvas = noise(1)[0].cumsum(1)
    canvas = 128 + 40 * (canvas - canvas.mean()) / canvas.std()
    moving = np.stack([np.roll(canvas, 2 * t, 1) for t in range(WINDOW)])
    order = np.arange(WINDOW)
    order[[4, 7]] = order[[7, 4]]
    for frames, in_order in ((moving, True), (moving[order], False)):
        distance = quarters(frames)[1][..., 1]
        assert (distance[3, 3] < distance[3, 6]) == in_order  # frame 3 from frame 4, and from frame 7
        assert np.all(np.diff(distance[0, :7]) > 0) == in_order


def test_brightness_has_a_sign() -> None:
    frames = np.full((WINDOW, 64, 64, 3), 100.0)
    frames[5] += 20
    blue = quarters(frames)[1][..., 2]
    assert blue[4, 4] == pytest.approx(0.7)  # the later frame is brighter by 20 of 100
    assert blue[5, 5] == pytest.approx(0.3)
    assert blue[0, 0] == pytest.approx(0.5)


@pytest.mark.parametrize("count", [1, 2, 7])
def test_a_short_clip_leaves_the_rest_black(count: int) -> None:
    for quarter in quarters(noise(count)):
        assert (quarter[count - 1 :] == 0).all()
        assert (quarter[:, count - 1 :] == 0).all()
        assert (quarter[: count - 1, : count - 1] > 0).any() == (count > 1)


@given(
    st.integers(2, WINDOW),
    st.sampled_from([(1, 1), (3, 200), (57, 56)]),
    st.sampled_from([0, 1, 40, 10_000]),
    st.integers(0, 9),
)
def test_whatever_the_frames_it_is_a_picture(count: int, size: tuple[int, int], deviation: int, seed: int) -> None:
    grey = np.random.default_rng(seed).normal(128, deviation, (count, *size, 1)).repeat(3, 3)
    for quarter in quarters(grey):
        assert np.isfinite(quarter).all()
        assert quarter.min() >= -1e-4
        assert quarter.max() <= 1 + 1e-4
