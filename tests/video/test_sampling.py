"""Which frames are looked at: an even number, spread in time over the whole clip."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vqinsight.errors import UsageError
from vqinsight.video.sampling import choose_frames


def steady(frames: int, fps: float) -> np.ndarray:
    return np.arange(frames) / fps


@pytest.mark.parametrize(
    ("frames", "source_fps", "count"),
    [
        (240, 30.0, 16),  # 8 s
        (240, 29.97, 16),
        (90, 30.0, 6),
        (100, 30.0, 6),  # 6.67, down to even
        (30, 30.0, 4),  # 2 is below the minimum
        (7200, 24.0, 16),  # 5 minutes
        (15, 30.0, 4),  # half a second
        (5, 30.0, 4),
        (3, 30.0, 2),
        (2, 30.0, 2),
        (1, 30.0, 2),
    ],
)
def test_default_count(frames, source_fps, count):
    sampling = choose_frames(frames, steady(frames, source_fps))
    assert len(sampling.indices) == len(sampling.times) == count
    assert sampling.rule == "2 fps, 4-16 frames"


def test_what_is_recorded():
    sampling = choose_frames(240, steady(240, 30))
    assert sampling.source_frames == 240
    assert sampling.source_fps == pytest.approx(30)
    assert sampling.duration == pytest.approx(8)
    assert sampling.fps == pytest.approx(2)
    assert sampling.times == pytest.approx(np.array(sampling.indices) / 30)


def reference_indices(frames: int, source_fps: float, fps: float, low: int, high: int) -> list[int]:
    """The release's rule, written as its own authors' sampler states it."""
    wanted = min(max(frames / source_fps * fps, low), min(high, frames), frames)
    count = int(wanted // 2 * 2)
    return [round(float(x)) for x in np.linspace(0, frames - 1, count)]


@pytest.mark.parametrize("frames", [4, 7, 16, 33, 81, 120, 126, 152, 240, 250, 325, 1801])
@pytest.mark.parametrize("source_fps", [8.0, 10.0, 16.0, 25.0, 30.0])
def test_a_constant_rate_gives_the_releases_choice(frames, source_fps):
    sampling = choose_frames(frames, steady(frames, source_fps))
    assert list(sampling.indices) == reference_indices(frames, source_fps, 2.0, 4, 16)


@pytest.mark.parametrize("source_fps", [24.0, 29.97, 59.94])
def test_times_in_whole_milliseconds_change_nothing(source_fps):
    exact = steady(300, source_fps)
    assert choose_frames(300, np.round(exact, 3)).indices == choose_frames(300, exact).indices


def test_variable_rate_is_spaced_in_time():
    # 1 s at 30 fps, then 9 s at 1 fps.
    times = np.concatenate([steady(30, 30), 1.0 + np.arange(10)])
    sampling = choose_frames(len(times), times, frames=10)
    assert sampling.times == pytest.approx(np.linspace(0, 10, 10), abs=0.5)
    assert sum(index < 30 for index in sampling.indices) <= 2


def test_a_frame_shown_for_long_may_repeat():
    sampling = choose_frames(4, [0.0, 0.1, 0.2, 10.0], frames=6)
    assert sampling.indices[0] == 0 and sampling.indices[-1] == 3
    assert len(sampling.indices) == 6


def test_one_frame():
    sampling = choose_frames(1, [0.0])
    assert sampling.indices == (0, 0)
    assert sampling.times == (0.0, 0.0)
    assert sampling.fps > 0 and sampling.duration > 0


def test_frames_overrides():
    times = steady(100, 25)
    assert len(choose_frames(100, times, frames=8).indices) == 8
    assert choose_frames(100, times, frames=8).rule == "8 frames"
    odd = choose_frames(100, times, frames=7)
    assert len(odd.indices) == 8 and odd.rule == "8 frames (7 rounded up to even)"
    assert len(choose_frames(100, times, frames=64).indices) == 64
    assert choose_frames(3, [0, 0.1, 0.2], frames=8).indices == (0, 0, 1, 1, 1, 1, 2, 2)


def test_odd_bounds_are_narrowed_to_even_ones():
    assert choose_frames(100, steady(100, 100), min_frames=5, max_frames=9).rule == "2 fps, 6-8 frames"


def test_times_may_start_anywhere():
    assert choose_frames(50, steady(50, 25) + 7).indices == choose_frames(50, steady(50, 25)).indices


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"fps": 0}, "fps must be above 0"),
        ({"fps": -1}, "fps must be above 0"),
        ({"fps": float("nan")}, "fps must be above 0"),
        ({"fps": float("inf")}, "fps must be above 0"),
        ({"frames": 0}, "frames must be at least 1"),
        ({"frames": -4}, "frames must be at least 1"),
        ({"min_frames": 0}, "no even number"),
        ({"min_frames": 8, "max_frames": 4}, "no even number"),
        ({"min_frames": 5, "max_frames": 5}, "no even number"),
    ],
)
def test_settings_outside_their_range(options, said):
    with pytest.raises(UsageError, match=said):
        choose_frames(100, steady(100, 25), **options)


@pytest.mark.parametrize(("frames", "times"), [(3, [0, 1]), (0, []), (2, [0, 0]), (3, [0, 2, 1])])
def test_times_that_make_no_sense(frames, times):
    with pytest.raises(ValueError, match="times"):
        choose_frames(frames, times)


gaps = st.lists(st.floats(0.001, 5.0), min_size=0, max_size=300)


@given(
    gaps=gaps,
    fps=st.floats(0.1, 60),
    low=st.integers(2, 12),
    more=st.integers(1, 40),
    frames=st.none() | st.integers(1, 64),
)
def test_always_even_sorted_within_and_spanning(gaps, fps, low, more, frames):
    times = np.concatenate([[0.0], np.cumsum(gaps)])
    total = len(times)
    sampling = choose_frames(total, times, fps=fps, min_frames=low, max_frames=low + more, frames=frames)
    indices = sampling.indices
    assert len(indices) % 2 == 0 and len(indices) >= 2
    assert list(indices) == sorted(indices)
    assert indices[0] == 0 and indices[-1] == total - 1
    assert sampling.times == pytest.approx(times[list(indices)])
    if frames is None:
        assert len(indices) <= max(2, min(low + more, total))
    else:
        assert len(indices) == frames + frames % 2


@given(frames=st.integers(1, 400), source_fps=st.floats(0.5, 240), count=st.integers(1, 40))
def test_a_constant_rate_is_evenly_spaced(frames, source_fps, count):
    indices = np.array(choose_frames(frames, steady(frames, source_fps), frames=count).indices)
    assert np.abs(indices - np.linspace(0, frames - 1, len(indices))).max() <= 0.5 + 1e-9
