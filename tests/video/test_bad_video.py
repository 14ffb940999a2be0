"""Every way a file can be bad gets one clear error, and none is taken for a good one."""

from __future__ import annotations

import os
import re
import struct
import threading
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vqinsight.errors import UnreadableVideo
from vqinsight.video.read import iter_frames, probe


def refusal(path: Path, indices: list[int] | None = None) -> UnreadableVideo:
    """The error that reading ``path`` raises, checked to name the file and a remedy."""
    with pytest.raises(UnreadableVideo) as caught:
        info = probe(path)
        list(iter_frames(info, range(info.frames) if indices is None else indices))
    error = caught.value
    assert error.path == str(path)
    assert str(path) in str(error) and error.remedy in str(error) and error.reason
    assert len(str(error).splitlines()) == 1
    return error


def test_missing(tmp_path):
    assert "no such file" in refusal(tmp_path / "gone.mp4").reason


def test_missing_in_a_folder_that_is_a_file(tmp_path):
    (tmp_path / "file").touch()
    refusal(tmp_path / "file" / "a.mp4")


def test_a_name_that_is_too_long(tmp_path):
    refusal(tmp_path / ("a" * 300 + ".mp4"))


@pytest.mark.parametrize("name", ["a.mp4", "a.png", "a.gif", "a"])
def test_empty(tmp_path, name):
    (tmp_path / name).touch()
    assert "0 bytes" in refusal(tmp_path / name).reason


@pytest.mark.parametrize("name", ["a.mp4", "a.png", "a.srt", "a.txt", "a.mkv", "a.gif"])
@pytest.mark.parametrize(
    "content", [b"not a video\n" * 200, bytes(5000), bytes(range(256)) * 40], ids=["text", "zero", "ramp"]
)
def test_something_else(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    assert "not a video" in refusal(tmp_path / name).reason


def test_subtitles(tmp_path):
    (tmp_path / "a.srt").write_text("1\n00:00:01,000 --> 00:00:02,000\nHello\n\n" * 5)
    assert "no video" in refusal(tmp_path / "a.srt").reason


def test_a_playlist_reaches_nothing(encode, tmp_path):
    encode.video(tmp_path / "a.mp4", 5)
    (tmp_path / "list.m3u8").write_text("#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1:9/a.ts\n#EXT-X-ENDLIST\n")
    refusal(tmp_path / "list.m3u8")


@pytest.mark.parametrize("name", ["a.mp3", "a.m4a", "a.mkv"])
def test_sound_only(encode, tmp_path, name):
    assert refusal(encode.sound_only(tmp_path / name)).reason == "it holds sound but no video"


def test_sound_with_a_cover_picture(encode, tmp_path):
    Image.new("RGB", (32, 32), "red").save(tmp_path / "cover.png")
    picture = b"\0image/png\0\x03\0" + (tmp_path / "cover.png").read_bytes()
    tag = b"APIC" + struct.pack(">IH", len(picture), 0) + picture
    length = bytes(len(tag) >> shift & 0x7F for shift in (21, 14, 7, 0))
    path = encode.sound_only(tmp_path / "a.mp3")
    path.write_bytes(b"ID3\x03\0\0" + length + tag + path.read_bytes())
    assert refusal(path).reason == "it holds sound but no video"


def test_not_a_file(tmp_path):
    os.mkfifo(tmp_path / "pipe.mp4")
    assert "not a regular file" in refusal(tmp_path / "pipe.mp4").reason


@pytest.mark.parametrize("name", ["a.mp4", "a.png"])
def test_no_permission(encode, tmp_path, monkeypatch, name):
    (tmp_path / name).write_bytes(b"x" * 100)

    def refuse(*arguments, **options):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("PIL.Image.open", refuse)  # the test may run as root, whom nothing is denied
    assert "permission" in refusal(tmp_path / name).reason


CUT = [0.2, 0.5, 0.8, 0.93]
BUSY = np.random.default_rng(0).integers(0, 256, (100, 48, 64, 3), np.uint8)


@pytest.mark.parametrize("share", CUT)
@pytest.mark.parametrize("bframes", ["0", "3"])
def test_cut_mp4_with_its_index_in_front(encode, tmp_path, share, bframes):
    whole = encode.video(tmp_path / "a.mp4", BUSY, container={"movflags": "faststart"}, options={"bf": bframes})
    reason = refusal(encode.cut(whole, share), [0]).reason
    promised, held = map(int, re.findall(r"promises (\d+) frames, the file holds (\d+)", reason)[0])
    assert promised == 100
    assert abs(held - 100 * share) < 15


@pytest.mark.parametrize("share", [0.01, *CUT, 0.999])
def test_cut_mp4_with_its_index_behind(encode, tmp_path, share):
    whole = encode.video(tmp_path / "a.mp4", BUSY)
    refusal(encode.cut(whole, share))


@pytest.mark.parametrize("share", CUT)
@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("a.mkv", {}),
        ("sound.mkv", {"sound": True}),
        ("a.webm", {"codec": "libvpx-vp9", "options": {"deadline": "realtime", "cpu-used": "8"}}),
        ("a.flv", {"codec": "flv"}),
    ],
)
def test_cut_files_that_promise_a_length(encode, tmp_path, name, options, share):
    reason = refusal(encode.cut(encode.video(tmp_path / name, BUSY, **options), share), [0]).reason
    seconds, frames, held = re.findall(
        r"promises ([\d.]+) s, about (\d+) frames, the file holds [\d.]+ s, (\d+)", reason
    )[0]
    assert float(seconds) == pytest.approx(100 / 24, abs=0.05)
    assert abs(int(frames) - 100) <= 2
    assert abs(int(held) - 100 * share) < 20


