"""A folder of results: what a row is, what is left out, what is refused; bars, orders and exit codes."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from helpers import records

import vqinsight
from vqinsight.errors import UsageError
from vqinsight.results import NO_SERVER, SCHEMA_VERSION

Run = Callable[..., Any]


def table(folder: str = "results") -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = vqinsight.read_results(folder).to_pylist()
    return rows


@pytest.fixture
def clip_list(tmp_path: Path) -> Path:
    for name in ("a.mp4", "b.mp4"):
        (tmp_path / name).touch()
    place = tmp_path / "list.csv"
    place.write_text("path,prompt\na.mp4,a dog\na.mp4,a dog\na.mp4,a cat\nb.mp4,\ngone.mp4,\n", encoding="utf-8")
    return place


def test_a_row_for_every_line_of_a_list(run: Run, judge: Any, clip_list: Path) -> None:
    assert run("score", "list.csv", "--out", "results/").exit_code == 1
    rows = table()
    assert [row["position"] for row in rows] == [0, 1, 2, 3, 4] and len({row["id"] for row in rows}) == 5
    assert [row["prompt"] for row in rows] == ["a dog", "a dog", "a cat", None, None]
    assert [row["status"] for row in rows] == ["ok"] * 4 + ["unreadable"]
    assert rows[0]["spatial"] == 60.0 and rows[0]["quality"] is None and rows[3]["quality"] == 63.0
    assert rows[4]["overall"] is None and "no such file" in rows[4]["error"]
    for key in ("reasoning", "rule", "times", "model", "model_hash", "samples", "temperature", "seed", "replies"):
        assert rows[0][key] is not None
    assert rows[0]["schema_version"] == SCHEMA_VERSION
    from pyarrow import parquet

    assert parquet.read_table("results").num_rows == 5  # other readers take the folder as it is


def test_a_thousand_copies_are_a_thousand_rows(run: Run, judge: Any, clip_list: Path) -> None:
    clip_list.write_text("path,prompt\n" + "a.mp4,a dog\n" * 1000, encoding="utf-8")
    assert run("score", "list.csv", "--out", "results/", "--json").exit_code == 0
    assert len({row["id"] for row in table()}) == len(table()) == 1000


def test_a_changed_file_is_a_new_revision(run: Run, judge: Any, clip_list: Path) -> None:
    run("score", "list.csv", "--out", "results/")
    before = {row["id"]: row["revision"] for row in table()}
    os.utime("b.mp4", ns=(1, 1))
    Path("gone.mp4").touch()
    clip_list.write_text("path,prompt\nnew.mp4,\n" + clip_list.read_text().split("\n", 1)[1], encoding="utf-8")
    Path("new.mp4").touch()
    judge.calls.clear()
    assert run("score", "list.csv", "--out", "results/").exit_code == 0
    rows = table()
    changed = [row["path"] for row in rows if before.get(row["id"]) != row["revision"]]
    assert sorted(changed) == ["b.mp4", "gone.mp4", "new.mp4"] and len(rows) == 6
    assert all(row["status"] == "ok" for row in rows)
    assert run("score", "list.csv", "--out", "results").exit_code == 0 and len(list(Path("results").iterdir())) == 3


@pytest.mark.parametrize("out", ["results/", "r.csv"])
@pytest.mark.parametrize(
    ("status", "why", "again"),
    [
        ("failed", "out of memory", True),
        ("missing", f"the model gave no usable answer ({NO_SERVER} within 3 s (500; tried 2 times))", True),
        ("missing", "the model gave no usable answer (no <answer>)", False),
    ],
)
def test_what_says_nothing_of_a_clip_is_tried_again(
    run: Run, judge: Any, monkeypatch: pytest.MonkeyPatch, status: Any, why: str, again: bool, out: str
) -> None:
    one = replace(records.missing("a.mp4"), status=status, error=f"a.mp4: {why}. Try it again.")

    def stopped(*_: Any, **__: Any) -> Any:
        yield one
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(judge, "score_all", stopped)
        result = run("score", "a.mp4", "b.mp4", "--out", out)
    assert result.exit_code == 130
    assert run("score", "a.mp4", "b.mp4", "--out", out).exit_code == (0 if again else 1)
    if out == "results/":
        assert [row["status"] for row in table()] == ["ok" if again else status, "ok"]


@pytest.mark.parametrize(
    ("arguments", "differs"),
    [
        (["score", "a.mp4", "--samples", "5"], "samples was 1, is 5"),
        (["score", "a.mp4", "--task", "natural"], "task was None, is 'natural'"),
        (["ask", "a.mp4", "Is it sharp?"], "verb was 'score', is 'ask'"),
    ],
)
@pytest.mark.parametrize("out", ["results/", "r.csv"])
def test_other_settings_are_refused(
    run: Run, arguments: list[str], differs: str, out: str, judge: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(*_: Any, **__: Any) -> Any:
        yield records.score("a.mp4")
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(judge, "score_all", stopped)
        assert run("score", "a.mp4", "b.mp4", "--out", out).exit_code == 130
    result = run(*arguments, "--out", out)
    said = " ".join(result.stderr.split())
    assert result.exit_code == 2 and "was begun with other settings" in said
    assert (differs if out == "results/" else differs.split()[0]) in said
    judge.weights = "ffffffffffff"
    assert "weights" in run("score", "a.mp4", "--out", out).stderr


def test_a_folder_of_other_things_is_refused(run: Run, tmp_path: Path) -> None:
    (tmp_path / "clips").mkdir()
    (tmp_path / "clips" / "a.mp4").touch()
    result = run("score", "clips", "--out", "clips")
    assert result.exit_code == 2 and "holds other files (a.mp4) and no results" in " ".join(result.stderr.split())
    assert [place.name for place in (tmp_path / "clips").iterdir()] == ["a.mp4"]
    with pytest.raises(UsageError, match="holds no results"):
        vqinsight.read_results("clips")


def test_ask_has_its_folder(run: Run) -> None:
    assert run("ask", "a.mp4", "mute.mp4", "Is it sharp?", "--out", "answers").exit_code == 1
    rows = table("answers")
    assert [(row["yes"], row["status"]) for row in rows] == [(True, "ok"), (None, "missing")]


@pytest.mark.parametrize("out", [(), ("--out", "results/"), ("--out", "r.csv")])
def test_the_bar_and_the_exit_codes(run: Run, out: tuple[str, ...]) -> None:
    """Wrong usage before interrupted before failed before below the bar; scores are 60, 61, …"""
    two = ("score", "a.mp4", "b.mp4", *out)
    assert run(*two, "--fail-below", "60").exit_code == 0
    assert run(*two, "--fail-below", "60.5").exit_code == 3
    assert run(*two, "bad.mp4", "--fail-below", "60.5").exit_code == 1
    assert run(*two, "mute.mp4", "--fail-below", "1").exit_code == 1
    assert run(*two, "--fail-below", "60.5", "--samples", "0").exit_code == 2


@pytest.mark.parametrize("out", [(), ("--out", "results/")])
def test_sorted_and_the_worst(run: Run, out: tuple[str, ...]) -> None:
    clips = [f"c{number}.mp4" for number in range(8)]

    def shown(*arguments: str) -> list[str]:
        result = run("score", *clips, "bad.mp4", *out, *arguments)
        assert result.exit_code == 1 and "✗ bad.mp4 unreadable" in result.stdout
        return [line.split()[0] for line in result.stdout.splitlines() if line.split() and line.split()[0] in clips]

    assert shown("--sort") == clips[::-1]
    worst = shown("--worst", "2")
    assert list(dict.fromkeys(worst)) == clips[:2]
    if not out:
        lines = run("score", *clips, "bad.mp4", "--worst", "2", "--json").stdout.splitlines()
        assert [json.loads(line)["path"] for line in lines] == ["c0.mp4", "c1.mp4", "bad.mp4"]


def test_a_journal_takes_any_name(run: Run, judge: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    name = "c\udcff漢.mp4"

    def stopped(*_: Any, **__: Any) -> Any:
        yield records.score(name, prompt="zwei 'Hunde'")
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(judge, "score_all", stopped)
        assert run("score", name, "b.mp4", "--out", "r.jsonl").exit_code == 130
    assert run("score", name, "b.mp4", "--out", "r.jsonl").exit_code == 0
    found = [json.loads(line) for line in Path("r.jsonl").read_text().splitlines()]
    assert found[0] == records.score(name, prompt="zwei 'Hunde'").as_dict() and found[1]["path"] == "b.mp4"
