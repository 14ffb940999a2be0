"""From what the user names to a list of clips."""

from __future__ import annotations

from pathlib import Path

import pytest

from vqinsight.errors import UsageError
from vqinsight.video.inputs import expand_inputs


@pytest.fixture
def tree(tmp_path, monkeypatch) -> Path:
    """Files are known by their names here; none is opened."""
    for name in [
        "a.mp4",
        "b.MKV",
        "notes.txt",
        "clips/clip10.mp4",
        "clips/clip2.mp4",
        "clips/readme.md",
        "clips/.hidden.mp4",
        "clips/more/x.gif",
        "frames/f10.png",
        "frames/f2.png",
        "mixed/a.png",
        "mixed/b.mp4",
        "empty/readme.md",
        "odd[1].mp4",
    ]:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def paths(*arguments: str) -> list[str]:
    return [path for path, _ in expand_inputs(arguments, None)]


def test_files_keep_their_order_and_prompt(tree):
    assert expand_inputs(["b.MKV", "a.mp4"], "a cat") == [("b.MKV", "a cat"), ("a.mp4", "a cat")]


def test_a_missing_file_is_kept_to_be_listed_later(tree):
    assert paths("gone.mp4", "a.mp4") == ["gone.mp4", "a.mp4"]


def test_duplicates_are_kept_once(tree):
    assert paths("a.mp4", "./a.mp4", "a.mp4", str(tree / "a.mp4"), "*.mp4") == ["a.mp4", "odd[1].mp4"]


def test_folders(tree):
    assert paths("frames") == ["frames"]
    assert paths("clips") == ["clips/clip2.mp4", "clips/clip10.mp4"]
    assert paths("mixed") == ["mixed/a.png", "mixed/b.mp4"]
    assert paths("empty") == ["empty"]


def test_globs(tree):
    assert paths("clips/*.mp4") == ["clips/clip2.mp4", "clips/clip10.mp4"]
    assert paths("clips/*") == ["clips/clip2.mp4", "clips/clip10.mp4", "clips/more/x.gif"]
    assert paths("clips/**/*.gif") == ["clips/more/x.gif"]
    assert paths("*.txt") == ["notes.txt"]  # asked for by its suffix
    assert paths(str(tree / "clips" / "clip?.mp4")) == [str(tree / "clips" / "clip2.mp4")]
    assert paths("frames/*.png") == ["frames/f2.png", "frames/f10.png"]
    assert "frames/f2.png" not in paths("**/*") and "frames" in paths("**/*")


def test_a_name_that_exists_is_no_glob(tree):
    assert paths("odd[1].mp4") == ["odd[1].mp4"]


@pytest.mark.parametrize(
    ("pattern", "said"), [("*.webm", "nothing"), ("clips/r*", "no videos or images"), ("emp*", "no videos")]
)
def test_a_glob_without_clips(tree, pattern, said):
    with pytest.raises(UsageError, match=said):
        paths(pattern)


def test_no_arguments():
    with pytest.raises(UsageError, match="No clips"):
        expand_inputs([], None)


def test_list(tree):
    (tree / "lists").mkdir()
    (tree / "lists" / "list.csv").write_bytes(
        '\ufeffid, Path ,prompt\r\n1, ../a.mp4 ,"a cat, sleeping"\r\n\r\n2,"../odd[1].mp4",\r\n3,frames\r\n'.encode()
        + f"4,{tree / 'b.MKV'},  spaces  \r\n".encode()
    )
    assert expand_inputs(["lists/list.csv"], "default") == [
        ("lists/../a.mp4", "a cat, sleeping"),
        ("lists/../odd[1].mp4", "default"),
        ("lists/frames", "default"),
        (str(tree / "b.MKV"), "spaces"),
    ]


def test_one_file_with_two_prompts_is_two_clips(tree):
    (tree / "list.csv").write_text("path,prompt\na.mp4,one\na.mp4,two\na.mp4,one\n")
    assert expand_inputs(["list.csv"], None) == [("a.mp4", "one"), ("a.mp4", "two")]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"file,prompt\na.mp4,x\n", "no column 'path'; it has: file, prompt"),
        (b"", "it has: none"),
        (b"path;prompt\na.mp4;x\n", "it has: path;prompt"),
        (b"path,prompt\n", "names no clips"),
        (b"path,prompt\n,x\n", "no path in row 2"),
        (b"path\n\xff\xfe\n", "UTF-8"),
    ],
)
def test_lists_that_cannot_be_used(tree, content, said):
    (tree / "list.csv").write_bytes(content)
    with pytest.raises(UsageError, match=said):
        paths("list.csv")


def test_a_missing_list(tree):
    with pytest.raises(UsageError, match=r"gone\.csv cannot be read"):
        paths("gone.csv")
