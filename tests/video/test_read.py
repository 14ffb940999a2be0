"""Exactly the frames asked for come back, in the right colours and the right way up."""

from __future__ import annotations

import csv
from pathlib import Path

import av
import numpy as np
import pytest

from vqinsight.errors import UnreadableVideo
from vqinsight.video import decode
from vqinsight.video.read import iter_frames, probe

FORMATS = {
    "b-frames.mp4": {"options": {"g": "12", "bf": "3"}},
    "one-gop.mp4": {"options": {"g": "1000", "bf": "2"}},
    "open-gop.mp4": {"options": {"x264-params": "open-gop=1:keyint=12:bframes=3"}},
    "refresh.mp4": {"options": {"x264-params": "intra-refresh=1:keyint=12:bframes=0"}},
    "fragments.mp4": {"options": {"g": "12"}, "container": {"movflags": "frag_keyframe+empty_moov"}},
    "hevc.mp4": {"codec": "libx265", "options": {"x265-params": "log-level=none:keyint=12:open-gop=1"}},
    "ten-bit.mp4": {"pix_fmt": "yuv420p10le"},
    "prores.mov": {"codec": "prores_ks", "pix_fmt": "yuv422p10le"},
    "h264.mkv": {"options": {"g": "12"}},
    "ffv1.mkv": {"codec": "ffv1", "pix_fmt": "yuv444p"},
    "gray.mkv": {"codec": "ffv1", "pix_fmt": "gray"},
    "vp9.webm": {"codec": "libvpx-vp9", "options": {"g": "12", "deadline": "realtime", "cpu-used": "8"}},
    "vp8.webm": {"codec": "libvpx", "options": {"auto-alt-ref": "1", "lag-in-frames": "25", "b": "200k"}},
    "h264.ts": {"options": {"g": "12"}},
    "mpeg4.avi": {"codec": "mpeg4", "options": {"bf": "2", "g": "12"}},
    "h264.avi": {"options": {"bf": "2", "g": "12"}},
    "mjpeg.avi": {"codec": "mjpeg", "pix_fmt": "yuvj420p"},
    "flash.flv": {"codec": "flv"},
    "palette.gif": {"codec": "gif", "pix_fmt": "rgb8"},
    "animated.apng": {"codec": "apng", "pix_fmt": "rgba"},
    "bare.h264": {"options": {"g": "12"}, "layout": "h264"},
}


def read(path: Path, indices: list[int]) -> dict[int, np.ndarray]:
    return dict(iter_frames(probe(path), indices))


@pytest.mark.parametrize("name", FORMATS)
def test_frames_are_the_ones_asked_for(encode, tmp_path, name):
    path = encode.video(tmp_path / name, 50, **FORMATS[name])
    info = probe(path)
    assert (info.frames, info.width, info.height, info.kind) == (50, 64, 48, "video")
    assert len(info.times) == 50 and info.times[0] == 0
    for wanted in ([0], [49], [3, 4, 11, 12, 13, 40], list(range(50))):
        frames = list(iter_frames(info, wanted))
        assert [index for index, _ in frames] == wanted
        assert [encode.number_of(frame) for _, frame in frames] == wanted
        assert all(frame.shape == (48, 64, 3) and frame.dtype == np.uint8 for _, frame in frames)


@pytest.mark.parametrize("name", ["b-frames.mp4", "h264.mkv", "vp9.webm", "mpeg4.avi", "h264.ts", "fragments.mp4"])
def test_rate_and_times(encode, tmp_path, name):
    info = probe(encode.video(tmp_path / name, 48, **FORMATS[name]))
    assert info.fps == pytest.approx(24, rel=0.001)
    assert info.duration == pytest.approx(2, abs=0.05)
    assert info.times == pytest.approx(np.arange(48) / 24, abs=0.001)
    assert info.warnings == ()


