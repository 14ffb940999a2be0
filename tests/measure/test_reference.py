"""PSNR and SSIM against a reference: worked by hand, against FFmpeg's filter, and on clips that do not fit."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from helpers import encode

from vqinsight.errors import UnreadableVideo, UsageError
from vqinsight.measure import reference
from vqinsight.measure.reference import compare_with_reference, luma, mean_squared_error, psnr, same_time, ssim


def noise(seed: int, height: int = 48, width: int = 64) -> np.ndarray:
    return np.random.default_rng(seed).integers(40, 200, (height, width), dtype=np.uint8)


def test_psnr_by_hand() -> None:
    a = noise(0)
    assert mean_squared_error(a, a) == 0 and psnr(0) == math.inf
    assert mean_squared_error(a, a + 10) == 100
    assert psnr(100) == pytest.approx(28.1308, abs=1e-4)  # 20 log10(255 / 10)
    assert mean_squared_error(np.array([[250]], np.uint8), np.array([[5]], np.uint8)) == 245**2


def test_luma_by_hand() -> None:
    colours = [[0, 0, 0], [255, 255, 255], [255, 0, 0], [0, 255, 0], [0, 0, 255], [128, 128, 128]]
    assert luma(np.array([colours], np.uint8)).tolist() == [[16, 235, 81, 145, 41, 126]]


def test_ssim_by_hand() -> None:
    a = noise(1)
    assert ssim(a, a) == 1
    flat, lighter = np.full((16, 16), 100, np.uint8), np.full((16, 16), 110, np.uint8)
    c1 = (0.01 * 255) ** 2  # without variance only the means count
    assert ssim(flat, lighter) == pytest.approx((2 * 100 * 110 + c1) / (100**2 + 110**2 + c1), abs=2e-4)


def test_ssim_is_the_sum_of_its_definition() -> None:
    """One window of 11×11, each sum written out."""
    x, y = noise(2, 11, 11).astype(float), noise(3, 11, 11).astype(float)
    offsets = np.arange(11) - 5
    bell = np.exp(-(offsets[:, None] ** 2 + offsets[None] ** 2) / (2 * 1.5**2))
    weight = bell / bell.sum()
    mean_x, mean_y = (weight * x).sum(), (weight * y).sum()
    var_x, var_y = (weight * (x - mean_x) ** 2).sum(), (weight * (y - mean_y) ** 2).sum()
    cov = (weight * (x - mean_x) * (y - mean_y)).sum()
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    expected = (2 * mean_x * mean_y + c1) * (2 * cov + c2) / ((mean_x**2 + mean_y**2 + c1) * (var_x + var_y + c2))
    assert ssim(x.astype(np.uint8), y.astype(np.uint8)) == pytest.approx(expected, abs=1e-4)


def test_frames_of_the_same_time() -> None:
    def pairs(times: list[float], others: list[float]) -> list[tuple[int, int]]:
        return list(zip(*(each.tolist() for each in same_time(np.array(times), np.array(others))), strict=True))

    assert pairs([0, 1, 2], [0, 1, 2]) == [(0, 0), (1, 1), (2, 2)]
    assert pairs([0, 1, 2], [0, 2]) == [(0, 0), (2, 1)]  # dropped from the reference
    assert pairs([0, 2], [0, 1, 2]) == [(0, 0), (1, 2)]  # dropped from the clip
    assert pairs([0, 0.5, 1, 1.5], [0, 1]) == [(0, 0), (2, 1)]  # twice the rate
    assert pairs([0, 1.2, 2.3], [0, 1, 2]) == [(0, 0), (1, 1)]  # a quarter of an interval is the most
    assert pairs([0], [0, 1]) == [(0, 0)] and pairs([0], [0]) == [(0, 0)]
    assert pairs([0, 0.1, 5], [0, 10, 20]) == [(0, 0)]  # each frame once


def lossless(path: Path, planes: list[np.ndarray], fps: int = 24) -> str:
    frames = [np.repeat(plane[..., None], 3, axis=2) for plane in planes]
    size = (planes[0].shape[1], planes[0].shape[0])
    return str(encode.video(path, frames, codec="ffv1", pix_fmt="bgr0", size=size, fps=fps))


def test_equal_clips_are_identical(tmp_path: Path) -> None:
    clip = lossless(tmp_path / "a.mkv", [noise(i) for i in range(6)])
    found = compare_with_reference(clip, clip)
    assert found.identical and found.ssim == 1 and (found.frames, found.unmatched) == (6, 0) and found.vmaf is None


def test_the_mean_is_of_errors_and_the_lowest_frame_is_named(tmp_path: Path) -> None:
    planes = [noise(i) for i in range(6)]
    other = [plane + (20 if i == 4 else 0) for i, plane in enumerate(planes)]
    found = compare_with_reference(lossless(tmp_path / "b.mkv", other), lossless(tmp_path / "a.mkv", planes))
    error = np.mean([mean_squared_error(luma_of(a), luma_of(b)) for a, b in zip(planes, other, strict=True)])
    assert found.psnr == pytest.approx(psnr(float(error))) and 30 < found.psnr < 32.5
    assert found.lowest.start == pytest.approx(4 / 24) and found.lowest.value == pytest.approx(psnr(6 * error))
    assert found.lowest.end == pytest.approx(5 / 24) and 0.9 < found.ssim < 1


def luma_of(plane: np.ndarray) -> np.ndarray:
    return luma(np.repeat(plane[..., None], 3, axis=2))


def test_it_agrees_with_ffmpeg(tmp_path: Path) -> None:
    """FFmpeg's filter compares Y as the file holds it."""
    rng = np.random.default_rng(0)
    coarse = [rng.integers(0, 255, (6, 8, 3), dtype=np.uint8) for _ in range(8)]
    frames = [each.repeat(12, 0).repeat(12, 1) for each in coarse]
    good = encode.video(tmp_path / "good.mp4", frames, size=(96, 72), options={"crf": "5"})
    poor = encode.video(tmp_path / "poor.mp4", frames, size=(96, 72), options={"crf": "45"})
    found = compare_with_reference(str(poor), str(good))
    assert found.frames == 8 and found.psnr == pytest.approx(ffmpeg_psnr(poor, good), abs=0.1)


