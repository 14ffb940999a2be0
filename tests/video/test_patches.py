"""Pixels become the official processors' patches: against the official classes, a plain loop, and arithmetic."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil, smart_resize

from vqinsight.video.patches import PixelSpec, native_crops, patchify, resize, target_size

MEAN = (0.48145466, 0.4578275, 0.40821073)
STD = (0.26862954, 0.26130258, 0.27577711)
QWEN = PixelSpec(14, 2, 2, MEAN, STD, 4 * 28 * 28, 64 * 28 * 28)
QWEN3 = PixelSpec(16, 2, 2, (0.5, 0.5, 0.5), (0.5, 0.5, 0.5), 4 * 32 * 32, 64 * 32 * 32)
SIZES = [(35, 27), (90, 160), (540, 960), (120, 640), (56, 84), (64, 96), (9, 31)]
unhurried = settings(deadline=None)


def picture(height: int, width: int, seed: int = 0) -> np.ndarray:
    """(H, W, 3) uint8 with smooth parts, edges and noise, far from black and white, where overshoots are cut off."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width]
    waves = 110 + 40 * np.sin(x[..., None] / (3 + np.arange(3))) * np.cos(y[..., None] / (5 - np.arange(3)))
    waves[height // 3 :, width // 2 :] += 40
    return np.clip(waves + rng.normal(0, 12, (height, width, 3)), 40, 215).astype(np.uint8)


def official_settings(spec: PixelSpec) -> dict:
    return {
        "patch_size": spec.patch_size,
        "temporal_patch_size": spec.temporal_patch_size,
        "merge_size": spec.merge_size,
        "image_mean": list(spec.mean),
        "image_std": list(spec.std),
        "size": {"shortest_edge": spec.min_pixels, "longest_edge": spec.max_pixels},
    }


@unhurried
@given(st.integers(1, 3000), st.integers(1, 3000), st.integers(1, 40), st.integers(1, 40))
def test_target_size_is_the_official_one(height, width, least, more):
    assume(max(height, width) <= 200 * min(height, width))  # upstream refuses more extreme proportions
    spec = PixelSpec(14, 2, 2, MEAN, STD, least * 28 * 28, (least + more) * 28 * 28)
    wanted = smart_resize(height, width, 28, spec.min_pixels, spec.max_pixels)
    assert target_size(height, width, spec) == wanted


@unhurried
@given(st.integers(1, 20000), st.integers(1, 20000))
def test_target_size_is_whole_tokens_for_any_frame(height, width):
    h, w = target_size(height, width, QWEN)
    assert h % 28 == w % 28 == 0
    assert h >= 28 <= w
    # A strip of one token's height may be as long as it needs to be; anything else keeps to the limit.
    assert h * w <= QWEN.max_pixels or min(h, w) == 28


def test_extreme_proportions_are_allowed():
    with pytest.raises(ValueError, match="aspect ratio"):
        smart_resize(20, 8000)
    assert target_size(20, 8000, QWEN)[0] == 28


@pytest.mark.parametrize("spec", [QWEN, QWEN3])
@pytest.mark.parametrize("count", [1, 3, 4])
def test_video_patches_equal_the_official_processors(spec, count):
    pytest.importorskip("torchvision")
    from transformers.models.qwen2_vl.video_processing_qwen2_vl import Qwen2VLVideoProcessor

    official = Qwen2VLVideoProcessor(**official_settings(spec))
    for height, width in SIZES:
        frames = np.stack([picture(height, width, seed) for seed in range(count)])
        wanted = official(videos=[torch.from_numpy(frames).permute(0, 3, 1, 2)], return_tensors="pt")
        size = target_size(height, width, spec)
        patches, grid = patchify(torch.stack([resize(frame, size) for frame in frames]), spec)
        assert list(grid) == wanted["video_grid_thw"][0].tolist()
        torch.testing.assert_close(patches, wanted["pixel_values_videos"], rtol=0, atol=1e-6)


@pytest.mark.parametrize("spec", [QWEN, QWEN3])
@pytest.mark.parametrize(("height", "width"), SIZES)
def test_image_patches_equal_the_pil_processors(spec, height, width):
    image = picture(height, width)
    official = Qwen2VLImageProcessorPil(**official_settings(spec))
    wanted = official(images=[image], input_data_format="channels_last", return_tensors="pt")
    size = target_size(height, width, spec)
    patches, grid = patchify(resize(image, size)[None], spec)
    assert list(grid) == wanted["image_grid_thw"][0].tolist()
    # Both round to whole levels after each of two passes, but not in the same order of passes.
    levels = 0 if size == (height, width) else 2
    tolerance = 1e-6 + levels / 255 / min(spec.std)
    torch.testing.assert_close(patches, wanted["pixel_values"], rtol=0, atol=tolerance)


def looped(frames: np.ndarray, spec: PixelSpec) -> np.ndarray:
    """The patch order in plain loops: tokens row by row, in a token its patches, in a patch channel, time, y, x."""
    while len(frames) % spec.temporal_patch_size:
        frames = np.concatenate((frames, frames[-1:]))
    _, _, height, width = frames.shape
    p, side = spec.patch_size, spec.factor
    rows = []
    for t in range(0, len(frames), spec.temporal_patch_size):
        for token_y in range(0, height, side):
            for token_x in range(0, width, side):
                for y in range(token_y, token_y + side, p):
                    for x in range(token_x, token_x + side, p):
                        values = [
                            (frames[t + dt, c, y + dy, x + dx] / 255 - spec.mean[c]) / spec.std[c]
                            for c in range(3)
                            for dt in range(spec.temporal_patch_size)
                            for dy in range(p)
                            for dx in range(p)
                        ]
                        rows.append(values)
    return np.array(rows)


@settings(parent=unhurried, max_examples=30)
@given(
    *[st.integers(1, 3) for _ in range(5)],
    st.integers(1, 5),
    st.randoms(use_true_random=False),
)
def test_patch_order_in_plain_loops(patch, merge, temporal, tokens_y, tokens_x, count, random):
    spec = PixelSpec(patch, temporal, merge, MEAN, STD, 1, 10**6)
    rng = np.random.default_rng(random.randrange(2**32))
    frames = rng.integers(0, 256, (count, 3, tokens_y * spec.factor, tokens_x * spec.factor), np.uint8)
    patches, grid = patchify(torch.from_numpy(frames), spec)
    assert grid == (math.ceil(count / temporal), tokens_y * merge, tokens_x * merge)
    assert patches.dtype == torch.float32
    np.testing.assert_allclose(patches.numpy(), looped(frames, spec), atol=2e-6)


@pytest.mark.parametrize(
    ("row", "column", "level"),
    [
        # Level of channel c of frame t at (y, x) below: 100 t + 50 c + y + x.
        (0, 0, 0),  # the first pixel of all
        (0, 1, 1),  # next along x
        (0, 14, 1),  # next along y
        (0, 14 * 14, 100),  # the second frame of the pair
        (0, 2 * 14 * 14, 50),  # the second channel
        (1, 0, 14),  # the next patch lies to the right in the same token
        (2, 0, 14),  # then the token's second row of patches
        (3, 0, 28),
        (4, 0, 28),  # the next token, 28 pixels to the right
        (12, 0, 28),  # after 3 tokens of 4 patches: the second row of tokens
        (12, 3 * 2 * 14 * 14 - 1, 100 + 100 + (28 + 13) + 13),  # the last value of a patch
    ],
)
def test_where_a_pixel_ends_up(row, column, level):
    t, c, y, x = np.ogrid[:2, :3, :56, :84]
    frames = torch.from_numpy((100 * t + 50 * c + y + x).clip(0, 255).astype(np.uint8))
    patches, grid = patchify(frames, QWEN)
    assert grid == (1, 4, 6)
    channel = column // (2 * 14 * 14)
    assert patches[row, column].item() == pytest.approx((level / 255 - MEAN[channel]) / STD[channel], abs=1e-6)


def bicubic_weights(source: int, target: int) -> np.ndarray:
    """(target, source): Keys' cubic with a = -1/2, stretched when shrinking, weights normalised inside the picture."""
    scale = source / target
    stretch = max(scale, 1.0)
    centre = (np.arange(target) + 0.5) * scale
    d = np.abs((np.arange(source) + 0.5)[None, :] - centre[:, None]) / stretch
    near, far = 1.5 * d**3 - 2.5 * d**2 + 1, -0.5 * d**3 + 2.5 * d**2 - 4 * d + 2
    weights = np.where(d < 1, near, np.where(d < 2, far, 0.0))
    return weights / weights.sum(1, keepdims=True)


@pytest.mark.parametrize(("source", "target"), [((60, 90), (28, 56)), ((20, 33), (56, 84)), ((200, 30), (28, 28))])
def test_resize_is_antialiased_bicubic(source, target):
    image = picture(*source)
    rows, columns = bicubic_weights(source[0], target[0]), bicubic_weights(source[1], target[1])
    wanted = np.einsum("hy,yxc,wx->chw", rows, image.astype(float), columns)
    resized = resize(image, target)
    assert resized.dtype == torch.uint8
    # Half a level is lost at the end, and about as much between the two passes.
    assert np.abs(resized.numpy() - wanted).max() < 1.3


def test_resize_to_the_same_size_changes_nothing():
    image = picture(35, 27)
    np.testing.assert_array_equal(resize(image, (35, 27)).numpy(), image.transpose(2, 0, 1))


def coordinates(height: int, width: int) -> np.ndarray:
    """(H, W, 3) uint8 in which red is a pixel's x and green its y."""
    y, x = np.mgrid[:height, :width]
    return np.stack((x, y, np.zeros_like(x)), axis=-1).astype(np.uint8)


@pytest.mark.parametrize(("height", "width", "rows", "columns"), [(90, 160, 2, 3), (201, 255, 3, 4), (57, 85, 2, 3)])
def test_fragments_are_source_pixels_from_the_middle_of_each_cell(height, width, rows, columns):
    side = 28
    mosaic = native_crops(coordinates(height, width), rows, columns, side).numpy().astype(int)
    assert mosaic.shape == (3, rows * side, columns * side)
    for row in range(rows):
        for column in range(columns):
            x, y, _ = mosaic[:, row * side :, column * side :][:, :side, :side]
            np.testing.assert_array_equal(x, np.broadcast_to(x[0, 0] + np.arange(side), (side, side)))
            np.testing.assert_array_equal(y, np.broadcast_to(y[0, 0] + np.arange(side)[:, None], (side, side)))
            assert abs(x[0, 0] + side / 2 - (column + 0.5) * width / columns) <= 0.5
            assert abs(y[0, 0] + side / 2 - (row + 0.5) * height / rows) <= 0.5


def test_portrait_frames_use_the_transposed_grid():
    image = picture(150, 230)
    upright = native_crops(np.swapaxes(image, 0, 1), 2, 3, 28)
    assert upright.shape == (3, 84, 56)
    torch.testing.assert_close(upright, native_crops(image, 2, 3, 28).transpose(1, 2), rtol=0, atol=0)


def test_a_frame_of_exactly_the_mosaics_size_is_the_mosaic():
    image = picture(56, 84)
    np.testing.assert_array_equal(native_crops(image, 2, 3, 28).numpy(), image.transpose(2, 0, 1))


def test_small_frames_are_enlarged_until_they_fit():
    image = picture(14, 21)
    torch.testing.assert_close(native_crops(image, 2, 3, 28), resize(image, (56, 84)), rtol=0, atol=0)


def test_a_frame_of_one_pixel():
    pixel = np.array([[[200, 100, 7]]], np.uint8)
    mosaic = native_crops(pixel, 2, 3, 28)
    assert mosaic.shape == (3, 56, 84)
    np.testing.assert_array_equal(mosaic.flatten(1).numpy(), np.repeat([[200], [100], [7]], 56 * 84, axis=1))


@unhurried
@given(st.integers(1, 130), st.integers(1, 130), st.integers(1, 3), st.integers(1, 3))
def test_any_frame_fills_the_mosaic(height, width, rows, columns):
    flat = np.full((height, width, 3), 90, np.uint8)
    mosaic = native_crops(flat, rows, columns, 14)
    shape = (columns, rows) if height > width else (rows, columns)
    assert mosaic.shape == (3, shape[0] * 14, shape[1] * 14)
    assert (mosaic == 90).all()
