"""From what the user names to a list of clips."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from vqinsight.errors import UnreadableVideo, UsageError
from vqinsight.video.inputs import expand_inputs
from vqinsight.video.lists import read_pair_list
from vqinsight.video.read import probe


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
    return [str(path) for path, _ in expand_inputs(arguments, None).clips]


def test_files_keep_their_order_and_prompt(tree):
    assert expand_inputs(["b.MKV", "a.mp4"], "a cat").clips == [("b.MKV", "a cat"), ("a.mp4", "a cat")]


def test_a_missing_file_is_kept_to_be_listed_later(tree):
    assert paths("gone.mp4", "a.mp4") == ["gone.mp4", "a.mp4"]


def test_duplicates_are_kept_once(tree):
    assert paths("a.mp4", "./a.mp4", "a.mp4", str(tree / "a.mp4"), "*.mp4") == ["a.mp4", "odd[1].mp4"]


def test_folders(tree):
    assert paths("frames") == ["frames"]
    assert paths("clips") == ["clips/clip2.mp4", "clips/clip10.mp4", "clips/more/x.gif"]
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
    (tree / "lists" / "frames").mkdir(parents=True)
    (tree / "lists" / "list.csv").write_bytes(
        '\ufeffid, Path ,prompt\r\n1, ../a.mp4 ,"a cat, sleeping"\r\n\r\n2,"../odd[1].mp4",\r\n3,frames\r\n'.encode()
        + f"4,{tree / 'b.MKV'},  spaces  \r\n".encode()
    )
    assert expand_inputs(["lists/list.csv"], "default").clips == [
        ("lists/../a.mp4", "a cat, sleeping"),
        ("lists/../odd[1].mp4", "default"),
        ("lists/frames", "default"),
        (str(tree / "b.MKV"), "spaces"),
    ]


def test_one_file_with_two_prompts_is_two_clips(tree):
    (tree / "list.csv").write_text("path,prompt\na.mp4,one\na.mp4,two\na.mp4,one\n")
    assert expand_inputs(["list.csv"], None).clips == [("a.mp4", "one"), ("a.mp4", "two")]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"file,prompt\na.mp4,x\n", "no column 'path'; it has: file, prompt"),
        (b"", "it has: none"),
        (b"path;prompt\na.mp4;x\n", "it has: path;prompt"),
        (b"path,prompt\n", "names no clips"),
        (b"path\n\xff\xfe\n", "UTF-8"),
    ],
)
def test_lists_that_cannot_be_used(tree, content, said):
    (tree / "list.csv").write_bytes(content)
    with pytest.raises(UsageError, match=said):
        paths("list.csv")


def test_json_lines_and_parquet_are_lists(tree):
    rows = [
        {"Video": "a.mp4", "prompt": " a cat ", "score": 3},
        {"video": "b.MKV", "prompt": None},
        {"video": None, "prompt": "no path"},
        {"video": "gone.mp4"},
    ]
    (tree / "list.jsonl").write_text("\n".join([*map(json.dumps, rows), "", "[1]", "{", '{"video": 3}']))
    names = {"video": [row.get("Video") or row.get("video") for row in rows], "prompt": ["a cat", None, "no path", ""]}
    parquet.write_table(pa.table(names | {"score": [1] * 4}), tree / "list.parquet")
    for name in ("list.jsonl", "list.parquet"):
        found = expand_inputs([name], "default").clips
        assert found[:2] == [("a.mp4", "a cat"), ("b.MKV", "default")]
        said = [str(clip) for clip, _ in found[2:]]
        assert f"row 3 of {name}: no video" in said[0] and f"no such file (row 4 of {name})" in said[1]
    assert [
        next(reason for reason in ("not a JSON object", "not JSON", "video is no text but int") if reason in each)
        for each in map(str, (clip for clip, _ in expand_inputs(["list.jsonl"], None).clips[4:]))
    ] == ["not a JSON object", "not JSON", "video is no text but int"]


def test_a_parquet_file_that_is_no_list(tree):
    parquet.write_table(pa.table({"clip": ["a.mp4"]}), tree / "list.parquet")
    with pytest.raises(UsageError, match="no column 'path'; it has: clip"):
        paths("list.parquet")
    (tree / "list.parquet").write_bytes(b"PAR1 and no more")
    with pytest.raises(UsageError, match="is not Parquet"):
        paths("list.parquet")
    parquet.write_table(pa.table({"video": [{"bytes": b"x", "path": "a.mp4"}]}), tree / "list.parquet")
    assert "video is no text but dict" in paths("list.parquet")[0]


def test_a_list_of_pairs(tree):
    (tree / "pairs.csv").write_text("path_a,path_b,prompt\na.mp4,b.MKV,dogs\na.mp4,,\n")
    first, second = read_pair_list(tree / "pairs.csv")
    assert first == (str(tree / "a.mp4"), str(tree / "b.MKV"), "dogs")
    assert second[0] == str(tree / "a.mp4") and "no path_b" in str(second[1])
    (tree / "list.csv").write_text("path\na.mp4\n")
    assert read_pair_list(tree / "list.csv") is None


def test_a_missing_list(tree):
    with pytest.raises(UsageError, match=r"gone\.csv cannot be read"):
        paths("gone.csv")


def left_out(*arguments: str) -> dict[str, str]:
    return dict(expand_inputs(arguments, None).left_out)


def test_folders_are_read_to_the_bottom(tree):
    (tree / "deep" / "one" / "two").mkdir(parents=True)
    for name in ("one/two/c.mp4", "b.mp4", "one/a.webm"):
        (tree / "deep" / name).touch()
    (tree / "frames").rename(tree / "deep" / "one" / "frames")
    assert paths("deep") == ["deep/b.mp4", "deep/one/a.webm", "deep/one/frames", "deep/one/two/c.mp4"]
    assert not left_out("deep")


def test_everything_left_out_is_named(tree):
    (tree / "clips" / "gone.mp4").symlink_to("nowhere.mp4")
    (tree / "clips" / "more" / "up").symlink_to(tree / "clips")
    os.mkfifo(tree / "clips" / "pipe.mp4")
    found = {
        "clips/readme.md": "neither video nor image",
        "clips/.hidden.mp4": "hidden",
        "clips/gone.mp4": "a link to nothing",
        "clips/more/up": "a link to a folder it lies in",
        "clips/pipe.mp4": "not a regular file",
    }
    assert left_out("clips") == found
    assert paths("clips") == ["clips/clip2.mp4", "clips/clip10.mp4", "clips/more/x.gif"]
    assert left_out("cli*") == found
    assert left_out("clips/[gc]*")["clips/gone.mp4"] == "a link to nothing"
    assert left_out("*") == {
        **found,
        "notes.txt": "neither video nor image",
        "empty/readme.md": found["clips/readme.md"],
    }
    assert "Left out, hidden: clips/.hidden.mp4" in expand_inputs(["clips"], None).left_out_lines()


def test_a_sub_folder_that_cannot_be_read_is_named(tree, monkeypatch):
    real = os.listdir

    def refuse(folder):
        if Path(folder).name == "more":
            raise PermissionError(13, "Permission denied")
        return real(folder)

    monkeypatch.setattr(os, "listdir", refuse)  # root may read everything
    assert left_out("clips")["clips/more"] == "cannot be read (Permission denied)"
    assert paths("clips") == ["clips/clip2.mp4", "clips/clip10.mp4"]


@pytest.mark.parametrize("name", ["http://host/a.mp4", "https://host/a.mp4", "s3://bucket/a.mp4", "file:///a.mp4"])
def test_a_url_is_refused_as_one(tree, name):
    with pytest.raises(UsageError, match=r"is a URL.*Download it first"):
        paths("a.mp4", name)
    with pytest.raises(UnreadableVideo, match=r"URL.*Download it first"):
        probe(name)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("list.csv", "path,prompt\na.mp4,one\n,two\ngone.mp4,three\nb.MKV\n\na.mp4,a cat, asleep\nhttps://x/y.mp4,\n"),
        (
            "list.tsv",
            "path\tprompt\na.mp4\tone\n\ttwo\ngone.mp4\tthree\nb.MKV\n\na.mp4\ta cat\tasleep\nhttps://x/y.mp4\n",
        ),
    ],
)
def test_a_bad_row_is_a_clip_that_fails(tree, name, content):
    (tree / name).write_text(content)
    found = expand_inputs([name], None).clips
    assert [(str(source).split(". ")[0], prompt) for source, prompt in found] == [
        ("a.mp4", "one"),
        (f"row 3 of {name}: no path", "two"),
        (f"gone.mp4: no such file (row 4 of {name})", "three"),
        ("b.MKV", None),
        (f"row 7 of {name}: 3 fields under 2 columns", "a cat"),
        (f"https://x/y.mp4: a URL (row 8 of {name})", None),
    ]
    assert [isinstance(source, UnreadableVideo) for source, _ in found] == [False, True, True, False, True, True]


def test_a_text_list_has_one_path_a_line(tree):
    (tree / "lists").mkdir()
    (tree / "lists" / "list.txt").write_bytes(
        b"\xef\xbb\xbf../a.mp4\r\n\r\n ../clips/clip2.mp4 \r\ngone, really.mp4\r\n"
    )
    found = expand_inputs(["lists/list.txt"], "a cat").clips
    assert found[:2] == [("lists/../a.mp4", "a cat"), ("lists/../clips/clip2.mp4", "a cat")]
    assert str(found[2][0]).startswith("lists/gone, really.mp4: no such file (row 4 of")


def test_the_shared_list_with_bad_rows(shared, tmp_path):
    """Its clips are made here: the list names none that lies beside it."""
    (tmp_path / "l1.csv").write_bytes((shared / "cases" / "l1.csv").read_bytes())
    for name in ("a.mp4", "d.mp4", "p.mp4"):
        (tmp_path / name).touch()
    found = expand_inputs([str(tmp_path / "l1.csv")], None).clips
    good = [(Path(source).name, prompt) for source, prompt in found if isinstance(source, str)]
    assert good == [("a.mp4", "two red circles moving left"), ("d.mp4", None), ("a.mp4", "quoted\nnewline")]
    bad = [str(source) for source, _ in found if isinstance(source, UnreadableVideo)]
    assert ["row 3" in bad[0], "row 4" in bad[1], "row 6" in bad[2], len(bad)] == [True, True, True, 3]


def test_synthetic_clips_may_stand_in_a_list(tree):
    (tree / "clips" / "list.csv").write_text("path\nsynthetic:test:3\n")
    assert paths("clips/list.csv") == ["synthetic:test:3"]
