"""Rendering: the named colours, shapes, counts and directions are really there, and the camera moves smoothly."""

from __future__ import annotations

import colorsys
from itertools import product

import numpy as np
import pytest
from helpers.pictures import textured
from PIL import Image
from scipy.ndimage import center_of_mass, label
from scipy.spatial import ConvexHull

from vqinsight.synthetic import textures
from vqinsight.synthetic.camera_motion import Handling
from vqinsight.synthetic.captions import COLOURS, COUNTS, DIRECTIONS, SHAPES, Facts
from vqinsight.synthetic.scene import CAMERA_MOVES, Scene, render

GREY = 100
# Where each colour lies on the usual colour wheel, in degrees.
WHEEL = {"red": 0, "yellow": 60, "green": 120, "cyan": 180, "blue": 240, "purple": 290}
STEPS = {"left": (0, -1), "right": (0, 1), "up": (-1, 0), "down": (1, 0)}  # (y, x)


def flat(height: int = 112, width: int = 149, frames: int = 9, facts: Facts | None = None) -> Scene:
    canvas = Image.new("RGB", (2 * width, 2 * height), (GREY, GREY, GREY))
    return Scene(canvas, facts, "still", width, height, frames)


def shown(facts: Facts, seed: int = 0, **size: int) -> tuple[np.ndarray, np.ndarray]:
    """A clip of shapes on flat grey, and its (T, H, W) mask of pixels that are mostly shape."""
    clip = render(flat(facts=facts, **size), seed, np.arange(9))
    return clip, np.abs(clip.astype(int) - GREY).max(-1) > 45


@pytest.mark.parametrize("colour", COLOURS)
@pytest.mark.parametrize("seed", range(5))
def test_shapes_have_the_named_colour(colour, seed):
    clip, mask = shown(Facts(1 + seed % 3, colour, SHAPES[seed % 4], "left"), seed)
    hue, saturation, _ = colorsys.rgb_to_hsv(*np.median(clip[mask], axis=0) / 255)
    away = {name: abs((360 * hue - centre + 180) % 360 - 180) for name, centre in WHEEL.items()}
    assert min(away, key=away.__getitem__) == colour
    assert saturation > 0.6


@pytest.mark.parametrize(("count", "shape", "direction"), [*product(COUNTS, SHAPES, DIRECTIONS)])
def test_the_right_number_of_shapes_moves_in_the_named_direction(count, shape, direction):
    touching = np.ones((3, 3))  # pixels that touch at a corner belong together: thin tips stay part of their star
    for seed, (height, width) in enumerate([(112, 149), (150, 113), (224, 224)]):
        clip, mask = shown(Facts(count, "red", shape, direction), seed, height=height, width=width)
        assert [label(frame, touching)[1] for frame in mask] == [count] * 9
        path = np.array([center_of_mass(frame) for frame in np.abs(clip.astype(int) - GREY).max(-1)])
        steps = np.diff(path, axis=0)
        ahead, sideways = steps @ np.array(STEPS[direction]), steps @ np.array(STEPS[direction])[::-1]
        assert (ahead > 1).all()
        assert np.abs(sideways).max() < 0.2


