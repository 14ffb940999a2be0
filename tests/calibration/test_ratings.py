"""Tables of ratings: several raters, roles of columns, and what is wrong with a row."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from vqinsight.calibration.ratings import RatedClip, read_ratings
from vqinsight.errors import UsageError


def table(folder: Path, text: str, name: str = "r.csv") -> Path:
    place = folder / name
    place.write_text(text, encoding="utf-8")
    return place


def test_raters_in_columns_and_in_rows_are_averaged(tmp_path: Path) -> None:
    found = read_ratings(
        table(tmp_path, "path,rating_a,rating_b,prompt,source\na.mp4,2,4,a cat,wan\nb.mp4,5,,,\na.mp4,6,,a cat,wan\n")
    )
    a, b = found.clips
    assert a == RatedClip(str(tmp_path / "a.mp4"), (2.0, 4.0, 6.0), "a cat", "wan") and a.rating == 4.0
    assert b.ratings == (5.0,) and b.prompt is None and b.generator is None
    assert not found.left_out and "1 of 2 clips have several ratings" in found.notes[0]
    assert "standard deviation within a clip is 2." in found.notes[0]


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet"])
def test_every_kind_of_file_gives_the_same(kind: str, tmp_path: Path) -> None:
    rows = [{"Clip": "a.mp4", "rating": 2.5, "prompt": "a cat"}, {"Clip": "b.mp4", "rating": 4, "prompt": None}]
    place = tmp_path / f"r.{kind}"
    if kind == "csv":
        table(tmp_path, "Clip,rating,prompt\na.mp4,2.5,a cat\nb.mp4,4,\n")
    elif kind == "jsonl":
        table(tmp_path, "".join(json.dumps(row) + "\n" for row in rows), "r.jsonl")
    else:
        import pyarrow as pa
        from pyarrow import parquet

        parquet.write_table(pa.Table.from_pylist(rows), place)
    assert [(Path(clip.path).name, clip.rating, clip.prompt) for clip in read_ratings(place).clips] == [
        ("a.mp4", 2.5, "a cat"),
        ("b.mp4", 4.0, None),
    ]


def test_columns_are_named_by_their_role(tmp_path: Path) -> None:
    place = table(tmp_path, "file,anna,ben,model,text\na.mp4,1,2,wan,a cat\n")
    (clip,) = read_ratings(place, {"path": ["file"], "rating": ["Anna", "ben"], "prompt": ["text"]}).clips
    assert (clip.ratings, clip.generator, clip.prompt) == ((1.0, 2.0), "wan", "a cat")
    with pytest.raises(UsageError, match=r"r.csv has no column carl; it has: file, anna, ben, model, text"):
        read_ratings(place, {"path": ["file"], "rating": ["carl"]})
    with pytest.raises(UsageError, match=r"no column path or clip or video; .* Name it: --column path=COLUMN"):
        read_ratings(place)


def test_what_is_wrong_is_named_with_its_line(tmp_path: Path) -> None:
    text = (
        "path,rating,prompt,generator\n"
        "a.mp4,good,p,g\n"  # no number
        "b.mp4,nan,p,g\n"
        "c.mp4,,p,g\n"  # empty
        ",3,p,g\n"  # no clip
        "d.mp4,3,p,g\n"
        "d.mp4,4,q,g\n"  # two prompts
        "e.mp4,3,p,g\n"
        "./e.mp4,4,p,h\n"  # two generators
        "https://example.org/f.mp4,3,p,g\n"
        "g.mp4,3,p,g,more\n"
        "h.mp4,3,p,g\n"
    )
    found = read_ratings(table(tmp_path, text))
    assert [Path(clip.path).name for clip in found.clips] == ["h.mp4"]
    said = dict(found.left_out)
    assert (
        said["r.csv, line 2"] == "rating 'good' is no number" and said["r.csv, line 3"] == "rating 'nan' is no number"
    )
    assert said["r.csv, line 4"] == "no rating" and "path" in said["r.csv, line 5"]
    assert said[str(tmp_path / "d.mp4")] == "two prompts ('p', 'q'): name one"
    assert said[str(tmp_path / "e.mp4")] == "two generators ('g', 'h'): name one"
    assert "is a URL" in said["r.csv, line 10"] and "5 cells under 4 columns" in said["r.csv, line 11"]
    assert len(found.left_out) == 8


def test_repeated_rows_count_once_only_where_the_rater_is_known(tmp_path: Path) -> None:
    rows = "a.mp4,4,x\na.mp4,4,x\na.mp4,1,y\nb.mp4,3,x\n"
    named = read_ratings(table(tmp_path, f"path,rating,rater\n{rows}"))
    assert named.clips[0].ratings == (4.0, 1.0) and "of the same rater, and do not count again" in named.notes[0]
    unknown = read_ratings(table(tmp_path, "path,rating\na.mp4,4\na.mp4,4\na.mp4,1\nb.mp4,3\n"))
    assert unknown.clips[0].ratings == (4.0, 4.0, 1.0) and "count as the ratings of other raters" in unknown.notes[0]


def test_one_rating_a_clip_says_so(tmp_path: Path) -> None:
    assert read_ratings(table(tmp_path, "path,rating\na.mp4,1\nb.mp4,2\n")).notes == (
        "Every clip has one rating: how far raters differ is unknown.",
    )


def test_files_that_hold_no_ratings(tmp_path: Path) -> None:
    with pytest.raises(
        UsageError, match=r"no usable rating. The first row that is left out: r.csv, line 2: rating 'x'"
    ):
        read_ratings(table(tmp_path, "path,rating\na.mp4,x\n"))
    with pytest.raises(UsageError, match=r"must end in .csv, .jsonl, .parquet"):
        read_ratings(table(tmp_path, "", "r.xlsx"))
    with pytest.raises(UsageError, match="cannot be read"):
        read_ratings(tmp_path / "gone.csv")
    with pytest.raises(UsageError, match=r"cannot be read|not Parquet"):
        read_ratings(tmp_path / "gone.parquet")
