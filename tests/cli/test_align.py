"""``pairs``, ``repair`` and ``align`` as users call them."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from typer.testing import CliRunner

from vqinsight.cli.main import app

Run = Callable[..., Any]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(tmp_path)
    environment = {"COLUMNS": "120", "TERM": "dumb"}
    return lambda *arguments: CliRunner().invoke(app, list(arguments), env=environment)


def test_pairs_from_a_folder_of_clips(run: Run, tmp_path: Path, encode: ModuleType) -> None:
    """Numbers on boards: what the model thinks of them does not matter, what is counted does."""
    for prompt, count in (("a_red_board", 2), ("other", 1)):
        (tmp_path / "clips" / prompt).mkdir(parents=True)
        for number in range(count):
            encode.video(tmp_path / "clips" / prompt / f"{number}.mp4", 4 + number)
    (tmp_path / "clips" / "other" / "prompt.txt").write_text("a blue board\n")
    result = run("pairs", "clips", "--out", "pairs.jsonl", "--videodpo", "dpo")
    rows = [json.loads(line) for line in (tmp_path / "pairs.jsonl").read_text().splitlines()]
    assert [(row["prompt"], len(row["candidates"])) for row in rows] == [("a red board", 2), ("a blue board", 1)]
    assert rows[1]["reason"] == "fewer than two readable candidates" in result.stdout
    usable = sum(row["win"] is not None for row in rows)
    assert result.exit_code == (0 if usable else 1) and f"{usable} pairs" in result.stdout
    assert len(json.loads((tmp_path / "dpo" / "pair.json").read_text())) == usable


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("pairs", "none.txt", "--out", "p.jsonl"), "cannot be read as text"),
        (("pairs", "none.txt", "--out", "p.csv"), "ends in .jsonl"),
        (("pairs", ".", "--out", "p.jsonl"), "no sub-folders with videos"),
        (("align", "none.toml"), "no such file"),
        (("repair", "a.mp4", "--prompt", "x", "--out", "b.avi"), "unknown kind of file"),
    ],
)
def test_wrong_usage_is_told_before_a_model_is_loaded(
    run: Run, arguments: tuple[str, ...], why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "vqinsight.inference.api", None)  # its import fails
    result = run(*arguments)
    assert result.exit_code == 2 and why in " ".join(result.stderr.split())
