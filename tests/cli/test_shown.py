"""What is shown of a clip: in short, in full, what was odd about it, its name; and what ``--quiet`` leaves out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from helpers import records
from rich.cells import cell_len

from vqinsight.tasks.types import Dimension

Run = Callable[..., Any]


def test_verbose_says_all_that_was_shown(run: Run) -> None:
    for verb, clips in (("score", ["a.mp4"]), ("compare", ["a.mp4", "b.mp4"]), ("rank", ["a.mp4", "b.mp4"])):
        for flag in ("--verbose", "-v"):
            text = " ".join(run(verb, *clips, flag).stdout.split())
            assert "14 of 240 frames (2 fps, 4-16 frames); 8.01 s at 29.97 fps, 960×540; shown at 112×112" in text, verb
    many = run("score", *(f"c{number}.mp4" for number in range(8)), "-v").stdout
    assert many.count("slight blocking") == 8 and "Reasoning:" not in many
    assert "14 of 240 frames (2 fps" in " ".join(run("ask", "a.mp4", "Is it sharp?", "-v").stdout.split())


def test_what_was_shown_is_one_short_line(run: Run) -> None:
    lines = [line.strip() for line in run("compare", "a.mp4", "b.mp4").stdout.splitlines()]
    assert lines.count("14 of 240 frames, 112×112") == 2
    assert "14 of 240 frames, 112×112" in run("rank", "a.mp4", "b.mp4").stdout
    assert "14 of 240 frames, 112×112" in run("ask", "a.mp4", "Is it sharp?").stdout


def test_a_table_is_followed_by_where_the_reasoning_went(run: Run) -> None:
    clips = [f"c{number}.mp4" for number in range(8)]
    for arguments in (("score", *clips), ("ask", *clips, "Is it sharp?")):
        assert "Reasoning: use --verbose, --out or --report." in run(*arguments).stdout
    assert "Reasoning: use --verbose, --out FILE.jsonl or --report." in run("rank", *clips).stdout
    assert "Reasoning:" not in run("score", "a.mp4", "b.mp4").stdout  # it is printed with the clips


def test_warnings_of_a_clip_show_in_every_verb(run: Run, judge: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    odd = records.clip_input(("2 damaged packet(s) were left out",))
    pair = replace(records.comparison("a.mp4", "b.mp4"), input_b=odd)
    clips = [f"c{number}.mp4" for number in range(8)]
    monkeypatch.setattr(judge, "pair", lambda *_: pair)
    monkeypatch.setattr(judge, "score_all", lambda clips, **_: (records.score(path, seen=odd) for path, _ in clips))
    assert "! 2 damaged packet(s) were left out" in run("score", "a.mp4").stdout
    assert run("compare", "a.mp4", "b.mp4").stdout.count("! 2 damaged packet(s) were left out") == 1
    assert "! b.mp4: 2 damaged packet(s) were left out" in run("rank", "a.mp4", "b.mp4").stdout
    assert "! c7.mp4: 2 damaged packet(s) were left out" in run("score", *clips).stdout


def test_long_names_keep_their_extension(run: Run) -> None:
    names = [f"{number}{'long' * 40}{number}.mp4" for number in range(6)] + ["视频" * 60 + ".webm"]
    lines = run("score", *names).stdout.splitlines()
    for number in range(6):
        (row,) = [line for line in lines if line.startswith(f"{number}long")]
        assert f"{number}.mp4 " in row and "…" in row and row.endswith("14/240")
    (row,) = [line for line in lines if line.startswith("视频")]
    assert "….webm" not in row and "频.webm " in row and "…" in row
    assert all(cell_len(line) <= 100 for line in lines)


def test_an_image_and_a_video_share_the_column_of_a_name(run: Run, judge: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    picture = Dimension("quality", 0.0, 100.0, "overall quality of the image")
    kinds = {"a.mp4": records.QUALITY, "b.png": picture, "c.png": records.IMAGE}

    def scored(clips: Any, **_: Any) -> Any:
        for path, _ in clips:
            yield records.score(path, (4.0,), dimensions=(kinds[path],))

    monkeypatch.setattr(judge, "score_all", scored)
    for clips, names, ranges in (
        (("a.mp4", "b.png"), ["quality"], ["0–100"]),
        (("a.mp4", "c.png"), ["quality", "overall"], ["0–100", "or", "1–5", "0–100"]),
    ):
        text = run("score", *clips).stdout
        lines = text.splitlines()
        place = next(number for number, line in enumerate(lines) if line.startswith("Clip"))
        assert lines[place - 1].split() == names and lines[place].split() == ["Clip", *ranges, "frames"]
    assert "4.0 (0–100)" in text and "4.00 (1–5)" in text


@pytest.mark.parametrize(
    "arguments",
    [("score", "a.mp4"), ("compare", "a.mp4", "b.mp4"), ("rank", "a.mp4", "b.mp4"), ("ask", "a.mp4", "Ok?")],
)
def test_quiet_leaves_nothing_but_errors_on_standard_error(run: Run, arguments: tuple[str, ...]) -> None:
    for flag in ("--quiet", "-q"):
        result = run(*arguments, flag)
        assert result.exit_code == 0 and result.stderr == "" and result.stdout
    assert run(*arguments).stderr == "Needs about 1 GB of memory.\n"  # and it does not last
    failed = run(*arguments, "--quiet", "--model", "nanoo")
    assert failed.exit_code == 2 and failed.stderr.startswith("Error: nanoo: no such model")
