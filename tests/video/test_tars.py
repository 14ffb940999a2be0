"""Clips in tar files: which members are clips, what their prompts are, and what is never read."""

from __future__ import annotations

import io
import json
import os
import tarfile
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from vqinsight.errors import ModelError, UnreadableVideo
from vqinsight.settings.inference import InferenceSettings
from vqinsight.video import tars
from vqinsight.video.entries import entries
from vqinsight.video.inputs import expand_inputs
from vqinsight.video.patches import PixelSpec
from vqinsight.video.preprocess import preprocess_clip
from vqinsight.video.views import OverviewViews

SPEC = PixelSpec(14, 2, 2, (0.5,) * 3, (0.5,) * 3, 784, 784 * 16)


def tar(path: Path, members: dict[str, bytes], **kinds: bytes) -> Path:
    """Write a tar; ``kinds`` are types of members by name."""
    with tarfile.open(path, "w") as file:
        for name, content in members.items():
            add(file, name, content, kinds.get(name))
    return path


def add(file: tarfile.TarFile, name: str, content: bytes, kind: bytes | None = None) -> None:
    member = tarfile.TarInfo(name)
    member.size = 0 if kind else len(content)
    member.type, member.linkname = kind or tarfile.REGTYPE, "/etc/passwd" if kind else ""
    file.addfile(member, io.BytesIO(content))


def expand(*names: str) -> list[tuple[Any, str | None]]:
    return expand_inputs(names, None, repeated=True).clips


def named(clips: list[tuple[Any, str | None]]) -> list[tuple[str, str | None]]:
    return [
        (f"{clip.path}: {clip.reason}" if isinstance(clip, UnreadableVideo) else clip, text) for clip, text in clips
    ]


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_members_with_the_suffix_of_a_video_are_clips(here: Path) -> None:
    tar(
        here / "a.tar",
        {
            "0.mp4": b"0", "0.txt": b"\xef\xbb\xbf a dog \n", "0.json": b'{"caption": "not asked"}',
            "./x/1.part.MP4": b"1", "x/1.json": b'{"caption": "a cat", "fps": 8}',
            "2.json": b'{"prompt": "before its clip", "caption": "b"}', "2.webm": b"2",
            "3.gif": b"3", "4.mp4": b"4", "4.txt": b"  ", "4.json": b"[1]",
            "5.pyd": b"never", "5.mp4": b"5", "6.pickle": b"never", "6.PKL": b"never",
            "7.jpg": b"", "._8.mp4": b"", "9.txt": b"of no clip", "link.mp4": b"", "0.mp4.bak": b"",
        },
        **{"link.mp4": tarfile.SYMTYPE},
    )  # fmt: skip
    found = expand_inputs(["a.tar"], "default", repeated=True)
    assert found.clips == [
        ("a.tar/0.mp4", "a dog"), ("a.tar/x/1.part.MP4", "a cat"), ("a.tar/2.webm", "before its clip"),
        ("a.tar/3.gif", "default"), ("a.tar/4.mp4", "default"), ("a.tar/5.mp4", "default"),
    ]  # fmt: skip
    left_out = dict(found.left_out)
    assert {name for name, why in left_out.items() if why.startswith("pickled")} == {
        "a.tar/5.pyd", "a.tar/6.pickle", "a.tar/6.PKL",
    }  # fmt: skip
    assert left_out["a.tar/link.mp4"] == "not a regular file" and left_out["a.tar/._8.mp4"] == "hidden"
    assert {name for name, why in left_out.items() if why == "no video"} == {
        "a.tar/7.jpg", "a.tar/9.txt", "a.tar/0.mp4.bak",
    }  # fmt: skip


def test_what_is_wrong_with_a_member_is_that_members_row(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tars, "MOST_BYTES", 100)
    monkeypatch.setattr(tars, "MOST_TEXT", 100)
    members = {"../out.mp4": b"1", "/abs.mp4": b"2", "a/../../b.mp4": b"3", "ok.mp4": b"4", "big.mp4": b"5" * 101}
    members |= {"latin.mp4": b"6", "latin.txt": b"\xff", "broken.mp4": b"7", "broken.json": b"{", "long.mp4": b"8"}
    members |= {"long.txt": b"x" * 101, "number.mp4": b"9", "number.json": b'{"prompt": 3}'}
    with tarfile.open(tar(here / "a.tar", members), "a") as file:
        add(file, "./ok.mp4", b"another")
    said = dict(named(expand("a.tar")))
    assert set(said.values()) == {None} and "a.tar/ok.mp4" in said
    for expected in (
        "../out.mp4 in a.tar: its name leads out of the tar", "/abs.mp4 in a.tar: its name leads",
        "../b.mp4 in a.tar: its name leads", "a.tar/big.mp4: 101 bytes, and a clip in a tar has at most 100",
        "a.tar/latin.mp4: its prompt latin.txt cannot be read", "a.tar/broken.mp4: its prompt broken.json cannot be",
        "a.tar/long.mp4: its prompt long.txt cannot be read (101 bytes, and at most 100 are read)",
        "a.tar/number.mp4: its prompt number.json cannot be read (its prompt is no text)",
        "a.tar/ok.mp4: a second clip of that name",
    ):  # fmt: skip
        assert sum(name.startswith(expected) for name in said) == 1, expected
    assert len({entry.id for entry in entries(expand("a.tar"))}) == len(said)


