"""What real footage has: it is smooth in time, the same however many frames are looked at, and only where asked for."""

from __future__ import annotations

import numpy as np
import pytest
from helpers.pictures import textured
from PIL import Image

from vqinsight.synthetic.camera_motion import Handling, adapt, add_movers, draw_handling
from vqinsight.synthetic.scene import Scene, render

FRAMES = 40
EVERYTHING = np.arange(FRAMES)


def scene(handling: Handling, camera: str = "still") -> Scene:
    return Scene(Image.fromarray(textured("leaves", 300, 380)), None, camera, 160, 120, FRAMES, handling)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(
    "handling", [Handling(movers=2), Handling(cut=17), Handling(drift=0.1), Handling(0.5, 0.02, 3, 9, 0.05)]
)
def test_looking_at_few_frames_is_looking_at_all(handling: Handling, seed: int) -> None:
    everything = render(scene(handling, "left"), seed, EVERYTHING)
    for at in ([0, 39], [16, 17, 18], [30, 5, 5]):
        np.testing.assert_array_equal(render(scene(handling, "left"), seed, np.array(at)), everything[at])


@pytest.mark.parametrize("seed", range(4))
def test_things_move_on_a_ground_that_is_still(seed: int) -> None:
    plain, shown = (render(scene(handling), seed, EVERYTHING) for handling in (Handling(), Handling(movers=2)))
    touched = (plain != shown).any(3)
    assert 0.02 < touched.mean() < 0.8
    np.testing.assert_array_equal(shown[~touched], plain[~touched])
    steps = np.abs(np.diff(shown.astype(int), axis=0)).mean((1, 2, 3))
    assert (steps > 0).mean() > 0.8
    assert steps.max() < 12  # nothing jumps


def test_a_piece_stays_where_it_is_put_and_may_leave_the_frame() -> None:
    view = Image.fromarray(textured("leaves", 120, 160))
    clip = np.zeros((FRAMES, 120, 160, 3), np.uint8)
    add_movers(clip, view, 3, EVERYTHING, np.random.default_rng(1))
    assert 0.02 < (clip > 0).any(3).mean() < 0.8
    tiny = np.zeros((2, 3, 2, 3), np.uint8)
    add_movers(tiny, Image.fromarray(textured("leaves", 3, 2)), 2, np.array([0, 1]), np.random.default_rng(1))


@pytest.mark.parametrize("seed", range(4))
def test_a_cut_shows_another_view_from_there_on(seed: int) -> None:
    plain, cut = (render(scene(handling, "right"), seed, EVERYTHING) for handling in (Handling(), Handling(cut=17)))
    np.testing.assert_array_equal(cut[:17], plain[:17])
    steps = np.abs(np.diff(cut.astype(int), axis=0)).mean((1, 2, 3))
    assert steps.argmax() == 16
    assert steps[16] > 2 * np.delete(steps, 16).max()


@pytest.mark.parametrize("seed", range(4))
def test_brightness_comes_and_goes_slowly(seed: int) -> None:
    grey = np.full((100, 4, 4, 3), 120, np.uint8)
    shown = adapt(grey, 0.1, np.arange(100), np.random.default_rng(seed))
    means = shown.mean((1, 2, 3))
    assert 108 <= means.min() < means.max() <= 132
    assert np.ptp(means) > 10
    assert np.abs(np.diff(means)).max() <= 4  # a flicker takes six times as much from frame to frame


def test_scenes_with_shapes_show_nothing_else_that_moves() -> None:
    drawn = [draw_handling(24, np.random.default_rng(seed), shapes=bool(seed % 2)) for seed in range(200)]
    assert not any(handling.movers or handling.cut for _, handling in drawn[1::2])
    assert 25 < sum(handling.movers > 0 for _, handling in drawn[::2]) < 75
    assert all(0 < handling.cut < frames for frames, handling in drawn if handling.cut)
    assert {frames for frames, _ in drawn if frames <= 24} == {24}
