"""Result files come back as what was put in, appear whole or not at all, and take any text."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
from helpers import records
from rich.console import Console

from vqinsight.datasets.table import load as load_table
from vqinsight.errors import UsageError
from vqinsight.report import phrases
from vqinsight.report.console import show_scores
from vqinsight.report.files import ResultFile, check_target
from vqinsight.report.html import render
from vqinsight.report.plot import strips
from vqinsight.report.rows import table
from vqinsight.tasks.types import Clip, Dimension
from vqinsight.video.inputs import expand_inputs

SUFFIXES = [".csv", ".jsonl", ".parquet"]


def write(path: Path, results: list[Any]) -> Path:
    with ResultFile(path) as file:
        for result in results:
            file.add(result)
    return path


def read_csv(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def read_parquet(path: Path) -> list[dict[str, Any]]:
    from pyarrow import parquet

    rows: list[dict[str, Any]] = parquet.read_table(path).to_pylist()
    return rows


@pytest.fixture
def scores() -> list[Any]:
    return [
        records.score('a, "b"\n.mp4', (62.25, 71.5, 80.0), prompt="zwei Hunde, 'très' 漢字", spread=4.5),
        records.score("c.mp4", (55.0,)),
        records.unreadable("bad.mp4"),
        records.missing("mute.mp4"),
    ]


def test_jsonl_is_the_plain_dict_of_each_record(tmp_path: Path, scores: list[Any]) -> None:
    lines = write(tmp_path / "r.jsonl", scores).read_text(encoding="utf-8").splitlines()
    assert [json.loads(line) for line in lines] == [score.as_dict() for score in scores]


def test_jsonl_is_on_disk_at_once(tmp_path: Path, scores: list[Any]) -> None:
    with ResultFile(tmp_path / "r.jsonl") as file:
        for count, score in enumerate(scores, start=1):
            file.add(score)
            assert len((tmp_path / "r.jsonl").read_text(encoding="utf-8").splitlines()) == count


def test_csv_has_a_column_for_every_fact(tmp_path: Path, scores: list[Any]) -> None:
    rows = read_csv(write(tmp_path / "r.csv", scores))
    first, second, bad, mute = rows
    assert first["path"] == 'a, "b"\n.mp4' and first["prompt"] == "zwei Hunde, 'très' 漢字"
    assert [float(first[key]) for key in ("spatial", "temporal", "alignment")] == [62.25, 71.5, 80.0]
    assert float(first["overall"]) == pytest.approx(71.25) and first["spatial_spread"] == "4.5"
    assert first["quality"] == "" and second["quality"] == "55.0" and second["spatial"] == ""
    assert json.loads(first["ranges"])["spatial"] == [0.0, 100.0]
    assert json.loads(first["indices"]) == list(scores[0].input.indices)
    assert (first["rule"], first["shown_width"], first["source_frames"]) == ("2 fps, 4-16 frames", "112", "240")
    assert (first["model"], first["model_hash"], first["samples"]) == ("nano", "0123456789ab", "5")
    assert len(json.loads(first["replies"])) == 5
    assert bad["status"] == "unreadable" and "0 bytes" in bad["error"] and bad["overall"] == bad["indices"] == ""
    assert mute["status"] == "missing" and mute["quality"] == "" and mute["width"] == "960"


def test_parquet_is_the_same_table_with_types(tmp_path: Path, scores: list[Any]) -> None:
    rows = read_parquet(write(tmp_path / "r.parquet", scores))
    texts = read_csv(write(tmp_path / "r.csv", scores))
    assert list(rows[0]) == list(texts[0])
    first, second, bad, _ = rows
    assert first["spatial"] == 62.25 and first["quality"] is None and second["quality"] == 55.0
    assert first["indices"] == list(scores[0].input.indices) and first["times"] == list(scores[0].input.times)
    assert first["width"] == 960 and first["warnings"] == [] and bad["width"] is None
    assert json.loads(first["replies"][0]["value"]) == scores[0].scores
    assert first["error"] is None and bad["overall"] is None


def test_a_table_without_any_score_still_has_its_types(tmp_path: Path) -> None:
    from pyarrow import parquet

    schema = parquet.read_schema(write(tmp_path / "r.parquet", [records.unreadable("bad.mp4")]))
    assert str(schema.field("overall").type) == "double" and str(schema.field("width").type) == "int64"


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_comparisons_rankings_and_verdicts_have_their_tables(tmp_path: Path, suffix: str) -> None:
    kinds = {
        "pair": [
            records.comparison("a", "b"),
            records.comparison("c", "d", "A", "A"),
            records.comparison("e", "f", None),
        ],
        "places": [records.ranking(["a", "b", "c"], ["bad"])],
        "answers": [
            records.verdict("a"),
            records.verdict("b", False),
            records.verdict("bad"),
            records.verdict("c", None),
        ],
    }
    for name, results in kinds.items():
        write(tmp_path / f"{name}{suffix}", results)
        if suffix == ".jsonl":
            lines = (tmp_path / f"{name}{suffix}").read_text(encoding="utf-8").splitlines()
            assert [json.loads(line) for line in lines] == [result.as_dict() for result in results]
    if suffix == ".parquet":
        pairs, places, answers = (read_parquet(tmp_path / f"{name}.parquet") for name in kinds)
        assert [row["verdict"] for row in pairs] == ["A", "tie", None]
        assert [row["consistent"] for row in pairs] == [True, False, None]
        assert json.loads(pairs[0]["swapped"][0]["value"]) == "B" and pairs[0]["b_width"] == 960
        assert [(row["rank"], row["path"], row["status"]) for row in places] == [
            (1, "a", "ok"), (2, "b", "ok"), (3, "c", "ok"), (None, "bad", "unreadable")
        ]  # fmt: skip
        assert [row["yes"] for row in answers] == [True, False, None, None]
        assert answers[0]["question"] == "Is the motion reasonable?"


def test_every_row_has_only_known_columns(scores: list[Any]) -> None:
    for results in (scores, [records.comparison("a", "b")], [records.ranking(["a", "b"])], [records.verdict("a")]):
        columns, rows = table(results)
        assert rows and all(set(row) <= set(columns) for row in rows)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_undecodable_file_names_are_no_obstacle(tmp_path: Path, suffix: str) -> None:
    path = write(tmp_path / f"r{suffix}", [records.score("bad\udcff.mp4"), records.score("a\tb\x00.mp4")])
    if suffix == ".csv":
        assert [row["path"] for row in read_csv(path)] == [r"bad\udcff.mp4", "a\tb\x00.mp4"]
    if suffix == ".parquet":
        assert [row["path"] for row in read_parquet(path)] == [r"bad\udcff.mp4", "a\tb\x00.mp4"]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_an_interrupted_run_leaves_what_there_was(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"r{suffix}"
    path.write_text("old", encoding="utf-8")
    with pytest.raises(KeyboardInterrupt), ResultFile(path) as file:
        raise KeyboardInterrupt
    assert path.read_text(encoding="utf-8") == "old"  # no record, nothing to write
    with pytest.raises(KeyboardInterrupt), ResultFile(path) as file:
        file.add(records.score("a.mp4"))
        raise KeyboardInterrupt
    assert b"a.mp4" in path.read_bytes() and b"old" not in path.read_bytes()
    assert [found.name for found in tmp_path.iterdir()] == [path.name]  # no leftovers


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "link.csv").symlink_to(tmp_path / "target.csv")
    write(tmp_path / "link.csv", [records.score("a.mp4")])
    assert (tmp_path / "link.csv").is_symlink() and read_csv(tmp_path / "target.csv")[0]["path"] == "a.mp4"


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_disk_that_refuses_is_one_clear_line(tmp_path: Path, suffix: str) -> None:
    with pytest.raises(UsageError, match=r"cannot be written \(No such file"):
        write(tmp_path / "gone" / f"r{suffix}", [records.score("a.mp4")])


def test_targets_are_checked_before_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    check_target(tmp_path / "R.CSV", "--out", SUFFIXES, ["*.mp4", "x" * 400])
    monkeypatch.setattr("os.access", lambda *_: False)
    with pytest.raises(UsageError, match="no permission"):
        check_target(tmp_path / "r.csv", "--out", SUFFIXES, [])


ODD = ["-a.mp4", "@b.mp4", "=c.mp4", "+d.mp4", "'=e.mp4", "''-f.mp4", "'plain.mp4", "\tg.mp4", "\x1bh.mp4", "a=b.mp4"]


def test_no_text_of_a_csv_is_a_formula_and_every_name_comes_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ODD:
        Path(name).touch()
    results = [records.score(name, (-3.5,), prompt="=1+1", why="@SUM(A1)") for name in ODD]
    rows = read_csv(write(tmp_path / "r.csv", results))
    assert not any(row[column][0] in "=+-@\t\x1b" for row in rows for column in ("path", "prompt", "reasoning"))
    assert {row["quality"] for row in rows} == {"-3.5"}  # numbers stay numbers
    assert [row["path"] for row in rows][-4:] == ["'plain.mp4", "'\tg.mp4", "'\x1bh.mp4", "a=b.mp4"]
    assert expand_inputs(["r.csv"], None).clips == [(name, "=1+1") for name in ODD]
    (tmp_path / "labels.csv").write_text(
        "path,prompt,quality,low,high\n"
        + "".join(f'"{row["path"]}","{row["prompt"]}",2,0,9\n' for row in rows if "\t" not in row["path"])
    )
    found = load_table("labels.csv")
    assert [example.question.clips[0] for example in found.examples] == [
        Clip(name, "=1+1") for name in ODD if name[0] != "\t"
    ]
    for suffix in (".jsonl", ".parquet"):
        path = write(tmp_path / f"r{suffix}", results)
        kept = (
            read_parquet(path) if suffix == ".parquet" else [json.loads(line) for line in path.read_text().splitlines()]
        )
        assert [(row["path"], row["prompt"]) for row in kept] == [(name, "=1+1") for name in ODD]


def test_images_and_videos_share_a_column(tmp_path: Path) -> None:
    still = Dimension("quality", 0.0, 100.0, "overall quality of the image")
    results = [records.score("a.mp4", (55.0,)), records.score("a.png", (44.0,), dimensions=(still,))]
    columns, rows = table(results)
    assert [column for column in columns if "quality" in column] == ["quality"]
    assert [row["quality"] for row in rows] == [55.0, 44.0]
    assert [dimension.key for dimension in phrases.scales(results)] == ["quality"]
    page = render(results, None, None)
    assert page.count(">quality<small>") == 1 and ">55.0<" in page and ">44.0<" in page
    assert len(strips(results)) == 1 and len(strips(results)[0].marks) == 2
    screen = Console(file=io.StringIO(), width=100)
    show_scores(screen, results)
    text = screen.file.getvalue()  # type: ignore[attr-defined]
    heading = next(line for line in text.splitlines() if line.startswith(("Clip", "     ")) and "quality" in line)
    assert heading.count("quality") == 1