@pytest.mark.parametrize("seed", range(20))
def test_shapes_stay_inside_the_frame(seed):
    _, mask = shown(Facts(1 + seed % 3, "cyan", SHAPES[seed % 4], DIRECTIONS[seed // 4 % 4]), seed)
    area = mask.sum((1, 2))
    assert area.min() > 0.93 * area.max()


def outline(shape: str, seed: int) -> tuple[float, float]:
    """(solidity, roundness): share of the convex hull, and of the smallest circle about the hull's middle, covered."""
    _, mask = shown(Facts(1, "red", shape, "right"), seed, height=300, width=300)
    points = np.argwhere(mask[4])
    hull = ConvexHull(points)
    corners = points[hull.vertices]
    reach = np.linalg.norm(corners - points.mean(0), axis=1).max()
    return len(points) / hull.volume, len(points) / (np.pi * reach**2)


@pytest.mark.parametrize("seed", range(3))
def test_shapes_are_what_they_are_called(seed):
    # A circle covers its circle; a square 2/π = 0.64 of it; a triangle less; a star has gaps between its arms.
    assert outline("circle", seed)[1] > 0.93
    solid, round_ = outline("square", seed)
    assert solid > 0.93 and 0.57 < round_ < 0.72
    solid, round_ = outline("triangle", seed)
    assert solid > 0.93 and round_ < 0.5
    assert outline("star", seed)[0] < 0.75


def test_still_camera_without_shapes_repeats_one_frame():
    scene = Scene(Image.fromarray(textured("leaves", 230, 300)), None, "still", 140, 105, 6)
    clip = render(scene, 3, np.arange(6))
    assert clip.std() > 5
    assert (clip == clip[0]).all()


def ramp() -> Image.Image:
    """A canvas whose red tells x and whose green tells y."""
    y, x = np.mgrid[:250, :250]
    return Image.fromarray(np.stack((x, y, np.full_like(x, 30)), axis=-1).astype(np.uint8))


@pytest.mark.parametrize("seed", range(3))
def test_a_hand_sways_a_little_and_smoothly(seed: int) -> None:
    clip = render(Scene(ramp(), None, "still", 112, 112, 60, Handling(sway=0.03)), seed, np.arange(60))
    path = np.stack((clip[..., 0].mean((1, 2)), clip[..., 1].mean((1, 2))), axis=1)
    assert (np.ptp(path, axis=0) > 1).all()
    assert (np.ptp(path, axis=0) < 2 * 0.03 * 250 + 1).all()
    assert np.abs(np.diff(path, axis=0)).max() < 3  # no jitter: that is a defect
    assert np.abs(np.diff(path, n=2, axis=0)).max() < 1.5


def test_pace_changes_when_but_not_where() -> None:
    at = np.arange(61)
    even, late = (render(Scene(ramp(), None, "right", 112, 112, 61, Handling(pace=pace)), 2, at) for pace in (0.0, 0.7))
    assert np.array_equal(even[[0, 30, 60]], late[[0, 30, 60]])
    steps = np.diff(late[..., 0].mean((1, 2)))
    assert steps[30] > 1.5 * steps[2:].mean() and steps.min() > -0.01  # quick in the middle, never backwards


@pytest.mark.parametrize("camera", ["left", "right", "up", "down"])
@pytest.mark.parametrize("seed", range(3))
def test_the_camera_moves_smoothly_in_the_named_direction(camera, seed):
    clip = render(Scene(ramp(), None, camera, 112, 112, 60), seed, np.arange(60))
    x, y = clip[..., 0].mean((1, 2)), clip[..., 1].mean((1, 2))
    down, right = STEPS[camera]
    along, across, sign = (x, y, right) if right else (y, x, down)
    steps = sign * np.diff(along)
    # Steps of well under a pixel, all alike: not a rounded position anywhere.
    assert 0.1 < steps.mean() < 1.5
    assert np.abs(steps - steps.mean()).max() < 0.1
    assert np.abs(across - across.mean()).max() < 0.1


@pytest.mark.parametrize("seed", range(3))
def test_the_camera_zooms_in_on_its_middle(seed):
    clip = render(Scene(ramp(), None, "in", 112, 112, 60), seed, np.arange(60)).astype(float)
    for seen in (clip[..., 0], clip[..., 1]):
        width = np.ptp(seen, axis=(1, 2))
        assert width[-1] < 0.92 * width[0]
        assert np.diff(width).max() <= 1  # narrower all the time, up to the rounding of colours
        middle = seen.mean((1, 2))
        assert np.abs(middle - middle[0]).max() < 0.6


@pytest.mark.parametrize("camera", CAMERA_MOVES)
def test_looking_at_few_frames_is_looking_at_all(camera):
    background = Image.fromarray(textured("tiles", 230, 300))
    scene = Scene(background, Facts(2, "blue", "star", "up"), camera, 140, 105, 12)
    clip = render(scene, 5, np.arange(12))
    assert clip.shape == (12, 105, 140, 3) and clip.dtype == np.uint8
    for at in ([0], [11], [3, 7], [9, 2, 2]):
        np.testing.assert_array_equal(render(scene, 5, np.array(at)), clip[at])


def test_the_seed_places_the_shapes():
    facts = Facts(1, "red", "circle", "left")
    (one, _), (same, _), (other, _) = shown(facts, 1), shown(facts, 1), shown(facts, 2)
    np.testing.assert_array_equal(one, same)
    assert (one != other).any()


def test_a_scene_of_one_frame():
    scene = Scene(flat().background, Facts(3, "green", "square", "down"), "in", 112, 112, 1)
    assert render(scene, 0, np.array([0])).shape == (1, 112, 112, 3)


@pytest.mark.parametrize("kind", [*textures.TRAINED, *textures.HELD_OUT])
def test_textures(kind):
    for height, width in ((235, 313), (240, 135)):
        one, same, other = (textured(kind, height, width, seed) for seed in (1, 1, 2))
        np.testing.assert_array_equal(one, same)
        assert (one != other).any()
        fine = one[:, 1:].astype(int) - one[:, :-1]
        assert (fine != 0).mean() > 0.3  # detail everywhere: blur has something to destroy
        # Muted: only shapes are strongly coloured.
        assert (np.ptp(one.astype(int), axis=-1) > 110).mean() < 0.02


@pytest.mark.parametrize("kind", ["leaves", "tiles", "checks", "strokes"])
def test_where_a_texture_has_no_grain_blur_has_edges_to_destroy(kind):
    pictures = [textured(kind, 235, 313, seed, grain=False).astype(int) for seed in range(12)]
    fine = [np.abs(np.diff(picture, axis=1)) for picture in pictures]
    assert any((each != 0).mean() < 0.3 for each in fine)  # some are flat between their edges
    assert all((each > 8).mean() > 0.01 for each in fine)


def test_held_out_textures_are_others_than_the_trained_ones():
    assert not set(textures.TRAINED) & set(textures.HELD_OUT)
    assert not set(textures.TRAINED.values()) & set(textures.HELD_OUT.values())
