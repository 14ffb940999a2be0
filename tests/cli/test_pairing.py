"""compare and rank over many prompts: what a row is, what is left out, what is refused, and how it is shown."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from helpers import records

import vqinsight

Run = Callable[..., Any]
LIST = "path,prompt\na.mp4,a dog\nb.mp4,a dog\nx.mp4,a cat\nbad.mp4,a dog\nc.mp4,a dog\ny.mp4,a cat\ngone.mp4,a cat\n"


def table(folder: str = "results") -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = vqinsight.read_results(folder).to_pylist()
    return rows


def read_csv(name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(Path(name).read_text(encoding="utf-8"))))


@pytest.fixture
def prompts(tmp_path: Path) -> Path:
    for name in ("a.mp4", "b.mp4", "c.mp4", "bad.mp4", "x.mp4", "y.mp4"):
        (tmp_path / name).touch()
    place = tmp_path / "list.csv"
    place.write_text(LIST, encoding="utf-8")
    return place


def pairs(rows: list[dict[str, Any]]) -> list[tuple[str, str, str | None, str]]:
    return [(row["a"], row["b"], row["prompt"], row["status"]) for row in rows]


def test_a_row_for_every_pair_of_a_prompt(run: Run, judge: Any, prompts: Path) -> None:
    result = run("rank", "list.csv", "--out", "results/")
    assert result.exit_code == 1
    rows = table()
    dog, cat = [("a", "b"), ("a", "bad"), ("a", "c"), ("b", "bad"), ("b", "c"), ("bad", "c")], [("x", "y")]
    expected = [(f"{a}.mp4", f"{b}.mp4", "a dog", "unreadable" if "bad" in (a, b) else "ok") for a, b in dog]
    expected += [(f"{a}.mp4", f"{b}.mp4", "a cat", "ok") for a, b in cat]
    expected += [(clip, "gone.mp4", "a cat", "unreadable") for clip in ("x.mp4", "y.mp4")]
    assert pairs(rows) == expected and [row["position"] for row in rows] == list(range(9))
    assert len({row["id"] for row in rows}) == 9 and rows[0]["a_id"] == rows[1]["a_id"] != rows[0]["b_id"]
    bad = rows[1]
    assert bad["verdict"] is bad["consistent"] is bad["order_bias"] is None and "bad.mp4: no such file" in bad["error"]
    assert bad["a_kind"] == "video" and bad["b_kind"] is None and bad["forward"] == []
    assert [(row["verdict"], row["consistent"]) for row in (rows[0], rows[4])] == [("A", True), ("tie", False)]
    assert json.loads(rows[0]["swapped"][0]["value"]) == "B" and rows[0]["forward"][0]["reasoning"]
    for key in ("model", "model_hash", "samples", "temperature", "seed", "a_times", "b_rule", "schema_version"):
        assert rows[0][key] is not None
    said = " ".join(result.stdout.split())
    assert "Prompt: a dog Rank Clip Wins Strength" in said and "1 a.mp4 2 +" in said and "2 c.mp4 0.5 -" in said
    assert result.stdout.count("✗ bad.mp4 unreadable") == 1 and "✗ gone.mp4 unreadable: no such file (row 8" in said
    assert "results: 9 pairs of 2 prompts: 4 ok, 5 unreadable." in said


def test_committed_pairs_are_left_out_before_any_work(run: Run, judge: Any, prompts: Path) -> None:
    run("rank", "list.csv", "--out", "results/")
    ids = {row["id"] for row in table()}
    asked: list[Any] = []
    compare = judge.compare_all

    def watched(groups: Any, **settings: Any) -> Any:
        asked.extend(groups)
        return compare(asked, **settings)

    judge.compare_all = watched
    assert run("rank", "list.csv", "--out", "results/").exit_code == 1 and not asked
    prompts.write_text(LIST + "d.mp4,a cat\n", encoding="utf-8")
    (prompts.parent / "d.mp4").touch()
    run("rank", "list.csv", "--out", "results/")
    (group,) = asked
    assert group.prompt == "a cat" and [str(clip)[:5] for clip in group.clips] == ["x.mp4", "d.mp4", "y.mp4", "gone."]
    assert group.pairs == ((0, 1), (2, 1), (3, 1))
    assert len(table()) == 12 and ids < {row["id"] for row in table()}
    asked.clear()
    (prompts.parent / "y.mp4").write_bytes(b"changed")
    run("rank", "list.csv", "--out", "results/")
    assert [len(group.pairs) for group in asked] == [3] and len(table()) == 12


def test_ids_are_those_of_scores(run: Run, prompts: Path) -> None:
    run("rank", "list.csv", "--out", "ranked/")
    run("score", "list.csv", "--out", "scored/")
    scored = {row["path"]: row["id"] for row in table("scored")}
    assert all((row["a_id"], row["b_id"]) == (scored[row["a"]], scored[row["b"]]) for row in table("ranked"))


@pytest.mark.parametrize("name", ["r.csv", "r.jsonl", "r.parquet"])
def test_a_file_is_that_of_one_prompt_for_many(run: Run, prompts: Path, name: str) -> None:
    assert run("rank", "list.csv", "--out", name, "--json").exit_code == 1
    assert not list(prompts.parent.glob("*journal*"))
    if name == "r.csv":
        rows = read_csv(name)
        assert [(row["prompt"], row["path"], row["rank"]) for row in rows] == [
            ("a dog", "a.mp4", "1"), ("a dog", "b.mp4", "2"), ("a dog", "c.mp4", "2"), ("a dog", "bad.mp4", ""),
            ("a cat", "x.mp4", "1"), ("a cat", "y.mp4", "2"), ("a cat", "gone.mp4", ""),
        ]  # fmt: skip
    if name == "r.jsonl":
        first, second = map(json.loads, (prompts.parent / name).read_text().splitlines())
        assert len(first["comparisons"]) == 3 and len(second["comparisons"]) == 1


def test_what_differs_is_refused(run: Run, prompts: Path) -> None:
    run("rank", "list.csv", "--out", "results/")
    assert "samples was 1, is 5" in " ".join(
        run("rank", "list.csv", "--out", "results/", "--samples", "5").stderr.split()
    )
    result = run("compare", "a.mp4", "b.mp4", "--out", "results/")
    assert result.exit_code == 2 and "verb was 'rank', is 'compare'" in " ".join(result.stderr.split())


def test_a_prompt_with_one_clip_is_named_and_fails_the_run(run: Run, tmp_path: Path) -> None:
    for name in ("a.mp4", "b.mp4", "x.mp4"):
        (tmp_path / name).touch()
    (tmp_path / "list.csv").write_text("path,prompt\na.mp4,a dog\nb.mp4,a dog\nx.mp4,a cat\n", encoding="utf-8")
    result = run("rank", "list.csv")
    assert result.exit_code == 1 and "as it is alone: x.mp4 of the prompt 'a cat'" in result.stderr
    assert "1   a.mp4" in result.stdout and "x.mp4" not in result.stdout
    (tmp_path / "list.csv").write_text("path,prompt\na.mp4,a dog\nx.mp4,a cat\n", encoding="utf-8")
    result = run("rank", "list.csv", "--out", "results/")
    assert result.exit_code == 2 and "at least two clips of one prompt" in " ".join(result.stderr.split())
    assert not (tmp_path / "results").exists()


def test_a_folder_with_a_sub_folder_a_prompt(run: Run, judge: Any, tmp_path: Path) -> None:
    for name in ("clips/a_dog/1.mp4", "clips/a_dog/2.mp4", "clips/p2/1.mp4", "clips/p2/2.mp4", "clips/p2/3.mp4"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "clips/p2/prompt.txt").write_text("two cats\n")
    result = run("rank", "clips", "--out", "results/")
    assert result.exit_code == 0 and "Each sub-folder of clips is a prompt (2)" in " ".join(result.stderr.split())
    assert [row["prompt"] for row in table()] == ["a dog"] + ["two cats"] * 3
    assert run("rank", "clips", "--prompt", "a dog", "--out", "one/").exit_code == 0
    assert {row["prompt"] for row in table("one")} == {"a dog"} and len(table("one")) == 10


def test_compare_takes_a_list_of_pairs(run: Run, judge: Any, prompts: Path) -> None:
    prompts.write_text("path_a,path_b,prompt\na.mp4,b.mp4,a dog\nb.mp4,c.mp4,a dog\na.mp4,b.mp4,a dog\nx.mp4,,\n")
    result = run("compare", "list.csv", "--out", "results/")
    assert result.exit_code == 1 and "4 pairs of 2 prompts: 3 ok, 1 unreadable." in " ".join(result.stdout.split())
    rows = table()
    assert pairs(rows)[:3] == [("a.mp4", "b.mp4", "a dog", "ok"), ("b.mp4", "c.mp4", "a dog", "ok"), pairs(rows)[0]]
    assert len({row["id"] for row in rows}) == 4 and "no path_b" in rows[3]["error"]
    prompts.write_text("path,prompt\na.mp4,a dog\nx.mp4,a cat\nb.mp4,a dog\ny.mp4,a cat\n")
    lines = [json.loads(line) for line in run("compare", "list.csv", "--json").stdout.splitlines()]
    assert [(line["a"], line["b"], line["prompt"]) for line in lines] == [
        ("a.mp4", "b.mp4", "a dog"),
        ("x.mp4", "y.mp4", "a cat"),
    ]
    assert run("compare", "list.csv", "--out", "r.csv").exit_code == 0
    assert [row["a"] for row in read_csv("r.csv")] == ["a.mp4", "x.mp4"]
    prompts.write_text(LIST)
    assert "the prompt 'a dog' has 4" in " ".join(run("compare", "list.csv").stderr.split())


def test_a_pair_without_an_answer_fails_the_run(run: Run, judge: Any, tmp_path: Path) -> None:
    result = run("rank", "a.mp4", "mute.mp4", "b.mp4", "--out", "results/")
    assert result.exit_code == 1 and "✗ a.mp4 against mute.mp4 missing: an order got no usable answer" in result.stdout
    assert [row["verdict"] for row in table()] == [None, "A", None]
    assert records.WHY in table()[1]["forward"][0]["reasoning"]


def test_many_prompts_are_not_all_shown(run: Run, tmp_path: Path) -> None:
    rows = [f"{side}{number}.mp4,prompt {number}" for number in range(30) for side in "ab"]
    for row in rows:
        (tmp_path / row.split(",")[0]).touch()
    (tmp_path / "list.csv").write_text("\n".join(["path,prompt", *rows]))
    result = run("rank", "list.csv", "--out", "results/")
    assert result.stdout.count("Prompt:") == 20 and "and 10 more prompts" in result.stdout
    assert "results: 30 pairs of 30 prompts: 30 ok." in result.stdout and len(table()) == 30
