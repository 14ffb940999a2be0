"""Rows know their lines, and a file that is not what it should be is named."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from helpers import downloads
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vqinsight.datasets.download import BadRow
from vqinsight.datasets.rows import number, read_csv, read_json_lines, read_parquet
from vqinsight.errors import UsageError

CELLS = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc", "Zs", "Zl", "Zp")), min_size=1)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50, deadline=None)
@given(rows=st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=5))
def test_csv_comes_back_as_it_was_written(tmp_path: Path, rows: list[tuple[str, str]]) -> None:
    buffer = io.StringIO()
    csv.writer(buffer).writerows([("a", "b"), *rows])
    path = downloads.text(tmp_path / "t.csv", b"\xef\xbb\xbf" + buffer.getvalue().encode())
    read = list(read_csv(path, ["a", "b"]))
    assert [(row.values["a"], row.values["b"]) for row in read] == rows
    assert [row.where for row in read] == [f"t.csv, line {line}" for line in range(2, len(rows) + 2)]


def test_lines_are_counted_through_empty_ones_and_line_breaks_in_texts(tmp_path: Path) -> None:
    path = downloads.text(tmp_path / "t.csv", 'Path , prompt\r\n\r\na.mp4,"two\nlines"\r\n b.mp4 , x\r\nc.mp4,a,b\r\n')
    rows = list(read_csv(path, ["path"]))
    assert [row.where for row in rows] == ["t.csv, line 3", "t.csv, line 5", "t.csv, line 6"]
    assert rows[1].text("path") == "b.mp4"
    with pytest.raises(BadRow, match="3 cells under 2 columns: quote texts that hold commas"):
        rows[2].text("path")


@pytest.mark.parametrize("text", ["", "nan", "inf", "1,5", "-1", "100.1", "seven"])
def test_what_is_no_number_on_the_scale_is_refused(text: str) -> None:
    with pytest.raises(BadRow):
        number(text, (0.0, 100.0), "mos")


def test_an_empty_cell_is_not_zero(tmp_path: Path) -> None:
    path = downloads.text(tmp_path / "t.csv", "a,mos\nx,\ny\n")
    for row in read_csv(path, ["a", "mos"]):
        with pytest.raises(BadRow, match="nothing in column 'mos'"):
            row.number("mos", (0.0, 100.0))


def test_json_lines_name_the_lines_that_are_none(tmp_path: Path) -> None:
    rows = list(read_json_lines(downloads.text(tmp_path / "t.jsonl", '{"Path": "a"}\n\n{"path": \n[1]\n')))
    assert [row.where for row in rows] == ["t.jsonl, line 1", "t.jsonl, line 3", "t.jsonl, line 4"]
    assert rows[0].text("path") == "a"
    assert rows[1].problem and rows[2].problem == "not a JSON object"


def test_wrong_files_are_named(tmp_path: Path) -> None:
    latin = downloads.text(tmp_path / "latin.csv", "path\ncaf\xe9\n".encode("latin-1"))
    with pytest.raises(UsageError, match=r"latin\.csv is not CSV in UTF-8"):
        list(read_csv(latin, ["path"]))
    with pytest.raises(UsageError, match="has no column mos; it has: path"):
        list(read_csv(downloads.text(tmp_path / "t.csv", "path\nx\n"), ["path", "mos"]))
    pointer = downloads.text(tmp_path / "p.parquet", "version https://git-lfs.github.com/spec/v1\noid sha256:0\n")
    with pytest.raises(UsageError, match=r"Git LFS pointer.*git lfs pull"):
        list(read_parquet(pointer, ["a"]))
    with pytest.raises(UsageError, match="is not Parquet"):
        list(read_parquet(downloads.text(tmp_path / "q.parquet", "hello"), ["a"]))
    whole = downloads.parquet(tmp_path / "r.parquet", [{"a": 1}])
    with pytest.raises(UsageError, match="has no column b; it has: a"):
        list(read_parquet(whole, ["b"]))
    with pytest.raises(UsageError, match="cannot be read"):
        list(read_csv(tmp_path / "none.csv", []))
