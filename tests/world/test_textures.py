"""Backgrounds of training pictures: many of them, and nothing among what is varied that looks like a defect."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageFilter

from vqinsight.world import textures


@pytest.mark.parametrize("seed", range(30))
def test_a_varied_picture_keeps_its_edges_sharp(seed: int) -> None:
    canvas = np.full((96, 96, 3), 80, np.uint8)
    canvas[:, 48:] = 170
    varied = textures.vary(canvas, np.random.default_rng(seed)).astype(float).mean(2)
    row = varied[20:76].mean(0)
    step = abs(row[-16:].mean() - row[:16].mean())
    assert step > 40
    assert np.abs(np.diff(row)).max() > 0.6 * step  # most of it within one pixel
    assert np.abs(np.diff(row[8:36])).max() < 0.15 * step  # and nothing new where it was flat


def test_no_two_seeds_vary_a_picture_alike_and_one_seed_always_does() -> None:
    canvas = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    once = [textures.vary(canvas, np.random.default_rng(seed)) for seed in range(8)]
    again = [textures.vary(canvas, np.random.default_rng(seed)) for seed in range(8)]
    assert all(np.array_equal(a, b) for a, b in zip(once, again, strict=True))
    assert len({picture.tobytes() for picture in once}) == 8


def test_hard_edged_textures_are_flat_between_their_edges_now_and_then() -> None:
    """A clean wall after a denoiser has no grain; where all that is flat is a defect, every such wall is called one."""

    def flat(seed: int) -> float:
        picture = textures.TRAINED["tiles"](np.random.default_rng(seed), 128, 128)
        return float((np.abs(np.diff(picture.mean(2), axis=1)) < 1e-6).mean())

    shares = [flat(seed) for seed in range(30)]
    assert 4 < sum(share > 0.5 for share in shares) < 20


def test_the_quick_median_is_the_rank_filters() -> None:
    canvas = np.random.default_rng(0).integers(0, 256, (40, 50, 3), dtype=np.uint8)
    wanted = np.asarray(Image.fromarray(canvas).filter(ImageFilter.MedianFilter(3)))
    assert np.array_equal(textures._median(canvas)[1:-1, 1:-1], wanted[1:-1, 1:-1])  # PIL treats edges its own way


@pytest.mark.parametrize("seed", range(20))
def test_a_varied_picture_is_as_bright_as_before(seed: int) -> None:
    """Or it would look wrongly exposed."""
    canvas = np.random.default_rng(seed).integers(90, 160, (64, 64, 3), dtype=np.uint8)
    varied = textures.vary(canvas, np.random.default_rng(seed))
    assert abs(np.median(varied.mean(2)) - np.median(canvas.mean(2))) < 3


@pytest.mark.parametrize("kind", ["skies", "terraces"])
def test_flat_areas_beside_sharp_edges_are_not_always_a_defect(kind: str) -> None:
    bare = 0
    for seed in range(12):
        grey = textures.TRAINED[kind](np.random.default_rng(seed), 160, 160).mean(2)
        steps = np.abs(np.diff(grey, axis=1))
        bare += bool((steps < 0.005).mean() > 0.4 and steps.max() > 0.05)
    assert bare >= 3
