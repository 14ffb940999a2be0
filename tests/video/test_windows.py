"""Windows of a clip: each frame is in one of them, and each is what a file of its frames would be."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from helpers import encode

from vqinsight.errors import UnreadableVideo
from vqinsight.settings.inference import InferenceSettings
from vqinsight.video.entries import entries
from vqinsight.video.info import Window, window_of
from vqinsight.video.patches import PixelSpec
from vqinsight.video.preprocess import ProcessedClip, preprocess_clip
from vqinsight.video.views import OverviewViews
from vqinsight.video.windows import in_windows, windows

SPEC = PixelSpec(14, 2, 2, (0.0,) * 3, (1.0,) * 3, 784, 12544)


def shown(path: str | Path, **settings: int) -> ProcessedClip:
    return preprocess_clip(str(path), InferenceSettings(**settings), SPEC, OverviewViews(), folder_fps=8)


def spans(path: Path, seconds: float) -> list[tuple[float, float]]:
    found = [window_of(name) for name in windows(str(path), seconds)]
    return [(each.start, each.end) for each in found if each is not None and each.file == str(path)]


def test_windows_are_the_whole_clip(tmp_path: Path) -> None:
    clip = encode.video(tmp_path / "a.mp4", 60, fps=24)  # 2.5 s
    assert spans(clip, 1) == [(0, 1), (1, 2), (2, 2.5)]  # half a window is one of its own
    assert spans(clip, 1.2) == [(0, 1.2), (1.2, 2.5)]  # less is part of the one before it
    assert spans(clip, 60) == [(0, 2.5)]
    assert windows(str(clip), 1)[1:] == [f"{clip}#t=1,2", f"{clip}#t=2,2.5"]


def test_each_frame_is_in_one_window(tmp_path: Path) -> None:
    clip = encode.video(tmp_path / "a.mp4", 77, fps=30)
    seen = [shown(name, frames=64).input for name in windows(str(clip), 0.7)]
    frames = [sorted(set(each.indices)) for each in seen]
    assert [index for each in frames for index in each] == list(range(77))
    assert [each.source_frames for each in seen] == list(map(len, frames))
    times = [time for each in seen for time in dict.fromkeys(each.times)]
    assert times == pytest.approx([number / 30 for number in range(77)])
    assert sum(each.duration for each in seen) == pytest.approx(77 / 30)


def test_a_window_is_what_a_file_of_its_frames_is(tmp_path: Path) -> None:
    whole = encode.video(tmp_path / "whole.mkv", 72, codec="ffv1", fps=24)
    part = (encode.numbered(number) for number in range(24, 48))
    cut = encode.video(tmp_path / "cut.mkv", part, codec="ffv1", fps=24)
    window, alone = shown(f"{whole}#t=1,2"), shown(cut)
    assert window.path == f"{whole}#t=1,2"
    for a, b in zip(window.views, alone.views, strict=True):
        assert np.array_equal(a.patches, b.patches)
    offset = tuple(index + 24 for index in alone.input.indices)
    assert window.input.indices == offset and window.input.source_frames == alone.input.source_frames == 24
    same: dict[str, Any] = {"indices": (), "times": (), "preview": (), "source_fps": 24.0, "duration": 1.0}
    assert replace(window.input, **same) == replace(alone.input, **same)


def test_a_window_in_which_nothing_changes_shows_the_frame_on_screen(tmp_path: Path) -> None:
    clip = encode.video(tmp_path / "a.mkv", 4, stamps=[0, 100, 5000, 5100])
    assert len(windows(str(clip), 1)) == 5
    assert [set(shown(name).input.indices) for name in windows(str(clip), 1)] == [{0, 1}, {1}, {1}, {1}, {2, 3}]


def test_folders_have_windows_and_images_have_none(tmp_path: Path) -> None:
    from PIL import Image

    folder = tmp_path / "frames"
    folder.mkdir()
    for number in range(16):
        Image.fromarray(encode.numbered(number)).save(folder / f"{number}.png")
    names = windows(str(folder), 1, folder_fps=8)
    assert names == [f"{folder}#t=0,1", f"{folder}#t=1,2"]
    assert set(shown(names[1]).input.indices) <= set(range(8, 16))
    image = str(folder / "3.png")
    assert windows(image, 1) == [image]
    assert windows("synthetic:test:0", 1) == ["synthetic:test:0"] and windows(names[1], 0.5) == [names[1]]


def test_a_file_of_that_name_is_a_file(tmp_path: Path) -> None:
    odd = encode.video(tmp_path / "a#t=0,1", 24, layout="mp4")
    assert window_of(str(odd)) is None and shown(odd).input.source_frames == 24
    assert window_of(f"{odd}#t=0,0.5") == Window(str(odd), 0, 0.5)
    assert window_of("a.mp4#t=5") is None and window_of("a.mp4#t=1,x") is None


def test_wrong_windows_say_what_is_wrong(tmp_path: Path) -> None:
    clip = encode.video(tmp_path / "a.mp4", 24, fps=24)
    with pytest.raises(UnreadableVideo, match=r"a.mp4#t=3,4: it ends at 1.00 s"):
        shown(f"{clip}#t=3,4")
    with pytest.raises(UnreadableVideo, match=r"a.mp4#t=2,1: its window ends before it begins"):
        shown(f"{clip}#t=2,1")
    with pytest.raises(UnreadableVideo, match=r"none.mp4#t=0,1: no such file"):
        shown(tmp_path / "none.mp4#t=0,1")


def test_a_clip_that_cannot_be_read_is_its_error(tmp_path: Path) -> None:
    clip, bad = encode.video(tmp_path / "a.mp4", 24, fps=24), str(tmp_path / "none.mp4")
    found = list(in_windows([(str(clip), "a dog"), (bad, None)], 0.5))
    assert found[:2] == [(f"{clip}#t=0,0.5", "a dog"), (f"{clip}#t=0.5,1", "a dog")]
    assert isinstance(found[2][0], UnreadableVideo) and found[2][0].path == bad


def test_a_window_changes_with_its_file(tmp_path: Path) -> None:
    clip = encode.video(tmp_path / "a.mp4", 24, fps=24)
    names: list[tuple[str | UnreadableVideo, str | None]] = [(name, None) for name in windows(str(clip), 0.5)]
    before = entries(names)
    assert len({each.id for each in before}) == 2 and before[0].revision == entries([(str(clip), None)])[0].revision
    encode.video(clip, 48, fps=24)
    assert [each.revision for each in entries(names)] != [each.revision for each in before]
    assert len(windows(str(clip), 0.5)) == 4  # what was read of the file before is not used


PEAK = """
import resource, sys
from vqinsight.settings.inference import InferenceSettings
from vqinsight.video.patches import PixelSpec
from vqinsight.video.preprocess import preprocess_clip
from vqinsight.video.views import OverviewViews
from vqinsight.video.windows import windows
spec = PixelSpec(14, 2, 2, (0.0,) * 3, (1.0,) * 3, 784, 12544)
names = windows(sys.argv[1], 10)
for name in names:
    preprocess_clip(name, InferenceSettings(), spec, OverviewViews())
