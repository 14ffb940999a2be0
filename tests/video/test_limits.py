"""Files that declare too much are refused before memory is taken; what they hold beyond that is bounded."""

from __future__ import annotations

import io
import struct
import subprocess
import sys
import zlib
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from vqinsight.errors import UnreadableVideo
from vqinsight.video.bounds import MAX_PIXELS, check_references, check_size
from vqinsight.video.read import iter_frames, probe

TWO = """
import sys
from concurrent.futures import ThreadPoolExecutor
from vqinsight.errors import UnreadableVideo
from vqinsight.video.read import iter_frames, probe

def read(path):
    try:
        info = probe(path)
        return sum(1 for _ in iter_frames(info, range(info.frames)))
    except UnreadableVideo as error:
        return error.reason

with ThreadPoolExecutor(2) as pool:
    print(list(pool.map(read, sys.argv[1:])))
with open("/proc/self/status") as file:  # getrusage also counts the process that started this one
    print(next(int(line.split()[1]) // 1024 for line in file if line.startswith("VmHWM:")))
"""
MOST = 2000  # MiB of a process that reads two files at once


def read_two(*paths: Path) -> tuple[str, int]:
    """What reading two files at once says, and the MiB of the process at its peak."""
    command = [sys.executable, "-c", TWO, *map(str, paths)]
    told, mib = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    return told, int(mib)


def saved(suffix: str, size: tuple[int, int], frames: int = 1, mode: str = "RGB") -> bytes:
    first, *others = [Image.new(mode, size, (40 * number,) * len(mode)) for number in range(frames)]
    memory = io.BytesIO()
    first.save(memory, suffix, **({"save_all": True, "append_images": others} if others else {}))
    return memory.getvalue()


def huge(suffix: str, side: int = 16000) -> bytes:
    """A small file that declares frames of ``side`` squared."""
    if suffix == "png":
        header = struct.pack(">IIBBBBB", side, side, 8, 6, 0, 0, 0)
        chunk = struct.pack(">I", 13) + b"IHDR" + header + struct.pack(">I", zlib.crc32(b"IHDR" + header))
        whole = saved("png", (16, 16), mode="RGBA")
        return whole[:8] + chunk + whole[33:]
    if suffix == "gif":
        whole = saved("gif", (16, 16), 3)
        return whole[:6] + struct.pack("<HH", side, side) + whole[10:]
    if suffix == "jpeg":
        whole = saved("jpeg", (16, 16))
        at = whole.index(b"\xff\xc0") + 5
        return whole[:at] + struct.pack(">HH", side, side) + whole[at + 4 :]
    whole = saved("webp", (16, 16), 3)
    return whole[:24] + (side - 1).to_bytes(3, "little") * 2 + whole[30:]