def test_repeated_and_unordered_indices_are_read_once_in_order(encode, tmp_path):
    info = probe(encode.video(tmp_path / "a.mp4", 20))
    assert [index for index, _ in iter_frames(info, [7, 3, 7, 3, 0])] == [0, 3, 7]
    assert list(iter_frames(info, [])) == []


@pytest.mark.parametrize("index", [-1, 20])
def test_index_outside_the_clip(encode, tmp_path, index):
    info = probe(encode.video(tmp_path / "a.mp4", 20))
    with pytest.raises(IndexError, match="frames 0 to 19"):
        iter_frames(info, [index])


def test_only_the_needed_packets_are_decoded(encode, tmp_path, monkeypatch):
    info = probe(encode.video(tmp_path / "a.mp4", 200, options={"g": "20", "bf": "2"}))
    decoded, converted = [], []
    pictures = decode.pictures

    def counting(*arguments, **options):
        for frame in pictures(*arguments, **options):
            decoded.append(frame.pts)
            yield frame

    monkeypatch.setattr(decode, "pictures", counting)
    monkeypatch.setattr(decode, "_rgb", lambda *arguments: converted.append(arguments[-1]))
    list(iter_frames(info, [5, 105, 185]))
    assert converted == [5, 105, 185]  # nothing else became RGB
    assert len(decoded) <= 3 * 10  # each run begins at its own keyframe and stops at its frame


@pytest.mark.parametrize(("size", "pix_fmt"), [((35, 27), "yuv444p"), ((35, 27), "yuv420p"), ((127, 33), "yuv444p")])
def test_odd_sizes(encode, tmp_path, size, pix_fmt):
    info = probe(encode.video(tmp_path / "a.mkv", 10, codec="ffv1", pix_fmt=pix_fmt, size=size))
    assert (info.width, info.height) == size
    for index, frame in iter_frames(info, [0, 9]):
        assert frame.shape == (size[1], size[0], 3)
        assert encode.number_of(frame) == index


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv"])
def test_variable_rate_keeps_the_real_times(encode, tmp_path, name):
    stamps = [0, 40, 80, 120, 1000, 1040, 3000, 3500]
    info = probe(encode.video(tmp_path / name, 8, stamps=stamps))
    assert info.times == pytest.approx(np.array(stamps) / 1000, abs=0.001)
    assert info.fps == pytest.approx(8 / info.duration, rel=0.02)
    assert [encode.number_of(frame) for _, frame in iter_frames(info, [3, 4, 7])] == [3, 4, 7]


def test_first_time_is_zero_wherever_the_stamps_start(encode, tmp_path):
    info = probe(encode.video(tmp_path / "a.mkv", 5, stamps=[5000, 5100, 5200, 5300, 5400]))
    assert info.times == pytest.approx([0, 0.1, 0.2, 0.3, 0.4])


TURNS = {  # matrix (a, b, c, d): what numpy does to the stored picture
    (0, 1, -1, 0): lambda frame: np.rot90(frame, -1),  # a phone held upright: a quarter turn clockwise
    (-1, 0, 0, -1): lambda frame: np.rot90(frame, 2),
    (0, -1, 1, 0): lambda frame: np.rot90(frame, 1),
    (-1, 0, 0, 1): lambda frame: frame[:, ::-1],
    (0, 1, 1, 0): lambda frame: frame.swapaxes(0, 1),
}


@pytest.mark.parametrize("matrix", TURNS)
def test_rotation_is_applied(encode, tmp_path, matrix):
    picture = np.zeros((48, 64, 3), np.uint8)
    picture[:20, :30] = 200
    picture[30:, 50:] = 100
    path = encode.turn(encode.video(tmp_path / "a.mp4", [picture] * 3), matrix)
    info = probe(path)
    expected = TURNS[matrix](picture)
    assert (info.height, info.width) == expected.shape[:2]
    ((_, frame),) = iter_frames(info, [2])
    assert frame.shape == expected.shape
    assert np.abs(frame.astype(int) - expected).mean() < 4