def test_a_damaged_tar_is_named_and_what_is_before_counts(here: Path) -> None:
    members = {"0.mp4": b"0" * 700, "1.mp4": b"1" * 700, "2.mp4": b"2" * 700}
    whole = tar(here / "whole.tar", members).read_bytes()
    header = 512 + 1024  # of a member with its content

    def read(content: bytes) -> list[str]:
        (here / "b.tar").write_bytes(content)
        return [name for name, _ in named(expand("b.tar", "whole.tar"))]

    rest = [f"whole.tar/{number}.mp4" for number in range(3)]
    two, one = ["b.tar/0.mp4", "b.tar/1.mp4"], ["b.tar/0.mp4"]
    assert read(whole) == [*two, "b.tar/2.mp4", *rest]
    cut = "b.tar: cut off or damaged"
    assert read(whole[: 2 * header + 600]) == [*two, f"{cut} in '2.mp4', after 2 clips", *rest]
    assert read(whole[: 2 * header + 100]) == [*two, f"{cut} at byte 3,072, after 2 clips", *rest]
    assert read(whole[: 2 * header]) == [*two, f"{cut} at byte 3,072, after 2 clips", *rest]
    damaged = bytearray(whole)
    damaged[header + 5] ^= 255  # in the name of the second, which its checksum covers
    assert read(bytes(damaged)) == [*one, f"{cut} at byte 1,536, after 1 clips", *rest]
    for content, reason in (
        (b"", "no tar (empty file)"),
        (b"GIF89a" * 200, "no tar"),
        (b"\x1f\x8b" * 99, "a compressed"),
    ):
        first, *others = read(content)
        assert first.startswith(f"b.tar: {reason}") and others == rest
    assert named(expand("gone.tar"))[0][0] == "gone.tar: no such file"
    assert named(expand(tar(here / "none.tar", {"a.txt": b""}).name))[0][0] == "none.tar: no videos in it"
    os.mkfifo(here / "pipe.tar")
    assert named(expand("pipe.tar"))[0][0] == "pipe.tar: not a regular file"


def test_braces_and_globs_stand_for_several_tars(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in (0, 1, 3):
        tar(here / f"s-{number:03}.tar", {"a.mp4": b"a"})
    pytest.importorskip("braceexpand", reason="the extra webdataset is not installed")
    found = [name for name, _ in named(expand("s-{000..003}.tar"))]
    assert found == ["s-000.tar/a.mp4", "s-001.tar/a.mp4", "s-002.tar: no such file", "s-003.tar/a.mp4"]
    assert [name for name, _ in named(expand("s-*.tar"))] == [found[0], found[1], found[3]]
    tar(here / "s-{0..1}.tar", {"b.mp4": b"b"})
    assert named(expand("s-{0..1}.tar")) == [("s-{0..1}.tar/b.mp4", None)]  # a file of that name
    monkeypatch.setitem(__import__("sys").modules, "braceexpand", None)
    with pytest.raises(ModelError, match=r"pip install 'vqinsight\[webdataset\]'"):
        expand("s-{000..003}.tar")
    (here / "ran").unlink(missing_ok=True)
    assert named(expand("pipe:touch ran; cat s-000.tar"))[0][0].endswith("no such file") and not Path("ran").exists()


def test_a_clip_in_a_tar_is_that_clip(here: Path, encode: ModuleType) -> None:
    clip = encode.video(here / "plain.mp4", 24)
    content = clip.read_bytes()
    tar(here / "a.tar", {"x/0.mp4": content, "1.mp4": b"no video", "2.mp4": content[: len(content) // 2]})

    def load(path: str) -> Any:
        return preprocess_clip(path, InferenceSettings(), SPEC, OverviewViews())

    found, plain = load("a.tar/x/0.mp4"), load("plain.mp4")
    assert found.path == "a.tar/x/0.mp4" and found.input == plain.input
    assert all(np.array_equal(a.patches, b.patches) for a, b in zip(found.views, plain.views, strict=True))
    for name in ("a.tar/1.mp4", "a.tar/2.mp4", "a.tar/none.mp4"):
        with pytest.raises(UnreadableVideo) as error:
            load(name)
        assert error.value.path == name and str(error.value).startswith(f"{name}: ") and "/tmp/" not in str(error.value)
    (here / "list.csv").write_text(f"path\n{here}/a.tar/x/0.mp4\na.tar/x/0.mp4\n")
    assert [clip for clip, _ in expand("list.csv")] == [f"{here}/a.tar/x/0.mp4", "a.tar/x/0.mp4"]
    first, second = entries([("a.tar/x/0.mp4", None), ("a.tar/1.mp4", None)])
    assert first.revision == second.revision and first.id != second.id
    os.utime(here / "a.tar", ns=(1, 1))
    (again,) = entries([("a.tar/x/0.mp4", None)])
    assert again.id == first.id and again.revision != first.revision
    assert json.dumps(found.input.rule)
