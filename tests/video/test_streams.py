"""Of several video streams the best one is read, as players do."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest
from av.stream import Disposition
from helpers.encode import number_of, numbered

from vqinsight.video.read import iter_frames, probe

SMALL, LARGE = (64, 48), (192, 144)


def mux(path: Path, *streams: tuple[tuple[int, int], int, bool]) -> Path:
    """Write a file of streams of 12 frames: size, number of the first frame, and whether it is the default one."""
    with av.open(str(path), "w") as output:
        made = []
        for size, _, default in streams:
            stream = output.add_stream("libx264", rate=24, options={"qp": "4"})
            stream.width, stream.height, stream.pix_fmt = size[0], size[1], "yuv420p"
            stream.codec_context.thread_count = 1
            stream.disposition = Disposition.default if default else Disposition(0)
            made.append(stream)
        for index in range(12):
            for stream, (size, first, _) in zip(made, streams, strict=True):
                output.mux(stream.encode(av.VideoFrame.from_ndarray(numbered(first + index, *size), format="rgb24")))
        for stream in made:
            output.mux(stream.encode())
    return path


@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
@pytest.mark.parametrize(
    ("streams", "size", "first"),
    [
        ([(SMALL, 100, False), (LARGE, 200, True)], LARGE, 200),  # marked as default
        ([(LARGE, 100, True), (SMALL, 200, False)], LARGE, 100),
        ([(LARGE, 100, False), (SMALL, 200, True)], SMALL, 200),  # the mark counts more than the size
    ],
)
def test_the_best_stream_is_read(
    tmp_path: Path, suffix: str, streams: list[tuple[tuple[int, int], int, bool]], size: tuple[int, int], first: int
) -> None:
    path = mux(tmp_path / f"two.{suffix}", *streams)
    info = probe(path)
    assert (info.width, info.height, info.frames) == (*size, 12)
    assert [number_of(frame) for _, frame in iter_frames(info, [0, 5, 11])] == [first, first + 5, first + 11]
    assert info.warnings == (f"it holds 2 video streams; the one of {size[0]}x{size[1]} that players show is read",)
    if suffix == "mp4":  # where FFmpeg knows the streams' bit rates, its library, and with it decord, agrees
        with av.open(str(path)) as played:
            assert played.streams.best("video").width == size[0]


@pytest.mark.parametrize("suffix", ["mkv", "ts", "nut"])
def test_without_a_mark_the_larger_stream_is_read(tmp_path: Path, suffix: str) -> None:
    path = mux(tmp_path / f"two.{suffix}", (SMALL, 100, False), (LARGE, 200, False))
    assert (probe(path).width, probe(path).height) == LARGE
    assert [number_of(frame) for _, frame in iter_frames(probe(path), [0, 11])] == [200, 211]


def test_one_stream_is_nothing_to_mention(tmp_path: Path) -> None:
    assert probe(mux(tmp_path / "one.mkv", (SMALL, 0, False))).warnings == ()


def test_times_of_a_constant_rate_do_not_depend_on_the_files_ticks(tmp_path: Path, encode: object) -> None:
    """Matroska rounds to milliseconds: frame 5 at 30 fps stands at 0.167 s there."""
    path = encode.video(tmp_path / "thirty.mkv", 60, fps=30)  # type: ignore[attr-defined]
    assert np.array_equal(probe(path).times, np.arange(60) / 30)
    stamps = [33 * i + (40 if i > 20 else 0) for i in range(60)]  # a pause is no rounding
    paused = probe(encode.video(tmp_path / "paused.mkv", 60, fps=30, stamps=stamps))  # type: ignore[attr-defined]
    assert paused.times.tolist() == pytest.approx([stamp / 1000 for stamp in stamps])
