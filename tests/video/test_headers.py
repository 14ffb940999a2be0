"""A header whose numbers contradict each other is found."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import pytest

from vqinsight.errors import UnreadableVideo
from vqinsight.video.mp4 import contradictions
from vqinsight.video.read import probe

# Box, bytes from its name to the number, the new number, and what is said of it. The clip has 24 frames of 512 ticks,
# 12,288 of them a second.
NUMBERS = [
    ("mdhd", 16, 0, "a time scale is 0"),
    ("mdhd", 16, 1228, "its edit list leaves out 21 of its 24 frames"),
    ("mdhd", 16, 24576, "it holds 0.5208 s, and 1 s from 0.04167 s"),
    ("mdhd", 20, 24576, "its frames last 1 s, its track 2 s"),
    ("mvhd", 20, 100, "its track lasts 1 s, the whole file 0.1 s"),
    ("tkhd", 24, 400, "its edits last 1 s, its track 0.4 s"),
    ("elst", 12, 300, "its edits last 0.3 s, its track 1 s"),
    ("elst", 16, 9000, "from 0.7324 s on are shown"),
    ("stts", 12, 21, "it has 24 frames, and times of 21"),
    ("stts", 16, 256, "its frames last 0.5 s, its track 1.042 s"),
    ("ctts", 12, 3, "and times of"),
    ("ctts", 16, 9000, "shown at uneven ones"),
    ("stsz", 16, 0, "first frame is damaged"),
    ("stsz", 44, 0, "it has frames of 0 bytes"),
    ("stsz", 40, 20000, "lie behind the end of the file"),
    ("stsc", 16, 7, "its chunks do not hold its frames"),
    ("stco", 12, 1 << 20, "no frame that can be shown"),
]


def write(encode: Any, path: Path, **options: Any) -> Path:
    return encode.video(path, 24, options={"g": "12", "bf": "2"}, **options)


def change(path: Path, box: str, at: int, value: int) -> None:
    content = bytearray(path.read_bytes())
    struct.pack_into(">I", content, content.rindex(box.encode()) + at, value)
    path.write_bytes(content)


@pytest.mark.parametrize(("box", "at", "value", "said"), NUMBERS)
def test_one_number_changed(encode: Any, tmp_path: Path, box: str, at: int, value: int, said: str) -> None:
    path = write(encode, tmp_path / "a.mp4")
    before = probe(path)
    change(path, box, at, value)
    try:
        info = probe(path)
    except UnreadableVideo as error:
        assert said in error.reason
    else:
        assert said in "; ".join(info.warnings)
        assert before.warnings == ()


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("a.mp4", {}),
        ("a.mov", {}),
        ("sound.mp4", {"sound": True}),
        ("front.mp4", {"container": {"movflags": "faststart"}}),
        ("fragments.mp4", {"container": {"movflags": "frag_keyframe+empty_moov"}}),
        ("times.mp4", {"stamps": [40 * number + (700 if number > 12 else 0) for number in range(24)]}),
        ("a.mkv", {}),
    ],
)
def test_sound_headers(encode: Any, tmp_path: Path, name: str, options: dict[str, Any]) -> None:
    path = write(encode, tmp_path / name, **options)
    assert contradictions(str(path)) == []
    assert probe(path).warnings == ()


def test_lost_frames_are_an_error(shared: Path) -> None:
    with pytest.raises(UnreadableVideo, match=r"a time scale is 0.*1 of its 81 frames"):
        probe(shared / "cases" / "timescale0.mp4")


def test_shared_clips_do_not_contradict_themselves(shared: Path) -> None:
    for path in sorted((shared / "clips").rglob("*.mp4")):
        assert contradictions(str(path)) == [], path