print(len(names), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""


@pytest.mark.full
def test_an_hour_takes_the_memory_of_a_minute(tmp_path: Path) -> None:
    minute = encode.video(tmp_path / "minute.mp4", 720, fps=12, options={"preset": "ultrafast", "g": "60"})
    hour = repeated(minute, tmp_path / "hour.mp4", 60)
    peaks = []
    for path, count in ((minute, 6), (hour, 360)):
        done = subprocess.run([sys.executable, "-c", PEAK, str(path)], check=True, capture_output=True, text=True)
        found, peak = done.stdout.split()
        assert int(found) == count
        peaks.append(float(peak))
    assert peaks[1] - peaks[0] < 100, peaks  # MiB: the index of 43,200 frames takes 45, their pixels would take 380


def repeated(path: Path, target: Path, times: int) -> Path:
    """The packets of a minute, again and again."""
    with av.open(str(target), "w") as output, av.open(str(path)) as first:
        stream = output.add_stream_from_template(first.streams.video[0])
        for turn in range(times):
            with av.open(str(path)) as source:
                for packet in source.demux(video=0):
                    if packet.dts is None or packet.pts is None:
                        continue
                    later = round(60 * turn / packet.time_base)
                    packet.pts, packet.dts, packet.stream = packet.pts + later, packet.dts + later, stream
                    output.mux(packet)
    return target