@pytest.mark.parametrize(("tag", "name"), [(1, "ITU709"), (5, "ITU601")])
def test_tagged_colours(tmp_path, tag, name):
    colour = np.array([200, 40, 90], np.uint8)
    with av.open(str(tmp_path / "a.mkv"), "w") as output:
        stream = output.add_stream("ffv1", rate=24)
        stream.width, stream.height, stream.pix_fmt = 32, 32, "yuv444p"
        stream.codec_context.colorspace = tag
        frame = av.VideoFrame.from_ndarray(np.tile(colour, (32, 32, 1)), format="rgb24")
        frame = frame.reformat(format="yuv444p", dst_colorspace=name)
        output.mux(stream.encode(frame))
        output.mux(stream.encode())
    ((_, pixels),) = iter_frames(probe(tmp_path / "a.mkv"), [0])
    assert np.abs(pixels.astype(int) - colour).max() <= 3


def test_what_is_not_corrected_is_said(encode, tmp_path):
    options = {"x264-params": "transfer=smpte2084:sar=16/11"}
    encode.video(tmp_path / "a.mkv", 3, options=options, pix_fmt="yuv420p10le")
    assert probe(tmp_path / "a.mkv").warnings == (
        "PQ high dynamic range is tone-mapped to BT.709",
        "its pixels are 16:11, not square; frames are not stretched",
    )


@pytest.mark.parametrize("count", [1, 2, 5])
@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.gif", "a.h264"])
def test_shortest_clips(encode, tmp_path, name, count):
    extra = {"codec": "gif", "pix_fmt": "rgb8"} if name.endswith("gif") else {}
    layout = "h264" if name.endswith("h264") else None
    info = probe(encode.video(tmp_path / name, count, layout=layout, **extra))
    assert info.frames == count
    assert info.fps > 0 or info.kind == "image"  # a gif of one frame is a picture
    assert [encode.number_of(frame) for _, frame in iter_frames(info, range(count))] == list(range(count))


def test_no_rate_and_no_stamps(encode, tmp_path):
    info = probe(encode.video(tmp_path / "a.h264", 30, layout="h264"))
    assert info.frames == 30 and info.fps > 0
    assert any("no usable time stamps; assumed" in warning for warning in info.warnings)
    assert info.times == pytest.approx(np.arange(30) / info.fps)


def test_all_frames_at_the_same_moment(encode, tmp_path):
    with av.open(str(tmp_path / "a.mkv"), "w") as output:
        stream = output.add_stream("ffv1", rate=24)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv444p"
        for number in range(6):
            for packet in stream.encode(av.VideoFrame.from_ndarray(encode.numbered(number), format="rgb24")):
                packet.pts = packet.dts = 0
                output.mux(packet)
    info = probe(tmp_path / "a.mkv")
    assert info.frames == 6 and info.fps > 0
    assert np.all(np.diff(info.times) > 0)
    assert [encode.number_of(frame) for _, frame in iter_frames(info, [0, 5])] == [0, 5]


def test_zero_rate_in_the_header(encode, tmp_path):
    path = encode.video(tmp_path / "a.mp4", 10, options={"bf": "0"})
    content = bytearray(path.read_bytes())
    at = content.index(b"stts") + 4 + 4 + 4 + 4  # version, entries, count; then the ticks between frames
    content[at : at + 4] = bytes(4)
    path.write_bytes(content)
    info = probe(path)
    assert info.frames == 10 and 0 < info.fps <= 1000 and info.duration > 0
    assert np.all(np.diff(info.times) > 0)
    assert [encode.number_of(frame) for _, frame in iter_frames(info, [0, 9])] == [0, 9]


