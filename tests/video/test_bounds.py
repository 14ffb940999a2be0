"""Large and long files are read in little memory and time."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from vqinsight.video.read import iter_frames, probe

PEAK = """
import resource, sys
from vqinsight.video.read import iter_frames, probe
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
info = probe(sys.argv[1])
count = sum(1 for _ in iter_frames(info, range(0, info.frames, int(sys.argv[2]))))
print(info.frames, count, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


def peak(path: Path, step: int) -> tuple[int, int, int]:
    """Frames, frames read, and MiB of memory that reading took at its peak, in a process of its own."""
    command = [sys.executable, "-c", PEAK, str(path), str(step)]
    frames, count, mib = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    return int(frames), int(count), int(mib)


def test_4k_holds_few_frames(encode, tmp_path):
    pictures = (np.full((2160, 3840, 3), 10 * number, np.uint8) for number in range(20))
    path = encode.video(
        tmp_path / "a.mp4",
        pictures,
        size=(3840, 2160),
        options={"preset": "ultrafast", "bf": "2", "x264-params": "ref=3"},
    )
    frames, count, mib = peak(path, 1)
    assert (frames, count) == (20, 20)
    assert mib < 600  # the decoder needs up to 400 for its own frames; 20 RGB frames would add 475


def test_an_hour_long_file(encode, tmp_path):
    path = encode.video(tmp_path / "a.mp4", 3600, fps=1, options={"preset": "ultrafast", "g": "250"})
    start = time.perf_counter()
    info = probe(path)
    frames = [(index, encode.number_of(frame)) for index, frame in iter_frames(info, range(0, 3600, 225))]
    assert time.perf_counter() - start < 2
    assert info.duration == pytest.approx(3600)
    assert all(index == number for index, number in frames) and len(frames) == 16
    assert peak(path, 225)[2] < 60