@pytest.mark.parametrize("suffix", ["png", "gif", "jpeg", "webp"])
def test_a_huge_declared_size_is_refused_in_little_memory(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a.{suffix}"
    path.write_bytes(huge(suffix))
    told, mib = read_two(path, path)
    assert mib < 400
    assert "too many pixels" in told


@pytest.mark.parametrize("name", ["a.mp4", "a.webm"])
def test_a_video_beyond_the_limit_is_refused(encode: Any, tmp_path: Path, name: str, monkeypatch: Any) -> None:
    monkeypatch.setattr("vqinsight.video.decode.DECODING", {"max_pixels": "1000"})
    codec = {"codec": "libvpx-vp9", "options": {"deadline": "realtime"}} if name.endswith("webm") else {}
    with pytest.raises(UnreadableVideo) as caught:
        probe(encode.video(tmp_path / name, 3, **codec))
    assert caught.value.reason


@pytest.mark.full
@pytest.mark.parametrize("suffix", ["png", "jpeg", "webp", "moving.webp", "gif", "apng"])
def test_the_largest_that_is_read_takes_bounded_memory(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a.{suffix}"
    size, frames = (8192, 4352), 2 if suffix in ("moving.webp", "gif", "apng") else 1
    kind = {"apng": "png", "moving.webp": "webp"}.get(suffix, suffix)
    path.write_bytes(saved(kind, size, frames, "RGB" if kind in ("jpeg", "gif") else "RGBA"))
    told, mib = read_two(path, path)
    assert told == f"[{frames}, {frames}]"
    assert mib < MOST


@pytest.mark.full
def test_the_largest_video_takes_bounded_memory(encode: Any, tmp_path: Path) -> None:
    pictures = (np.full((4096, 6144, 3), 9 * number, np.uint8) for number in range(20))
    options = {"preset": "ultrafast", "x264-params": "ref=16:bframes=3:g=20"}
    path = encode.video(tmp_path / "a.mp4", pictures, size=(6144, 4096), options=options)
    told, mib = read_two(path, path)
    assert told == "[20, 20]"
    assert mib < MOST


def test_narrow_frames_are_refused(encode: Any, tmp_path: Path) -> None:
    Image.new("RGB", (804, 4)).save(tmp_path / "a.png")
    encode.video(tmp_path / "a.mp4", [np.zeros((2, 404, 3), np.uint8)] * 2, size=(404, 2))
    for name in ("a.png", "a.mp4"):
        with pytest.raises(UnreadableVideo, match="too narrow: one side is more than 200 times the other"):
            probe(tmp_path / name)
    Image.new("RGB", (800, 4)).save(tmp_path / "b.png")
    assert probe(tmp_path / "b.png").width == 800


def test_the_limits() -> None:
    check_size("a", 8192, 4352)
    assert MAX_PIXELS == 8192 * 4352
    with pytest.raises(UnreadableVideo, match="8193x4352 have more than the 35,651,584 pixels"):
        check_size("a", 8193, 4352)
    with pytest.raises(UnreadableVideo, match="no size"):
        check_size("a", 0, 0)
    check_references("a", 6144, 4096, 12)
    with pytest.raises(UnreadableVideo, match="take 40 MB each"):
        check_references("a", 6144, 4320, 12)
    with pytest.raises(UnreadableVideo, match="take 107 MB each"):
        check_references("a", 8192, 4352, 24)


def test_a_jpeg_that_declares_more_than_it_holds_is_damaged(tmp_path: Path) -> None:
    whole = saved("jpeg", (64, 64))
    at = whole.index(b"\xff\xc0") + 5
    for side in (128, 13000):
        (tmp_path / "a.jpg").write_bytes(whole[:at] + struct.pack(">HH", side, side) + whole[at + 4 :])
        with pytest.raises(UnreadableVideo, match="damaged"):
            probe(tmp_path / "a.jpg")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("png_1x178M.png", "damaged: its 69 bytes cannot hold 1x178000000 pixels"),
        ("webp_bomb_12000.webp", "its frames of 12000x12000 have more than the 35,651,584 pixels that are read"),
        ("jpg_13000.jpg", "damaged: its 693 bytes cannot hold 13000x13000 pixels"),
        ("wide.mp4", "its frames of 4096x4 are too narrow: one side is more than 200 times the other"),
    ],
)
def test_the_shared_cases(shared: Path, name: str, said: str) -> None:
    told, mib = read_two(shared / "cases" / name, shared / "cases" / name)
    assert told == str([said, said])
    assert mib < 400


def test_an_animated_avif_is_read_whole(shared: Path) -> None:
    info = probe(shared / "cases" / "anim.avif")
    assert (info.frames, info.kind, info.codec, info.warnings) == (12, "video", "avif", ())
    assert info.times == pytest.approx(np.arange(12) / 10)
    frames = [frame for _, frame in iter_frames(info, range(12))]
    assert all(np.abs(a.astype(int) - b).mean() > 0.1 for a, b in pairwise(frames))
    assert np.array_equal(next(iter_frames(info, [7]))[1], frames[7])


@pytest.mark.parametrize("brand", [b"heic", b"mif1", b"hevc"])
def test_heic_is_refused(tmp_path: Path, brand: bytes) -> None:
    (tmp_path / "a.heic").write_bytes(struct.pack(">I", 24) + b"ftyp" + brand + bytes(4) + b"mif1heic" + bytes(500))
    with pytest.raises(UnreadableVideo, match="HEIF and HEIC images are not read"):
        probe(tmp_path / "a.heic")
