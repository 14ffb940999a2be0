"""The command line with a stand-in for the model: what is printed where, what is refused, and how it exits."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from helpers import records

import vqinsight

Run = Callable[..., Any]


def test_score_shows_one_clip_in_full(run: Run) -> None:
    result = run("score", "a.mp4", "--prompt", "a [red] dog")
    assert result.exit_code == 0
    for expected in (
        "a.mp4", "Prompt: a [red] dog", "spatial", "60.0", "0–100, smooth and consistent motion", "overall", "70.2",
        "slight blocking", "14 of 240 frames, 112×112", "Higher is better",
        "nano 0123456789ab",
    ):  # fmt: skip
        assert expected in result.stdout
    assert "Needs about 1 GB" in result.stderr and "Needs about" not in result.stdout
    assert "±" not in result.stdout and "29.97 fps" not in result.stdout


def test_score_shows_a_table_for_many_clips_and_each_failure_on_a_line(run: Run) -> None:
    clips = [f"c{number}.mp4" for number in range(8)]
    result = run("score", *clips, "bad.mp4", "mute.mp4")
    assert result.exit_code == 1
    assert "slight blocking" not in result.stdout
    assert sum("14/240" in line for line in result.stdout.splitlines()) == 8
    assert "✗ bad.mp4 unreadable: the file is empty (0 bytes). Copy or download it again." in result.stdout
    assert "✗ mute.mp4 missing: the model gave no usable answer" in result.stdout


def test_samples_show_their_spread(run: Run, judge: Any) -> None:
    result = run("score", "a.mp4", "--samples", "5", "--temperature", "0.7", "--seed", "3", "--task", "natural")
    assert "60.0 ± 4.0" in result.stdout and "percentile" in result.stdout
    assert judge.calls[-1] == {"task": "natural", "samples": 5, "seed": 3, "temperature": 0.7}


def test_options_of_the_model_reach_it(run: Run, judge: Any) -> None:
    run(
        *("score", "a.mp4", "--adapter", "me/lora", "--template", "brief", "--device", "cpu", "--dtype", "float32"),
        *("--fps", "4", "--frames", "8", "--max-pixels", "12544", "--folder-fps", "12.5", "--evidence"),
    )
    assert judge.calls[0] == {
        "adapter": "me/lora", "template": "brief", "device": "cpu", "dtype": "float32",
        "fps": 4.0, "frames": 8, "max_pixels": 12544, "folder_fps": 12.5, "evidence": True,
    }  # fmt: skip


def test_json_is_one_object_a_line_and_nothing_else(run: Run) -> None:
    result = run("score", "a.mp4", "bad.mp4", "mute.mp4", "--json")
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    assert [row["status"] for row in rows] == ["ok", "unreadable", "missing"]
    for key in ("dimensions", "reasoning", "input", "provenance", "scores", "overall", "error"):
        assert key in rows[0]
    assert "preview" not in rows[0]["input"]
    assert result.exit_code == 1


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
def test_out_and_report_are_written_beside_the_text(run: Run, tmp_path: Path, suffix: str) -> None:
    result = run("score", "a.mp4", "bad.mp4", "--out", f"r{suffix}", "--report", "r.html")
    assert result.exit_code == 1 and "a.mp4" in result.stdout
    assert {path.name for path in tmp_path.iterdir()} == {f"r{suffix}", "r.html"}
    page = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert "data:image/jpeg" in page and "bad.mp4" in page


def test_a_list_gives_each_clip_its_prompt(run: Run, tmp_path: Path) -> None:
    for name in ("a.mp4", "b.mp4"):
        (tmp_path / name).touch()
    (tmp_path / "list.csv").write_text("path,prompt\na.mp4,a dog\nb.mp4,\n", encoding="utf-8")
    rows = [json.loads(line) for line in run("score", "list.csv", "--json").stdout.splitlines()]
    assert [row["prompt"] for row in rows] == ["a dog", None]


def test_a_bad_row_of_a_list_is_a_failed_row(run: Run, tmp_path: Path) -> None:
    (tmp_path / "a.mp4").touch()
    (tmp_path / "list.csv").write_text("path,prompt\na.mp4,a dog\n,no path\ngone.mp4,\n", encoding="utf-8")
    result = run("score", "list.csv", "--json")
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    assert [row["status"] for row in rows] == ["ok", "unreadable", "unreadable"] and result.exit_code == 1
    assert rows[1]["error"] == "row 3 of list.csv: no path. Fill it in or remove the row."
    assert rows[2]["path"] == "gone.mp4" and "row 4 of list.csv" in rows[2]["error"]
    asked = run("ask", "list.csv", "Is it sharp?", "--json")
    assert [json.loads(line)["status"] for line in asked.stdout.splitlines()] == ["ok", "unreadable", "unreadable"]
    (tmp_path / "b.mp4").touch()
    (tmp_path / "list.csv").write_text("id,path\n1,a.mp4\n2,b.mp4\n3,\n4,gone.mp4\n", encoding="utf-8")
    result = run("rank", "list.csv")
    assert result.exit_code == 1 and "✗ gone.mp4 unreadable" in result.stdout
    assert "✗ row 4 of list.csv unreadable" in result.stdout


def test_what_a_folder_holds_beside_clips_is_named_on_standard_error(run: Run, tmp_path: Path) -> None:
    for name in ("clips/a.mp4", "clips/more/b.mp4", "clips/notes.txt", "clips/more/c.srt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "clips" / "link.mp4").symlink_to("nowhere.mp4")
    result = run("score", "clips", "--json")
    assert [json.loads(line)["path"] for line in result.stdout.splitlines()] == ["clips/a.mp4", "clips/more/b.mp4"]
    assert "Left out, neither video nor image: clips/more/c.srt, clips/notes.txt\n" in result.stderr
    assert "Left out, a link to nothing: clips/link.mp4\n" in result.stderr


def test_compare_shows_both_orders(run: Run) -> None:
    result = run("compare", "a.mp4", "b.mp4", "--prompt", "dogs")
    assert result.exit_code == 0
    assert "A is better: the verdict survives the swap." in result.stdout
    assert "Shown A then B, the answer is A." in result.stdout
    assert "Shown B then A, the answer is B, that is clip A." in result.stdout
    assert "Order bias +0.00" in result.stdout


def test_compare_without_an_answer_fails(run: Run) -> None:
    result = run("compare", "mute.mp4", "b.mp4")
    assert result.exit_code == 1
    assert "no answer (no <answer>)" in result.stdout and "is better" not in result.stdout


def test_a_verdict_that_does_not_survive_the_swap_is_a_tie(
    run: Run, judge: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(judge, "pair", lambda a, b, _: records.comparison(a, b, "A", "A"))
    result = run("compare", "a.mp4", "b.mp4")
    assert result.exit_code == 0
    assert "A tie: the verdict does not survive the swap." in result.stdout and "Order bias +0.50" in result.stdout


def test_rank_shows_places_cycles_bias_and_encodings(run: Run, judge: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    result = run("rank", "a.mp4", "b.mp4", "c.mp4", "bad.mp4")
    assert result.exit_code == 1  # one of them could not be read
    places = [line.split() for line in result.stdout.splitlines() if line.strip()[:1].isdigit()][:3]
    assert [(place[0], place[1], place[2]) for place in places] == [
        ("1", "a.mp4", "2"),
        ("2", "b.mp4", "1"),
        ("3", "c.mp4", "0"),
    ]
    assert (
        "No cycles." in result.stdout and "Clips encoded: 3." in result.stdout and "Order bias +0.00" in result.stdout
    )
    assert "✗ bad.mp4 unreadable: no such file. Check the path." in result.stdout

    monkeypatch.setattr(
        judge, "pair", lambda a, b, _: records.comparison(a, b, *("BA" if (a, b) == ("a", "c") else "AB"))
    )
    result = run("rank", "a", "b", "c")
    assert "circle): a, b, c." in result.stdout and result.exit_code == 0


def test_ask_takes_the_last_argument_as_the_question(run: Run, judge: Any) -> None:
    result = run("ask", "a.mp4", "b.mp4", "Is the motion reasonable?")
    assert result.exit_code == 0
    assert judge.calls[-1]["question"] == "Is the motion reasonable?"
    lines = [line.strip() for line in result.stdout.splitlines()]
    assert lines[0] == "Is the motion reasonable?" and lines.count("yes") == 2
    assert run("ask", "mute.mp4", "Well?").exit_code == 1


def test_many_answers_make_a_table(run: Run) -> None:
    result = run("ask", *(f"c{number}.mp4" for number in range(9)), "Is it sharp? " * 40)
    assert result.exit_code == 0 and "slight blocking" not in result.stdout
    assert sum(line.split()[-1:] == ["yes"] for line in result.stdout.splitlines()) == 9


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["score", "a.mp4", "--promt", "x"], "--prompt"),
        (["scroe", "a.mp4"], "Did you mean 'score'?"),
        (["--versoin"], "--version"),
        (["score"], "CLIP"),
        (["score", "a.mp4", "--samples", "0"], "'--samples'"),
        (["score", "a.mp4", "--frames", "0"], "'--frames'"),
        (["score", "a.mp4", "--max-pixels", "783"], "'--max-pixels'"),
        (["score", "a.mp4", "--fps", "0"], "0 is not a number above 0"),
        (["score", "a.mp4", "--fps", "nan"], "nan is not a number above 0"),
        (["score", "a.mp4", "--temperature", "-1"], "-1 is not a number above 0"),
        (["score", "a.mp4", "--task", "natrual"], "'natural'"),
        (["score", "a.mp4", "--template", "brif"], "did you mean 'brief'?"),
        (["score", "a.mp4", "--model", "nanoo"], "nanoo: no such model"),
        (["score", "a.mp4", "--model", "./gone"], "./gone: there is no such folder"),
        (["score", "a.mp4", "--adapter", "./gone"], "./gone: there is no such folder"),
        (["score", "*.nope"], "matches nothing"),
        (["score", "https://host/a.mp4"], "is a URL, and clips are read from the disk. Download it first"),
        (["compare", "a.mp4", "s3://bucket/b.mp4"], "s3://bucket/b.mp4 is a URL"),
        (["score", "a.mp4", "--out", "r.cvs"], "Did you mean .csv?"),
        (["compare", "a.mp4"], "Name two clips, or a list of pairs; a.mp4 is no list"),
        (["score", "a.mp4", "--out", "r/", "--report", "r.html"], "Leave out one"),
        (["score", "a.mp4", "--sort", "--worst", "3"], "two orders"),
        (["score", "a.mp4", "--fail-below", "101"], "'--fail-below'"),
        (["score", "a.mp4", "--out", "gone/r.csv"], "there is no folder gone"),
        (["score", "a.mp4", "--report", "r.pdf"], ".html"),
        (["score", "a.mp4", "--out", "x" * 300 + ".csv"], "too long"),
        (["compare", "a.mp4", "a.mp4"], "two different"),
        (["rank", "a.mp4"], "at least two clips"),
        (["ask", "a.mp4"], "CLIP"),
        (["ask", "a.mp4", "."], "must be a question"),
        (["ask", "a.mp4", "What is shown?"], "'what' asks for more than yes or no"),
        (["ask", "a.mp4", "How good is it?"], "'how' asks for more than yes or no"),
        (["ask", "a.mp4", "b.mp4"], "'b.mp4' is no question. End it with a question mark"),
        (["generate", "nosuch.txt"], "nosuch.txt: there is no such file"),
    ],
)
def test_wrong_usage_says_what_to_do_and_exits_with_2(
    run: Run, judge: Any, tmp_path: Path, arguments: list[str], message: str
) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert message in " ".join(result.stderr.replace("│", " ").split()) or message in result.stderr
    assert result.stdout == "" and not judge.calls and not list(tmp_path.iterdir())


def test_outputs_never_overwrite_inputs_or_folders(run: Run, tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_text("path\na.mp4\n", encoding="utf-8")
    (tmp_path / "folder.csv").mkdir()
    assert "overwrite an input" in run("score", "list.csv", "--out", "./list.csv").stderr
    assert "this is a folder" in run("score", "list.csv", "--out", "folder.csv").stderr
    assert (tmp_path / "list.csv").read_text(encoding="utf-8") == "path\na.mp4\n"


def test_a_model_that_fails_leaves_earlier_results_alone(run: Run, tmp_path: Path) -> None:
    (tmp_path / "r.csv").write_text("precious", encoding="utf-8")
    (tmp_path / "r.jsonl").write_text("precious", encoding="utf-8")
    for name in ("r.csv", "r.jsonl"):
        assert run("score", "a.mp4", "--model", "no", "--out", name).exit_code == 2
        assert (tmp_path / name).read_text(encoding="utf-8") == "precious"


def test_names_cannot_steer_the_terminal(run: Run) -> None:
    result = run("score", "a\x1b]0;\u202egpj.mp4", "bad\x07\udcff.mp4")
    assert "\x1b" not in result.stdout and "\u202e" not in result.stdout and "\x07" not in result.stdout
    assert r"a\x1b]0;\u202egpj.mp4" in result.stdout and r"bad\x07\udcff.mp4" in result.stdout


def test_a_bug_keeps_its_trace_and_the_results_before_it(
    run: Run, judge: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def two_then_a_bug(clips: Any, **_: Any) -> Any:
        yield from (records.score(path) for path, _ in clips[:2])
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr(judge, "score_all", two_then_a_bug)
    result = run("score", "a.mp4", "b.mp4", "c.mp4", "--out", "r.csv")
    assert isinstance(result.exception, ZeroDivisionError)
    with (tmp_path / "r.csv").open(encoding="utf-8", newline="") as file:
        assert [row["path"] for row in csv.DictReader(file)] == ["a.mp4", "b.mp4"]


def test_version(run: Run) -> None:
    assert run("--version").stdout == f"vqinsight {vqinsight.__version__}\n"
