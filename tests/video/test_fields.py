"""Interlaced video is deinterlaced: each frame is the picture at the time of its first field."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from av.filter import Graph

from vqinsight.video.fields import INTERLACED
from vqinsight.video.read import iter_frames, probe

WIDTH, HEIGHT, STEP, FRAMES = 96, 64, 2, 12
GRID = np.mgrid[:HEIGHT, : WIDTH + 2 * STEP * FRAMES + STEP]
BOARD = 128 + 50 * np.sin(GRID[1] / 4) + 40 * np.sin(GRID[0] / 6 + GRID[1] / 9)


def moment(number: int) -> np.ndarray:
    """The scene at field ``number``: uint8 (HEIGHT, WIDTH)."""
    return BOARD[:, STEP * number : STEP * number + WIDTH].astype(np.uint8)


def woven(top_first: bool, frames: int = FRAMES) -> list[np.ndarray]:
    """Frames of two fields, which are the scene at two times."""
    found = []
    for number in range(frames):
        first, second = moment(2 * number), moment(2 * number + 1)
        picture = first.copy()
        picture[int(top_first) :: 2] = second[int(top_first) :: 2]
        found.append(np.repeat(picture[..., None], 3, axis=2))
    return found


def write(path: Path, top_first: bool, codec: str = "libx264", frames: list[np.ndarray] | None = None) -> Path:
    """A video whose frames are flagged as interlaced, in that order of fields."""
    graph = Graph()
    source = graph.add_buffer(width=WIDTH, height=HEIGHT, format="rgb24", time_base=Fraction(1, 24))
    flags = graph.add("setfield", "tff" if top_first else "bff")
    graph.link_nodes(source, flags, graph.add("format", "yuv420p"), graph.add("buffersink")).configure()
    options = {"g": "6", "qscale": "1", "flags": "+ildct+ilme"}
    if codec == "libx264":
        options = {"x264-params": "interlaced=1", "g": "6", "qp": "8"}
    with av.open(str(path), "w") as output:
        stream = output.add_stream(codec, rate=24, options=options)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.codec_context.thread_count = 1
        for number, picture in enumerate(frames or woven(top_first)):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, 24)
            source.push(frame)
            output.mux(stream.encode(graph.vpull()))
        output.mux(stream.encode())
    return path


def apart(frame: np.ndarray, number: int) -> float:
    """Mean difference from the scene at field ``number``."""
    return float(np.abs(frame[..., 1].astype(int) - moment(number))[2:-2].mean())


@pytest.mark.parametrize("top_first", [True, False], ids=["tff", "bff"])
@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.ts"])
def test_each_frame_is_the_picture_of_its_first_field(tmp_path: Path, name: str, top_first: bool) -> None:
    info = probe(write(tmp_path / name, top_first))
    assert (info.frames, info.interlaced, INTERLACED in info.warnings) == (FRAMES, True, True)
    assert info.times == pytest.approx(np.arange(FRAMES) / 24, abs=0.001)
    for index, frame in iter_frames(info, range(FRAMES)):
        assert apart(frame, 2 * index) < 4, index
        assert apart(frame, 2 * index) < 0.5 * apart(frame, 2 * index + 1), index
        assert apart(woven(top_first)[index], 2 * index) > 6  # what it would be without deinterlacing


def test_a_frame_does_not_depend_on_the_others_that_are_read(tmp_path: Path) -> None:
    info = probe(write(tmp_path / "a.mp4", True))
    every = dict(iter_frames(info, range(FRAMES)))
    for wanted in ([0], [5], [6], [FRAMES - 1], [2, 7, 8]):
        for index, frame in iter_frames(info, wanted):
            assert np.array_equal(frame, every[index]), index


def test_a_still_scene_keeps_its_detail(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(90, 160, (HEIGHT, WIDTH, 1), np.uint8).repeat(3, axis=2)
    path = write(tmp_path / "a.mp4", True, frames=[noise] * 6)
    assert probe(path).interlaced
    for index, frame in iter_frames(probe(path), [1, 3]):
        assert np.abs(frame[..., 1].astype(int) - noise[..., 0])[4:-4].mean() < 3, index


def test_interlaced_frames_among_others_are_noticed(encode: Any, tmp_path: Path) -> None:
    plain = [np.repeat(moment(0)[..., None], 3, axis=2)] * 6
    first = encode.video(tmp_path / "a.ts", plain, size=(WIDTH, HEIGHT), codec="mpeg2video", options={"qscale": "1"})
    second = write(tmp_path / "b.ts", True, "mpeg2video")
    path = tmp_path / "both.mkv"
    with av.open(str(path), "w") as output:
        stream, shift = None, 0
        for source in (first, second):
            with av.open(str(source)) as given:
                video = given.streams.video[0]
                stream = stream or output.add_stream_from_template(video)
                for packet in given.demux(video):
                    if packet.size:
                        start = video.start_time
                        packet.pts, packet.dts = packet.pts - start + shift, packet.dts - start + shift
                        packet.stream = stream
                        output.mux(packet)
            shift += 6 * 3750
    info = probe(path)
    assert not info.interlaced and INTERLACED not in info.warnings
    frames = dict(iter_frames(info, range(info.frames)))
    assert INTERLACED in info.noticed
    assert apart(frames[9], 6) < 4


def test_the_shared_case(shared: Path) -> None:
    path = shared / "cases" / "interlaced.mp4"
    info = probe(path)
    assert info.frames == 24 and INTERLACED in info.warnings
    with av.open(str(path)) as container:
        raw = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]

    def combing(frame: np.ndarray) -> float:
        """How much more neighbouring lines differ than lines of one field."""
        lines = frame.astype(int)
        return float(np.abs(lines[1:] - lines[:-1]).mean() / np.abs(lines[2:] - lines[:-2]).mean())

    read = dict(iter_frames(info, [3, 12, 20]))
    assert all(combing(frame) < 0.9 * combing(raw[index]) for index, frame in read.items())
