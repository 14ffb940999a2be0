"""Clips are found by their paths however labels write them, and never guessed."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers import downloads
from hypothesis import given
from hypothesis import strategies as st

from vqinsight.datasets.download import BadRow, Tray, check_choice
from vqinsight.datasets.places import ClipFiles, PathIndex, existing_folder, label_file, parts_of
from vqinsight.errors import UsageError
from vqinsight.tasks.types import Example, Question, Score

NAMES = st.text("abcXYZ019_-é.", min_size=1, max_size=8).filter(lambda name: name.strip(".") != "")


@pytest.mark.parametrize(
    "written",
    [
        "videos/gen/1.mp4",
        "\ufeffvideos/gen/1.mp4",
        "  videos/gen/1.mp4\r",
        "videos\\gen\\1.mp4",
        "./videos//gen/./1.mp4",
        "/videos/gen/1.mp4",
        "D:\\videos\\gen\\1.mp4",
        '"videos/gen/1.mp4"',
        "videos/other/../gen/1.mp4",
    ],
)
def test_every_way_of_writing_a_path_is_the_same_path(written: str) -> None:
    assert parts_of(written) == ("videos", "gen", "1.mp4")


@given(st.lists(NAMES, min_size=1, max_size=5))
def test_normal_form_is_stable_and_ignores_the_separator(parts: list[str]) -> None:
    normal = parts_of("/".join(parts))
    assert normal == parts_of("\\".join(parts)) == parts_of("/".join(normal)) == parts_of(f" ./{'//'.join(parts)} ")


def test_letters_with_accents_have_one_spelling() -> None:
    assert parts_of("cafe\u0301.mp4") == parts_of("caf\u00e9.mp4")


@given(st.lists(NAMES, min_size=2, max_size=4), st.lists(NAMES, max_size=3))
def test_a_longer_beginning_on_either_side_does_not_matter(parts: list[str], prefix: list[str]) -> None:
    short, long = "/".join(parts), "/".join([*prefix, *parts])
    assert PathIndex([short]).find(f"/{long}") == short
    assert PathIndex([long]).find(short) == long


def test_the_same_name_in_another_folder_is_another_clip() -> None:
    index = PathIndex(["yfcc-batch2/722.mp4", "722.mp4"])
    assert index.find("yfcc-batch1/722.mp4") is None
    assert index.find("yfcc-batch2/722.mp4") == "yfcc-batch2/722.mp4"


def test_two_equally_good_files_are_not_guessed_between() -> None:
    with pytest.raises(BadRow, match=r"may be a/1\.mp4 or b/1\.mp4"):
        PathIndex(["a/1.mp4", "b/1.mp4"]).find("1.mp4")
    assert PathIndex(["a/1.mp4", "1.mp4"]).find("1.mp4") == "1.mp4"  # the path itself comes first
    with pytest.raises(BadRow, match="no path"):
        PathIndex(["a/1.mp4"]).find(" / ")


def test_files_are_found_behind_links_and_without_a_macs_shadows(tmp_path: Path) -> None:
    root, far = tmp_path / "root", tmp_path / "far"
    downloads.files(root, ["._a.mp4", "notes.txt", "x/a.MP4", ".cache/b.mp4"])
    downloads.files(far, ["c.mp4"])
    (root / "linked").symlink_to(far)
    (root / "x" / "round").symlink_to(root)  # must not go round for ever
    files = ClipFiles(root)
    assert files.paths == ("linked/c.mp4", "x/a.MP4")
    assert files.find("c.mp4") == root / "linked" / "c.mp4"
    assert files.find("b.mp4") is None


def test_a_wrong_folder_says_what_was_expected(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is no folder"):
        existing_folder(tmp_path / "nowhere")
    with pytest.raises(UsageError, match=r"no a\.csv or b\.csv: is it X"):
        label_file(tmp_path, "X", "a.csv", "b.csv")
    with pytest.raises(UsageError, match="did you mean 'train'"):
        check_choice("split", "trian", ("train", "test"))


def test_repeated_labels_count_once_and_contradicting_ones_not_at_all(tmp_path: Path) -> None:
    tray = Tray("x", "all")
    clips = tray.clips([("a.mp4", tmp_path / "a.mp4")])
    assert clips is not None

    def example(name: str, value: float) -> Example:
        return Example(name, Question("natural", clips), Score({"quality": value}), (0.0, 100.0))

    for line, (name, value) in enumerate([("a", 1), ("a", 1), ("b", 1), ("b", 2), ("b", 1), ("c", 3)], start=1):
        tray.add(example(name, value), f"l, line {line}")
    read = tray.done()
    assert [(e.id, e.answer) for e in read.examples] == [("a", Score({"quality": 1})), ("c", Score({"quality": 3}))]
    assert [entry.split(":")[0] for entry in read.left_out] == ["l, line 3", "l, line 4", "l, line 5"]
    assert all("b stands in several rows that differ" in entry for entry in read.left_out)
    assert read.notes == ("1 label rows repeat another exactly and count once",)
