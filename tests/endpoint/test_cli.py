"""``--engine endpoint`` as users run it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from evaluation import test_benchmarks as layouts
from helpers import downloads, endpoint
from helpers.endpoint import Server, fails
from pyarrow import parquet
from typer.testing import CliRunner

from vqinsight.cli.main import app

Run = Callable[..., Any]
Grey = Callable[..., str]


@pytest.fixture
def run(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(tmp_path)
    environment = {"COLUMNS": "160", "TERM": "dumb"}
    there = ("--engine", "endpoint", "--url", server.url, "--frames", "4", "--deadline", "3")
    return lambda *arguments, there=there: CliRunner().invoke(app, [*arguments, *there], env=environment)


def test_scores_with_their_tokens(run: Run, server: Server, grey: Grey, tmp_path: Path) -> None:
    result = run("score", grey(90), grey(91), "--out", "r.parquet")
    assert result.exit_code == 0, result.stderr
    assert "quality" in result.stdout and "50.0" in result.stdout
    assert f"PNG frames as one video without times to {server.host}, vqinsight" in result.stdout
    assert f"{server.host} counted 580 prompt and 50 completion tokens in 5 responses." in result.stderr
    rows = parquet.read_table(tmp_path / "r.parquet").to_pylist()
    assert [(row["prompt_tokens"], row["completion_tokens"]) for row in rows] == [(100, 10)] * 2
    assert {(row["engine"], row["host"], row["sent"]) for row in rows} == {
        ("endpoint", server.host, "PNG frames as one video without times")
    }


def test_the_other_verbs(run: Run, server: Server, grey: Grey, tmp_path: Path) -> None:
    server.answer = lambda body: "<answer>yes</answer>" if len(endpoint.files_of(body)) == 1 else _brighter(body)
    pair = run("compare", grey(40), grey(200), "--json", "--out", "pair.csv")
    assert json.loads(pair.stdout)["verdict"] == "B"
    assert ",200,20," in (tmp_path / "pair.csv").read_text(encoding="utf-8")
    ranked = json.loads(run("rank", grey(40), grey(200), grey(90), "--json").stdout)
    assert [Path(place["path"]).stem for place in ranked["standings"]] == ["200", "90", "40"]
    said = json.loads(run("ask", grey(40), "Is it dark?", "--json", "--quiet").stdout)
    assert said["yes"] is True and said["provenance"]["engine"] == "endpoint"


def _brighter(body: endpoint.Body) -> str:
    first, second = endpoint.brightness(body)
    return f"<answer>Video {'A' if first > second else 'B'}</answer>"


def test_a_missing_answer_is_counted_as_a_failure(run: Run, server: Server, grey: Grey) -> None:
    server.script.append(fails(400, "too long"))
    result = run("score", grey(90), "--json")
    assert result.exit_code == 1 and json.loads(result.stdout)["scores"] is None
    server.script.append(fails(401, "no"))
    result = run("score", grey(90))
    assert result.exit_code != 0 and "--api-key-env NAME" in result.stderr and "Traceback" not in result.stderr


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--engine", "endpoint"], "--url http://localhost:8000/v1"),
        (["--url", "http://localhost:1"], "--url goes with --engine endpoint"),
        (["--concurrency", "3"], "--concurrency goes with --engine endpoint"),
        (
            ["--engine", "endpoint", "--url", "http://h", "--device", "cpu"],
            "--device is for a model that is loaded here",
        ),
        (["--engine", "endpoint", "--url", "h:1"], "write the server's address in full"),
        (["--engine", "endpoint", "--url", "http://h", "--deadline", "0"], "--deadline"),
        (["--baseline", "technical", "--engine", "endpoint"], "--engine is for --model"),
    ],
)
def test_wrong_usage(options: list[str], message: str, grey: Grey, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    verb = ["evaluate", "synthetic", "--limit", "1"] if "--baseline" in options else ["score", grey(90)]
    result = CliRunner().invoke(app, [*verb, *options], env={"COLUMNS": "160", "TERM": "dumb"})
    assert result.exit_code == 2 and message in " ".join(result.stderr.split())


def test_a_benchmark_goes_on_where_the_server_stopped(
    run: Run, server: Server, tmp_path: Path, encode: ModuleType
) -> None:
    for place, name in enumerate("abcd"):
        encode.video(tmp_path / f"{name}.mp4", 12 + place)
    rows = [[f"{name}.mp4", 1 + place] for place, name in enumerate("abcd")]
    table = str(downloads.table(tmp_path / "t.csv", ["path", "quality"], *rows))
    options = ("evaluate", "table", "--data", table, "--scale", "1", "5")
    server.answer = lambda body: f"<answer>{endpoint.brightness(body)[0] / 2.55:.2f}</answer>"
    server.script.extend([fails(429, retry_after="60"), fails(400, "no")])
    first = run(*options)
    assert "4 questions: 2 answered, 2 without a usable answer" in first.stdout, first.stderr
    assert "completion tokens in" in first.stderr
    [file] = (tmp_path / "evaluations").glob("*.predictions.parquet")
    stored = parquet.read_table(file).to_pylist()
    settings = json.loads(stored[0]["settings"])
    assert settings["host"] == server.host and settings["sent"] == "PNG frames as one video without times"
    asked = len(server.questions)
    again = run(*options)
    assert "4 questions: 3 answered, 1 without a usable answer" in again.stdout
    assert len(server.questions) - asked == 1  # what the server could not be asked, not what it refused
    server.models = [{"id": "other"}]
    run(*options)
    assert len(list((tmp_path / "evaluations").glob("*.predictions.parquet"))) == 2


def test_a_hosted_model_has_a_row_in_tables_1_to_3(
    run: Run, server: Server, grey: Grey, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With every item's prediction beside each figure: the brighter clip is the better one."""
    monkeypatch.setattr(layouts, "NAMES", [f"{number}.mp4" for number in range(15)])  # three prompts of LGVQ's test
    layouts_by_table = {1: "genai_bench", 2: "lgvq", 3: "konvid"}
    clips = [Path(grey(20 + 15 * number, f"clip{number}")).read_bytes() for number in range(15)]

    def answer(body: endpoint.Body) -> str:
        seen = [value / 2.55 for value in endpoint.brightness(body)]
        if len(seen) == 2:
            return f"<answer>{'A' if seen[0] > seen[1] else 'B'}</answer>"
        keys = ("spatial", "temporal", "alignment") if "spatial" in str(endpoint.texts_of(body)) else ("quality",)
        return f"<answer>{json.dumps({key: round(seen[0], 2) for key in keys})}</answer>"

    server.answer = answer
    for bench in layouts_by_table.values():
        (tmp_path / bench).mkdir()
        layouts.MAKERS[bench](tmp_path / bench)
        for path in (tmp_path / bench).rglob("*.mp4"):
            path.write_bytes(clips[int(path.stem)])
        done = run("evaluate", bench, "--data", str(tmp_path / bench))
        assert done.exit_code == 0, done.stderr
    printed = json.loads(run("tables", "--json", there=()).stdout)
    for table in printed["tables"]:
        ours = [row for row in table["rows"] if row["origin"] == "ours"]
        bench = layouts_by_table.get(table["number"])
        assert [row["name"] for row in ours] == (["tiny"] if bench else []), table["title"]
        if bench:
            [result] = (tmp_path / "evaluations").glob(f"{bench}_*.json")
            assert result.name in ours[0]["source"] and "remote" not in result.stem
            stored = parquet.read_table(result.with_name(f"{result.stem}.predictions.parquet"))
            asked = json.loads(result.read_text(encoding="utf-8"))["counts"]["asked"]
            assert stored.num_rows == asked > 0 and set(stored["outcome"].to_pylist()) == {"ok"}
