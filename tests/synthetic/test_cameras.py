"""Training pictures vary as cameras do, and nothing among that looks like a defect."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageFilter

from vqinsight.synthetic import cameras


@pytest.mark.parametrize("seed", range(30))
def test_a_varied_picture_keeps_its_edges_sharp(seed: int) -> None:
    canvas = np.full((96, 96, 3), 80, np.uint8)
    canvas[:, 48:] = 170
    varied = cameras.vary(canvas, np.random.default_rng(seed)).astype(float).mean(2)
    row = varied[20:76].mean(0)
    step = abs(row[-16:].mean() - row[:16].mean())
    assert step > 40
    assert np.abs(np.diff(row)).max() > 0.6 * step  # most of it within one pixel
    assert np.abs(np.diff(row[8:36])).max() < 0.15 * step  # and nothing new where it was flat


def test_no_two_seeds_vary_a_picture_alike_and_one_seed_always_does() -> None:
    canvas = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    once = [cameras.vary(canvas, np.random.default_rng(seed)) for seed in range(8)]
    again = [cameras.vary(canvas, np.random.default_rng(seed)) for seed in range(8)]
    assert all(np.array_equal(a, b) for a, b in zip(once, again, strict=True))
    assert len({picture.tobytes() for picture in once}) == 8


def test_the_quick_median_is_the_rank_filters() -> None:
    canvas = np.random.default_rng(0).integers(0, 256, (40, 50, 3), dtype=np.uint8)
    wanted = np.asarray(Image.fromarray(canvas).filter(ImageFilter.MedianFilter(3)))
    assert np.array_equal(cameras._median(canvas)[1:-1, 1:-1], wanted[1:-1, 1:-1])  # PIL treats edges its own way


@pytest.mark.parametrize("seed", range(20))
def test_a_varied_picture_is_as_bright_as_before(seed: int) -> None:
    """Or it would look wrongly exposed."""
    canvas = np.random.default_rng(seed).integers(90, 160, (64, 64, 3), dtype=np.uint8)
    varied = cameras.vary(canvas, np.random.default_rng(seed))
    assert abs(np.median(varied.mean(2)) - np.median(canvas.mean(2))) < 3


@pytest.mark.parametrize("seed", range(8))
def test_a_lens_wide_open_is_sharp_somewhere_and_soft_elsewhere(seed: int) -> None:
    canvas = np.random.default_rng(seed).integers(0, 256, (240, 320, 3), dtype=np.uint8)
    shown = cameras.focus(canvas, np.random.default_rng(seed)).astype(float)
    detail = [tile.std() for row in np.split(shown, 6) for tile in np.split(row, 8, axis=1)]
    assert max(detail) > 2 * min(detail)
    assert max(detail) > 0.7 * canvas.std()
