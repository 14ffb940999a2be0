"""``score --timeline``: windows as clips of their own, in every output."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from helpers import encode

Run = Callable[..., Any]
NAMES = ["a.mp4#t=0,1", "a.mp4#t=1,2", "a.mp4#t=2,3"]


@pytest.fixture
def clip(run: Run) -> str:
    encode.video("a.mp4", 72, fps=24)
    return "a.mp4"


def test_windows_are_rows(run: Run, clip: str) -> None:
    result = run("score", clip, "bad.mp4", "--timeline", "1", "--json", "--out", "t.csv", "--prompt", "a dog")
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    assert [row["path"] for row in rows] == [*NAMES, "bad.mp4"] and result.exit_code == 1
    assert {row["prompt"] for row in rows} == {"a dog"} and rows[3]["status"] == "unreadable"
    written = list(csv.DictReader(Path("t.csv").read_text().splitlines()))
    assert [(row["file"], row["start"], row["end"]) for row in written[:3]] == [
        ("a.mp4", "0.0", "1.0"), ("a.mp4", "1.0", "2.0"), ("a.mp4", "2.0", "3.0"),
    ]  # fmt: skip
    assert written[3]["path"] == "bad.mp4" and written[3]["start"] == ""


def test_the_text_sums_up_a_file(run: Run, clip: str) -> None:
    text = run("score", clip, "--timeline", "1").stdout
    assert all(name in text for name in NAMES)
    assert "a.mp4: 3 windows, overall median 61.0, lowest 60.0 at 0.00–1.00 s." in text
    assert "windows" not in run("score", clip).stdout


def test_the_worst_windows_are_picked(run: Run, clip: str) -> None:
    result = run("score", clip, "--timeline", "1", "--worst", "1", "--json", "--fail-below", "60.5")
    assert [json.loads(line)["path"] for line in result.stdout.splitlines()] == NAMES[:1] and result.exit_code == 3


def test_a_folder_of_results_goes_on(run: Run, clip: str, judge: Any) -> None:
    assert run("score", clip, "--timeline", "1.5", "--out", "judged/").exit_code == 0
    asked: list[str] = []
    score_all = judge.score_all

    def watched(clips: Any, **settings: Any) -> Any:
        asked.extend(path for path, _ in clips)
        return score_all(clips, **settings)

    judge.score_all = watched
    assert "2 clips: 2 ok" in run("score", clip, "--timeline", "1.5", "--out", "judged/").stdout and asked == []
    assert "3 clips: 3 ok" in run("score", clip, "--timeline", "1", "--out", "judged/").stdout and asked == NAMES


def test_the_page_shows_scores_over_time(run: Run, clip: str) -> None:
    run("score", clip, "--timeline", "0.5", "--report", "t.html")
    page = Path("t.html").read_text()
    assert "Over time" in page and page.count("<polyline") == 1 and "6 windows" in page
    assert page.count('<article class="card"') == 3 and "The lowest windows" in page


@pytest.mark.parametrize("seconds", ["0", "-1", "x", "nan"])
def test_wrong_lengths_are_refused(run: Run, clip: str, seconds: str) -> None:
    result = run("score", clip, "--timeline", seconds)
    assert result.exit_code == 2 and "--timeline" in result.stderr and result.stdout == ""
