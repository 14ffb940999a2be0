"""Result files come back as what was put in, appear whole or not at all, and take any text."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from helpers import records

from vqinsight.errors import UsageError
from vqinsight.report.files import ResultFile, check_target
from vqinsight.report.rows import table

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