@pytest.mark.parametrize("share", CUT)
@pytest.mark.parametrize("name", ["mpeg4.avi", "fragments.mp4", "a.gif", "a.apng", "a.webp"])
def test_cut_files_of_other_kinds(encode, tmp_path, name, share):
    path = tmp_path / name
    if name == "a.webp":
        images = [Image.fromarray(frame) for frame in BUSY[:20]]
        images[0].save(path, save_all=True, append_images=images[1:])
    else:
        options = {
            "mpeg4.avi": {"codec": "mpeg4"},
            "fragments.mp4": {"options": {"g": "50"}, "container": {"movflags": "frag_keyframe+empty_moov"}},
            "a.gif": {"codec": "gif", "pix_fmt": "rgb8"},
            "a.apng": {"codec": "apng", "pix_fmt": "rgb24"},
        }[name]
        encode.video(path, BUSY, **options)
    refusal(encode.cut(path, share), [0])


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "bmp", "tiff", "gif"])
def test_cut_images(tmp_path, suffix):
    path = tmp_path / f"a.{suffix}"
    Image.fromarray(BUSY[0]).save(path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    refusal(path)


def test_a_file_that_lacks_its_last_frame_is_read_with_a_warning(encode, tmp_path):
    whole = encode.video(tmp_path / "a.mp4", BUSY, container={"movflags": "faststart"}, options={"bf": "0"})
    info = probe(encode.cut(whole, 0.9999))
    assert info.frames == 99
    assert info.warnings[0] == "the header promises 100 frames, the file holds 99"
    assert len(list(iter_frames(info, range(99)))) == 99


def test_whole_files_are_not_taken_for_cut_ones(encode, tmp_path):
    # Sound that outlasts the pictures, a long last frame, and rubbish behind the end.
    encode.video(tmp_path / "slow.mkv", 10, stamps=[0, 40, 80, 120, 160, 200, 240, 280, 320, 9000])
    encode.video(tmp_path / "tail.mp4", 30)
    encode.video(tmp_path / "tail.gif", 30, codec="gif", pix_fmt="rgb8")
    for name in ("tail.mp4", "tail.gif"):
        (tmp_path / name).write_bytes((tmp_path / name).read_bytes() + b"\0rubbish" * 50)
    assert [probe(tmp_path / name).frames for name in ("slow.mkv", "tail.mp4", "tail.gif")] == [10, 30, 30]


def test_damage_in_the_middle_is_told_with_its_time(encode, tmp_path):
    path = encode.video(
        tmp_path / "a.mp4", BUSY[:96], container={"movflags": "faststart"}, options={"g": "24", "bf": "0"}
    )
    content = bytearray(path.read_bytes())
    start = int(len(content) * 0.55)
    content[start : start + 3000] = bytes(3000)
    path.write_bytes(content)
    info = probe(path)
    found = re.search(r"the frame at ([\d.]+) s \(number (\d+)\)", refusal(path).reason)
    assert found is not None
    number = int(found[2])
    assert 48 <= number <= 60
    assert float(found[1]) == pytest.approx(number / 24, abs=0.01)
    assert len(list(iter_frames(info, [0, 20, 40, 75, 95]))) == 5  # the other parts can still be looked at


def test_zeros_where_the_rest_should_be(encode, tmp_path):
    path = encode.video(tmp_path / "a.mp4", BUSY, container={"movflags": "faststart"}, options={"g": "10"})
    size = path.stat().st_size
    path.write_bytes(path.read_bytes()[: size // 2] + bytes(size - size // 2))
    refusal(path)


def test_folder_without_images(tmp_path):
    assert "holds no images" in refusal(tmp_path).reason


def test_folder_with_frames_of_several_sizes(tmp_path):
    Image.new("RGB", (32, 24)).save(tmp_path / "f1.png")
    Image.new("RGB", (24, 32)).save(tmp_path / "f2.png")
    assert "f1.png is 32x24, f2.png is 24x32" in refusal(tmp_path).reason


def test_folder_with_a_damaged_frame(tmp_path):
    for number in range(3):
        Image.fromarray(BUSY[number]).save(tmp_path / f"f{number}.png")
    (tmp_path / "f1.png").write_bytes((tmp_path / "f1.png").read_bytes()[:3000])
    assert "f1.png is damaged" in refusal(tmp_path).reason
    assert len(list(iter_frames(probe(tmp_path), [0, 2]))) == 2
    (tmp_path / "f1.png").write_bytes(b"text")
    assert "f1.png" in refusal(tmp_path).reason


@pytest.mark.parametrize("name", ["a.mp4", "a.png", "frames"])
def test_gone_between_probe_and_read(encode, tmp_path, name):
    path = tmp_path / name
    if name == "a.mp4":
        encode.video(path, 5)
    elif name == "a.png":
        Image.new("RGB", (8, 8)).save(path)
    else:
        path.mkdir()
        Image.new("RGB", (8, 8)).save(path / "f1.png")
    info = probe(path)
    (path.rename(tmp_path / "elsewhere"))
    with pytest.raises(UnreadableVideo) as caught:
        list(iter_frames(info, [0]))
    assert caught.value.path == str(path)


def test_nothing_is_printed(encode, tmp_path, capfd):
    whole = encode.video(tmp_path / "a.mp4", BUSY, container={"movflags": "faststart"})
    (tmp_path / "text.mp4").write_bytes(b"not a video\n" * 200)
    zeroed = tmp_path / "zero.mp4"
    zeroed.write_bytes(whole.read_bytes()[:9000] + bytes(whole.stat().st_size - 9000))
    capfd.readouterr()
    for path in (encode.cut(whole, 0.5), tmp_path / "text.mp4", zeroed):
        refusal(path)
    assert capfd.readouterr() == ("", "")


def test_bad_files_leave_no_threads_behind(encode, tmp_path):
    path = encode.cut(encode.video(tmp_path / "a.mp4", BUSY, container={"movflags": "faststart"}), 0.5)
    before = threading.active_count()
    for _ in range(5):
        refusal(path)
    assert threading.active_count() == before


@pytest.mark.parametrize("name", ["a.png", "a.apng"])
def test_flipped_bits_are_found_by_checksums(encode, tmp_path, name):
    path = tmp_path / name
    if name == "a.png":  # zlib itself finds most flips in noise
        y, x = np.mgrid[:120, :160]
        Image.fromarray(np.stack([x * y % 256, x + y, x], axis=-1).astype(np.uint8)).save(path)
    else:
        encode.video(path, BUSY[:6], codec="apng", pix_fmt="rgb24")
    whole = path.read_bytes()
    for share in np.linspace(0.1, 0.9, 30):
        changed = bytearray(whole)
        changed[int(len(whole) * share)] ^= 4
        path.write_bytes(changed)
        assert "damaged" in refusal(path).reason
