"""``vqinsight evaluate`` as users run it: real clips, real models, a run that is killed and goes on."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from helpers import downloads, process, tiny
from typer.testing import CliRunner

from vqinsight.cli.main import app
from vqinsight.inference.predictor import AssessorPredictor

GONE = ["1 clips that the labels name are not on the disk"]
Run = Callable[..., Any]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(tmp_path)
    environment = {"COLUMNS": "120", "TERM": "dumb"}
    return lambda *arguments: CliRunner().invoke(app, ["evaluate", *arguments], env=environment)


@pytest.fixture
def table(tmp_path: Path, encode: ModuleType) -> str:
    for place, name in enumerate("abcd"):
        encode.video(tmp_path / f"{name}.mp4", 12 + place)
    (tmp_path / "empty.mp4").touch()
    rows = [[f"{name}.mp4", 1 + place, "pq"[place % 2]] for place, name in enumerate("abcd")]
    header = ["path", "quality", "source"]
    return str(downloads.table(tmp_path / "t.csv", header, *rows, ["empty.mp4", 3, "p"], ["gone.mp4", 2, "p"]))


def test_a_table_of_ones_own(run: Run, table: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    options = ("table", "--data", table, "--scale", "1", "5", "--out", "r.json", "--report", "r.html")
    first = run(*options)
    assert first.exit_code in (0, 1), first.stderr  # 1 if nano gives all four clips the same score
    assert "5 questions: 4 answered, 0 without a usable answer, 1 left out" in first.stdout
    assert "✗ cannot be read:" in first.stdout and "empty.mp4: the file is empty" in " ".join(first.stdout.split())
    assert "✗ not on the disk: gone.mp4" in first.stdout and "quality 0–100" in first.stdout
    made = {"r.json", "r.html", "r.natural_quality.png", "r.predictions.parquet"}
    assert made <= {path.name for path in tmp_path.iterdir()}
    counts = json.loads((tmp_path / "r.json").read_text())["counts"]
    assert counts == {
        "asked": 5, "ok": 4, "missing": 0, "unreadable": 1, "not_on_disk": 1, "label_rows_left_out": 0,
    }  # fmt: skip

    seen: list[list[str]] = []
    answer = AssessorPredictor.answer

    def watched(judge: AssessorPredictor, examples: Any) -> Any:
        seen.append([example.id for example in examples])
        return answer(judge, examples)

    monkeypatch.setattr(AssessorPredictor, "answer", watched)
    again = run(*options)
    assert again.exit_code == first.exit_code and seen == [["empty.mp4"]]
    assert again.stdout == first.stdout
    stored = run("--from", "r.predictions.parquet", "--json")
    result = json.loads(stored.stdout)
    assert stored.exit_code == first.exit_code and len(seen) == 1
    assert result["scores"] == json.loads((tmp_path / "r.json").read_text())["scores"]


def test_other_weights_or_settings_never_share_a_file(run: Run, table: str, tmp_path: Path) -> None:
    options = ("table", "--data", table, "--scale", "1", "5", "--out", "r.json")
    run(*options)
    before = (tmp_path / "r.predictions.parquet").read_bytes()
    look = {"template": "brief", "frames": 4, "max_new_tokens": 8}
    other = str(tiny.save(tiny.qwen2_5_vl(), tmp_path / "model", **look))
    for change, why in (
        (("--model", other), "digest"),
        (("--samples", "2"), "samples 1, not 2"),
        (("--frames", "4"), "fr"),
    ):
        refused = run(*options, *change)
        assert refused.exit_code == 2 and "holds other predictions" in refused.stderr and why in refused.stderr
    assert (tmp_path / "r.predictions.parquet").read_bytes() == before
    assert run(*options[:-2], "--model", other).exit_code == 1  # by itself: an untaught model measures nothing
    assert len(list((tmp_path / "evaluations").glob("t_all_*.predictions.parquet"))) == 1


def test_the_world_needs_no_files(run: Run) -> None:
    result = run("synthetic", "--limit", "3", "--json", "--out", "w.json")
    found = json.loads(result.stdout)
    assert result.exit_code == 0 and found["counts"]["asked"] == 15
    assert [task["task"] for task in found["scores"]] == ["image", "natural", "generated"]
    assert found["pairs"]["scores"]["n"] == found["pairs"]["orders"]["n"] == 3 and found["verdicts"]["n"] == 3
    one = json.loads(run("synthetic", "--limit", "2", "--task", "compare", "--json", "--out", "w.json").stdout)
    assert one["counts"]["asked"] == 2 and one["pairs"]["scores"]["n"] == 2 and not one["scores"]


def test_a_baseline_sits_the_same_benchmark(run: Run, table: str, tmp_path: Path) -> None:
    options = ("table", "--data", table, "--scale", "1", "5", "--json", "--out")
    technical = json.loads(run(*options, "t.json", "--baseline", "technical").stdout)
    assert technical["model"] == "technical" and technical["counts"]["ok"] == 4
    downloads.table(tmp_path / "p.csv", ["path", "quality"], *[[f"{name}.mp4", n] for n, name in enumerate("abdx")])
    given = ("--baseline", "fast_vqa", "--baseline-option", "predictions=p.csv")
    read = json.loads(run(*options, "p.json", *given).stdout)
    assert read["scores"][0]["dimensions"]["quality"]["srcc"]["value"] == 1.0
    assert read["counts"]["missing"] == 2 and read["settings"]["predictions"] == "p.csv"
    assert read["notes"] == ["1 rows of the predictions are about nothing that is asked, such as x.mp4", *GONE]
    fewer = json.loads(run(*options, "p.json", *given, "--limit", "2").stdout)
    assert "3 kept predictions belong to no question of this run and are in no figure" in fewer["notes"]
    downloads.table(tmp_path / "p.csv", ["path", "quality"], ["a.mp4", 5])  # other answers in a file of the same name
    refused = run(*options, "p.json", *given)
    assert refused.exit_code == 2 and "holds other predictions" in refused.stderr


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ((), "Name a benchmark"),
        (("synthetic", "--baseline", "technicol"), "baseline 'technicol' is unknown: did you mean 'technical'"),
        (("synthetic", "--baseline", "ugvq"), "Give predictions=FILE"),
        (("synthetic", "--baseline", "technical", "--frames", "4"), "--frames is for --model"),
        (
            ("synthetic", "--baseline", "technical", "--baseline-option", "frames=4"),
            "option of baseline technical 'frames' is unknown",
        ),
        (
            ("synthetic", "--baseline", "fast_vqa", "--baseline-option", "predictions"),
            "write KEY=VALUE, such as --baseline-option model=DIR",
        ),
        (("synthetic", "--baseline-option", "model=x"), "--baseline-option goes with --baseline"),
        (("synthetic", "--baseline", "nano", "--baseline-option", "modle=x"), "did you mean 'model'"),
        (("synthetic", "--baseline", "videoreward"), "needs the option folder=VALUE"),
        (("synthetic", "--model", "./gone"), "there is no such folder"),
        (("konivd",), "did you mean 'konvid'"),
        (("konvid",), "Say where it lies with --data"),
        (("konvid", "--data", "no"), "no such file or folder"),
        (("synthetic", "--task", "natrual"), "did you mean 'natural'"),
        (("synthetic", "--split", "test"), "did you mean"),
        (("synthetic", "--data", "."), "needs no files"),
        (("lsvq", "--data", ".", "--split", "1080"), "did you mean '1080p'"),
        (("table", "--data", "empty.csv", "--scale", "1", "5"), "nothing to ask"),
        (("konvid", "--data", ".", "--scale", "1", "5"), "--scale goes with"),
        (("synthetic", "--out", "r.csv"), "unknown kind of file"),
        (("--from", "no.parquet"), "no such file"),
    ],
)
def test_wrong_usage_is_told_before_a_model_is_loaded(
    run: Run, tmp_path: Path, arguments: tuple[str, ...], why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "vqinsight.inference.api", None)  # its import fails
    downloads.table(tmp_path / "empty.csv", ["path", "quality"], ["gone.mp4", 3])
    result = run(*arguments)
    assert result.exit_code == 2 and why in " ".join(result.stderr.split())


@pytest.mark.full
@pytest.mark.slow
def test_a_killed_run_goes_on_and_ends_as_if_it_had_not_been(tmp_path: Path) -> None:
    """The run that goes on is a real process; the others are forked."""

    def arguments(name: str) -> list[str]:
        given = ["evaluate", "synthetic", "--task", "generated", "--task", "compare"]
        return [*given, "--limit", "12", "--out", f"{name}.json"]

    straight = process.run(*arguments("straight"), folder=tmp_path)
    assert straight.returncode == 0, straight.stderr
    kept = tmp_path / "killed.predictions.parquet"
    assert process.kill_when(process.start(*arguments("killed"), folder=tmp_path, output=tmp_path / "log"), kept.exists)
    from vqinsight.evaluation.prediction_file import read_predictions

    assert 0 < len(read_predictions(kept)[1]) < 24 and not (tmp_path / "killed.json").exists()
    again = subprocess.run(
        [sys.executable, "-m", "vqinsight", *arguments("killed")],
        cwd=tmp_path,
        env=os.environ | process.ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert again.returncode == 0, again.stderr
    assert again.stdout.replace("killed", "straight") == straight.stdout
    assert kept.read_bytes() == (tmp_path / "straight.predictions.parquet").read_bytes()