def test_an_edit_list_hides_frames(encode, tmp_path):
    path = encode.video(tmp_path / "a.mp4", 48, options={"g": "12"})
    content = bytearray(path.read_bytes())
    at = content.index(b"elst") + 4 + 8
    start = int.from_bytes(content[at + 4 : at + 8])
    content[at : at + 4] = (1000).to_bytes(4)  # one second out of two,
    content[at + 4 : at + 8] = (start + 6 * 512).to_bytes(4)  # from the seventh frame on
    path.write_bytes(content)
    with pytest.raises(UnreadableVideo, match=r"its edits last 1 s, its track 2 s.*24 of its 48 frames"):
        probe(path)
    at = content.index(b"tkhd") + 4 + 20
    content[at : at + 4] = (1000).to_bytes(4)
    path.write_bytes(content)
    info = probe(path)
    assert info.frames == 24 and info.warnings == ("its edit list leaves out 24 of its 48 frames",)
    assert [encode.number_of(frame) for _, frame in iter_frames(info, [0, 23])] == [6, 29]


def test_first_video_stream_counts(encode, tmp_path):
    with av.open(str(tmp_path / "a.mkv"), "w") as output:
        streams = [output.add_stream("ffv1", rate=24) for _ in range(2)]
        for stream, width in zip(streams, (64, 32), strict=True):
            stream.width, stream.height, stream.pix_fmt = width, 48, "yuv444p"
        for number in range(6):
            for stream in streams:
                picture = encode.numbered(number, stream.width)
                output.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
    info = probe(tmp_path / "a.mkv")
    assert (info.frames, info.width) == (6, 64)


def test_sound_beside_the_video(encode, tmp_path):
    info = probe(encode.video(tmp_path / "a.mkv", 24, sound=True))
    assert info.frames == 24 and info.warnings == ()


def test_frame_size_that_changes(encode, tmp_path):
    parts = [encode.video(tmp_path / f"{w}.h264", 5, size=(w, 48), layout="h264").read_bytes() for w in (64, 96)]
    (tmp_path / "a.h264").write_bytes(b"".join(parts))
    with pytest.raises(UnreadableVideo, match="size changes from 64x48 to 96x48"):
        read(tmp_path / "a.h264", list(range(10)))


def test_names_that_look_like_something_else(encode, tmp_path):
    for name in ("a:b.mp4", "frame%03d.mp4", "ünï cødé 视频.mp4", "-x.mp4", "http:x.mp4"):
        path = encode.video(tmp_path / "plain.mp4", 5).rename(tmp_path / name)
        assert probe(path).frames == 5


def test_shared_clips_are_what_their_list_says(shared):
    with (shared / "clips" / "manifest.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 25
    for row in rows:
        info = probe(shared / "clips" / row["file"])
        if row["file"] == "plain/torchcodec_nasa_13013.mp4":  # the list has the first of its two streams
            assert (info.frames, info.width, info.height, info.fps) == (390, 480, 270, 30000 / 1001)
            assert "480x270" in info.warnings[0]
            continue
        assert (info.frames, info.width, info.height) == (int(row["frames"]), int(row["width"]), int(row["height"]))
        assert info.codec == row["codec"]
        assert all("not square" in warning for warning in info.warnings)
        if row["fps"]:
            assert info.fps == pytest.approx(float(row["fps"]), abs=0.01)
            assert info.duration == pytest.approx(float(row["seconds"]), abs=0.01)


def test_chosen_frames_equal_those_of_a_full_decode(shared):
    path = shared / "clips" / "plain" / "decord_flipping_a_pancake.mkv"
    with av.open(str(path)) as container:
        every = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    for index, frame in iter_frames(probe(path), [0, 100, 101, 250, 309]):
        assert np.array_equal(frame, every[index])


def test_a_stream_that_starts_between_keyframes(encode, tmp_path):
    path = encode.video(tmp_path / "a.ts", 60, options={"g": "20", "bf": "2"})
    content = path.read_bytes()
    path.write_bytes(content[len(content) // 4 // 188 * 188 :])
    info = probe(path)
    assert any("starts in mid-stream" in warning for warning in info.warnings)
    shown = [encode.number_of(frame) for _, frame in iter_frames(info, range(info.frames))]
    assert shown == list(range(20, 60))
