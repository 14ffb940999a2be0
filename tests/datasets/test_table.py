"""Tables of one's own: every kind, and every way to get a row wrong."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from helpers import downloads

from vqinsight.datasets import table
from vqinsight.datasets.download import Download
from vqinsight.errors import UsageError
from vqinsight.tasks.types import Preference, Score, Verdict

CLIPS = ["a.mp4", "b.mp4", "sub/c.mp4", "still.png", "frames/1.png"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return downloads.files(tmp_path, CLIPS)


def read(folder: Path, text: str, name: str = "t.csv", scale: tuple[float, float] | None = (0, 10)) -> Download:
    return table.load(downloads.text(folder / name, text), scale=scale)


def test_one_score_a_clip(folder: Path) -> None:
    found = read(folder, "path,quality\na.mp4,7.5\nstill.png,2\nframes,0\ngone.mp4,1\n")
    assert [(e.id, e.question.task, e.answer, e.scale) for e in found.examples] == [
        ("a.mp4", "natural", Score({"quality": 7.5}), (0, 10)),
        ("still.png", "image", Score({"quality": 2.0}), (0, 10)),
        ("frames", "natural", Score({"quality": 0.0}), (0, 10)),
    ]
    assert found.examples[0].question.clips[0].path == str(folder / "a.mp4")
    assert found.missing == ("gone.mp4",) and not found.left_out


def test_three_scores_a_clip_with_the_range_in_the_table(folder: Path) -> None:
    text = "path,prompt,spatial,temporal,alignment,low,high,source\nsub/c.mp4,a dog,1,2,3,1,5,pika\n"
    (example,) = read(folder, text, scale=None).examples
    assert example.question.task == "generated" and example.question.clips[0].prompt == "a dog" == example.group
    assert example.answer == Score({"spatial": 1, "temporal": 2, "alignment": 3})
    assert (example.scale, example.source) == ((1, 5), "pika")


def test_pairs_and_questions(folder: Path) -> None:
    pairs = read(folder, "path_a,path_b,label,prompt\na.mp4,b.mp4,b,x\nb.mp4,a.mp4,Tie,\na.mp4,a.mp4,A,\n", scale=None)
    assert [(e.id, e.answer) for e in pairs.examples] == [
        ("a.mp4 vs b.mp4", Preference("B")), ("b.mp4 vs a.mp4", Preference("tie")),
    ]  # fmt: skip
    assert pairs.left_out == ("t.csv, line 4: path_a and path_b are the same",)
    asked = read(folder, 'path,question,answer\na.mp4,"Sharp, is it?",Yes\na.mp4,Still?,no\n', scale=None)
    assert [(e.question.text, e.answer) for e in asked.examples] == [
        ("Sharp, is it?", Verdict(True)), ("Still?", Verdict(False)),
    ]  # fmt: skip


def test_json_lines_may_mix_kinds(folder: Path) -> None:
    rows = [
        {"path": "a.mp4", "quality": 3},
        {"path_a": "a.mp4", "path_b": "b.mp4", "label": "A", "id": "pair", "group": "g"},
        {"path": "a.mp4", "question": "Still?", "answer": False},
        {"path": "b.mp4", "quality": True},
        {"path": "b.mp4"},
    ]
    found = read(folder, "\n".join(json.dumps(row) for row in rows), "t.jsonl")
    assert [e.question.task for e in found.examples] == ["natural", "compare", "yesno"]
    assert (found.examples[1].id, found.examples[1].group) == ("pair", "g")
    assert found.left_out == (
        "t.jsonl, line 4: quality 'True' is no number",
        "t.jsonl, line 5: nothing in quality",
    )


@pytest.mark.parametrize(
    ("header", "row", "why"),
    [
        ("path,quality", "a.mp4,", "nothing in column 'quality'"),
        ("path,quality", ",3", "nothing in column 'path'"),
        ("path,quality", "a.mp4,11", "quality 11 is outside 0–10"),
        ("path,quality", "a.mp4,nan", "quality 'nan' is no number"),
        ("path,quality", 'a.mp4,"7,5"', "quality '7,5' is no number"),
        ("path,quality", "a.mp4,7,5", "3 cells under 2 columns"),
        ("path,quality,low,high", "a.mp4,7,5,5", "low 5 is not below high 5"),
        ("path,quality,low,high", "a.mp4,7,0,", "nothing in column 'high'"),
        ("path,spatial,temporal,alignment", "a.mp4,1,2,3", "alignment needs the prompt"),
        ("path,prompt,spatial,temporal,alignment", "a.mp4,x,1,2,", "nothing in column 'alignment'"),
        ("path,spatial,temporal", "still.png,1,2", "this is an image"),
        ("path_a,path_b,label", "a.mp4,b.mp4,C", "label 'C' is none of a, b, tie"),
        ("path,question,answer", "a.mp4,x?,perhaps", "answer 'perhaps' is none of"),
    ],
)
def test_a_bad_row_is_named_by_its_line_and_costs_no_other(folder: Path, header: str, row: str, why: str) -> None:
    good = {"path,quality": "b.mp4,3"}.get(header)
    found = read(folder, "\n".join([header, "", row, *([good] if good else [])]))
    assert len(found.examples) == (1 if good else 0)
    (entry,) = found.left_out
    assert entry.startswith("t.csv, line 3: ") and why in entry


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("clip,mos\na.mp4,3\n", "nothing in path.*path,quality"),
        ("path;quality\na.mp4;3\n", "commas, not semicolons"),
        ("path,quality,spatial,temporal\na.mp4,1,2,3\n", "quality and spatial, temporal are filled in: keep one"),
        ("", "A table has the columns"),
    ],
)
def test_a_wrong_table_is_refused_with_its_columns(folder: Path, text: str, why: str) -> None:
    with pytest.raises(UsageError, match=why):
        read(folder, text)


def test_scores_without_a_range_are_refused(folder: Path) -> None:
    with pytest.raises(UsageError, match="scores need their range"):
        read(folder, "path,quality\na.mp4,3\n", scale=None)
    with pytest.raises(UsageError, match="lowest to its highest"):
        read(folder, "path,quality\na.mp4,3\n", scale=(5, 1))
    with pytest.raises(UsageError, match=r"must end in \.csv or \.jsonl"):
        table.load(folder / "t.xlsx")
    with pytest.raises(UsageError, match="cannot be read"):
        table.load(folder / "nowhere.csv")


def test_two_people_who_disagree_need_ids(folder: Path) -> None:
    text = "path_a,path_b,label{0}\na.mp4,b.mp4,A{1}\na.mp4,b.mp4,B{2}\n"
    disagreeing = read(folder, text.format("", "", ""), scale=None)
    assert not disagreeing.examples and len(disagreeing.left_out) == 2
    assert len(read(folder, text.format(",id", ",anna", ",bo"), scale=None).examples) == 2