def ffmpeg_psnr(a: Path, b: Path) -> float:
    """Of luma, from the mean squared error of all frames."""
    errors = []
    with av.open(str(a)) as first, av.open(str(b)) as second:
        graph: Any = av.filter.Graph()
        sources = [graph.add_buffer(template=each.streams.video[0]) for each in (first, second)]
        compare, sink = graph.add("psnr"), graph.add("buffersink")
        sources[0].link_to(compare, 0, 0)
        sources[1].link_to(compare, 0, 1)
        compare.link_to(sink)
        graph.configure()
        for one, other in zip(first.decode(video=0), second.decode(video=0), strict=True):
            sources[0].push(one)
            sources[1].push(other)
            errors.append(float(sink.pull().metadata["lavfi.psnr.mse.y"]))
    return psnr(float(np.mean(errors)))


def test_frames_without_a_partner_are_counted(tmp_path: Path) -> None:
    planes = [noise(i) for i in range(12)]
    slow, fast = lossless(tmp_path / "a.mkv", planes[::2], fps=12), lossless(tmp_path / "b.mkv", planes, fps=24)
    found = compare_with_reference(fast, slow)
    assert found.identical and (found.frames, found.unmatched) == (6, 6)
    found = compare_with_reference(slow, fast)
    assert found.identical and (found.frames, found.unmatched) == (6, 0)


def test_what_cannot_be_compared_is_refused(tmp_path: Path) -> None:
    wide, high = encode.video(tmp_path / "w.mp4", 4), encode.video(tmp_path / "h.mp4", 4, size=(48, 64))
    with pytest.raises(UnreadableVideo, match=r"w.mp4: its frames are 64x48, those of .*h.mp4 48x64. Scale one"):
        compare_with_reference(str(wide), str(high))
    tiny = lossless(tmp_path / "t.mkv", [noise(0, 8, 8)] * 3)
    with pytest.raises(UnreadableVideo, match="SSIM takes 11 pixels a side"):
        compare_with_reference(tiny, tiny)
    with pytest.raises(UnreadableVideo, match="no such file"):
        compare_with_reference(str(wide), str(tmp_path / "none.mp4"))


FAKE = """#!/bin/sh
case "$*" in
*-filters*) echo " .. libvmaf  VV->V  Calculate VMAF" ;;
*bad.mp4*) echo "it broke" >&2; exit 1 ;;
*) echo "$@" > {log}; echo '{{"pooled_metrics": {{"vmaf": {{"mean": 87.5}}}}}}' > vmaf.json ;;
esac
"""


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A program in place of ffmpeg."""
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "bin"), prepend=":")
    reference.vmaf_program.cache_clear()
    file = tmp_path / "bin" / "ffmpeg"
    file.write_text(FAKE.format(log=tmp_path / "said"))
    file.chmod(0o755)
    return file


def test_vmaf_is_what_ffmpeg_says(tmp_path: Path, program: Path) -> None:
    a, b, bad = (encode.video(tmp_path / f"{name}.mp4", 4) for name in ("a", "b", "bad"))
    assert compare_with_reference(str(a), str(b), vmaf=True).vmaf == 87.5
    said = (tmp_path / "said").read_text()
    assert said.index(f"file:{a}") < said.index(f"file:{b}")  # the filter's first input is the distorted clip
    with pytest.raises(UnreadableVideo, match=r"computed no VMAF \(it broke\)"):
        compare_with_reference(str(bad), str(b), vmaf=True)


def test_without_libvmaf_the_message_says_what_to_install(program: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program.write_text("#!/bin/sh\necho scale\n")
    with pytest.raises(UsageError, match="has no libvmaf"):
        reference.vmaf_program()
    monkeypatch.setenv("PATH", str(program.parents[1]))
    reference.vmaf_program.cache_clear()
    with pytest.raises(UsageError, match="there is no ffmpeg on PATH"):
        reference.vmaf_program()
