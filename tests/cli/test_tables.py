"""``vqinsight tables`` and ``vqinsight vbench`` as users run them, on results that evaluate itself has stored."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from evaluation.test_benchmarks import MAKERS
from helpers import downloads
from typer.testing import CliRunner

from vqinsight.cli.main import app
from vqinsight.evaluation.fill_tables import fill, read_results
from vqinsight.evaluation.paper_tables import TABLES, VARIANTS
from vqinsight.evaluation.vbench import DIMENSIONS, overall

Run = Callable[..., Any]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(tmp_path)
    return lambda *given: CliRunner().invoke(app, [str(each) for each in given], env={"COLUMNS": "100", "TERM": "dumb"})


def rows(tables: dict[str, Any], number: int) -> dict[tuple[str, str], list[float | None]]:
    (table,) = [each for each in tables["tables"] if each["number"] == number]
    return {
        (row["origin"], row["name"]): [cell and round(cell["value"], 4) for cell in row["cells"]]
        for row in table["rows"]
    }


def test_without_results_only_the_papers_figures_stand(run: Run, tmp_path: Path) -> None:
    (tmp_path / "evaluations").mkdir()
    result = run("tables", "--out", "t.md")
    assert result.exit_code == 0 and "50.80" in result.stdout and "| ours |" not in (tmp_path / "t.md").read_text()
    found = json.loads(run("tables", "--json").stdout)
    assert [table["number"] for table in found["tables"]] == [1, 2, 3, 4, 5, 6]
    assert rows(found, 1) == {("paper", "VQ-Insight"): [0.508, None, 0.7571, 0.612, None, 0.7451]}
    assert rows(found, 3)["paper", "VQ-Insight"][::3] == [0.875, 0.786, 0.79, 0.875]
    assert rows(found, 4)["paper", "without length reward"] == [None, 0.819, None]
    assert [row[1] for row in rows(found, 6)] == [VARIANTS[key] for key in ("base", "video_dpo", "no_united", "all")]


def test_every_figure_of_the_paper_has_its_cell() -> None:
    for table in TABLES:
        places = {(column.group, column.metric) for column in table.columns}
        assert {(group, metric) for _, group, metric, _ in table.figures} <= places
        assert {row for row, *_ in table.figures} <= set(VARIANTS.values())


def test_results_of_evaluate_fill_their_cells_and_no_others(run: Run, tmp_path: Path) -> None:
    MAKERS["konvid"](tmp_path / "konvid")
    MAKERS["genai_bench"](tmp_path / "genai")
    MAKERS["lgvq"](tmp_path / "lgvq")
    names = [f"{number}.mp4" for number in range(8)]
    downloads.table(tmp_path / "p.csv", ["path", "quality"], *[[name, place**2] for place, name in enumerate(names)])
    given = ("--baseline", "fast_vqa", "--baseline-option", "predictions=p.csv")
    assert run("evaluate", "konvid", "--data", "konvid", *given).exit_code == 0
    assert run("evaluate", "genai_bench", "--data", "genai", "--baseline", "always_a").exit_code == 0
    # The same judge about fewer questions, a result without a figure, a bad file, another program's file.
    part = ("--limit", "4", "--out", "evaluations/part.json")
    assert run("evaluate", "konvid", "--data", "konvid", *given, *part).exit_code == 0
    assert run("evaluate", "lgvq", "--data", "lgvq", "--split", "all", *given).exit_code == 1
    downloads.text(tmp_path / "evaluations" / "bad.json", "{")
    downloads.text(tmp_path / "evaluations" / "other.json", "{}")
    result = run("tables", "--json", "--variant", "no_united=always_a")
    found = json.loads(result.stdout)
    assert rows(found, 3)["ours", "FAST-VQA"][9] == 1.0 and rows(found, 3)["ours", "FAST-VQA"][:9] == [None] * 9
    # Of the eight votes two are for A and two for B; equal margins let the walk end after seven ties.
    assert rows(found, 1)["ours", "Always A"][1:] == [0.5, 0.5, None, None, None]
    assert rows(found, 5)["ours", "without united fine-tuning"][2] == 0.5 and len(rows(found, 4)) == 4
    (used,) = [each for each in found["results"] if each["benchmark"] == "konvid"]
    assert used["counts"]["asked"] == 8
    over = " ".join(found["passed_over"])
    for expected in ("part.json: ", "bad.json: cannot be read", "other.json: no result", "has no figure for any table"):
        assert expected in over
    shown = run("tables").stdout
    assert shown.count("Passed over") == 1 and "Passed over: 4 files" in shown and "bad.json" not in shown
    for name in ("t.md", "t.html"):
        assert run("tables", "--out", name).exit_code == 0
        text = (tmp_path / name).read_text()
        assert "FAST-VQA" in text and "1.000 [1.000, 1.000]" in text and "<script" not in text
        assert "(predictions p.csv, version " in text and "konvid" in text


def test_without_results_the_papers_figures_stand_alone(run: Run, tmp_path: Path) -> None:
    result = run("tables")
    assert result.exit_code == 0 and "Table 1." in result.stdout and "Table 6." in result.stdout
    assert "VQ-Insight" in result.stdout and "Passed over" not in result.stdout and not list(tmp_path.iterdir())
    assert all(
        row["origin"] == "paper" for t in json.loads(run("tables", "--json").stdout)["tables"] for row in t["rows"]
    )


def test_published_figures_name_their_source(run: Run, tmp_path: Path) -> None:
    (tmp_path / "evaluations").mkdir()
    head = ["system", "benchmark", "metric", "value", "source"]
    downloads.table(tmp_path / "f.csv", head, ["Other", "lsvq 1080p", "srcc", 0.5, "a paper"])
    found = json.loads(run("tables", "--json", "--published", "f.csv").stdout)
    assert rows(found, 3)["published", "Other"][3] == 0.5 and len(rows(found, 2)) == 1
    for row, why in (
        (["Other", "lsvq", "rmse", 0.5, "x"], "no such column"),
        (["O", "lsvq", "srcc", 50, "x"], "/ 100"),
    ):
        downloads.table(tmp_path / "f.csv", head, row)
        refused = run("tables", "--published", "f.csv")
        assert refused.exit_code == 2 and why.replace("/", "Divide by") in " ".join(refused.stderr.split())


@pytest.mark.parametrize(
    ("given", "why"),
    [
        (("--results", "no"), "no such folder"),
        (("--results", ".", "--variant", "all=nano"), "no stored result of this model"),
        (("--results", ".", "--variant", "everything=nano"), "the key one of all, no_warmup"),
        (("--results", ".", "--out", "t.txt"), "unknown kind of file"),
    ],
)
def test_wrong_usage(run: Run, given: tuple[str, ...], why: str) -> None:
    result = run("tables", *given)
    assert result.exit_code == 2 and why in " ".join(result.stderr.split())


STAND_IN = """#!{python}
import json, pathlib, subprocess, sys, time
given = dict(zip(sys.argv[2::2], sys.argv[3::2]))
assert sys.argv[1] == "evaluate" and len(list(pathlib.Path(given["--videos_path"]).iterdir())) == 10
name = given["--dimension"]
with open("calls", "a") as calls:
    calls.write(name + "\\n")
subprocess.run("python own", shell=True, check=True)  # the package starts whichever is first on the path
if name == "scene" and not pathlib.Path("mended").exists():
    print("no such weights")
    sys.exit(0)  # as the package does after a failure
found = pathlib.Path(given["--output_path"], f"results_{{time.time()}}_eval_results.json")
found.write_text(json.dumps({{name: [0.75, [{{"video_path": "a-0.mp4", "video_results": 0.75}}]]}}))
pathlib.Path(given["--output_path"], f"results_{{time.time()}}_full_info.json").write_text("[]")
"""


def test_vbench_is_run_a_dimension_at_a_time_and_fills_table_6(run: Run, tmp_path: Path) -> None:
    """Against a stand-in with VBench's command line and files: the package needs its own environment and a card."""
    program = downloads.text(tmp_path / "env" / "vbench", STAND_IN.format(python=sys.executable))
    own = downloads.text(tmp_path / "env" / "python", '#!/bin/sh\necho "$1" > python_ran\n')
    for each in (program, own):
        each.chmod(0o755)
    downloads.text(tmp_path / "info.json", json.dumps([{"prompt_en": "a cat"}, {"prompt_en": "a dog"}]))
    videos = [f"a {animal}-{number}.mp4" for animal in ("cat", "dog") for number in range(5)]
    downloads.files(tmp_path / "videos", videos[:-1])
    given = ("vbench", "res", "--generator", "G", "--videos", "videos", "--info", "info.json", "--vbench", program)
    refused = run(*given)
    assert refused.exit_code == 2 and "1 of VBench's videos are not there, such as a dog-4.mp4" in refused.stderr
    downloads.files(tmp_path / "videos", videos)
    failed = run(*given)
    assert failed.exit_code == 2 and "did not measure scene: see the end of" in failed.stderr
    assert "no such weights" in (tmp_path / "res" / "vbench.log").read_text()
    assert (tmp_path / "python_ran").read_text() == "own\n"
    (tmp_path / "mended").touch()
    (tmp_path / "evaluations").mkdir()
    done = run(*given, "--out", "evaluations/g.json")
    assert done.exit_code == 0, done.stderr
    calls = (tmp_path / "calls").read_text().split()
    assert len(calls) == len(DIMENSIONS) + 1 and calls.count("scene") == 2
    stored = json.loads((tmp_path / "evaluations" / "g.json").read_text())["vbench"]
    assert stored["overall"] == pytest.approx(overall(stored["quality"], stored["semantic"]))
    found = fill(read_results(tmp_path / "evaluations"), variants={"base": "G"})
    ours = [row for row in found[5].rows if row.origin == "ours"]
    assert [row.name for row in ours] == ["base generator"] and ours[0].cells[2] is not None
    assert ours[0].cells[2].value == stored["overall"] and found[5].rows[1] == ours[0]


def test_vbench_without_the_package_or_dimensions(run: Run, tmp_path: Path) -> None:
    downloads.text(tmp_path / "info.json", "[]")
    (tmp_path / "videos").mkdir()
    given = ("vbench", "res", "--generator", "G", "--videos", "videos", "--info", "info.json", "--vbench", "no-vbench")
    assert "no such program" in run(*given).stderr
    downloads.text(tmp_path / "info.json", "{}")
    downloads.text(tmp_path / "res" / "a_eval_results.json", json.dumps({"scene": [0.5, []]}))
    refused = run("vbench", "res", "--generator", "G")
    assert refused.exit_code == 2 and "lack 15 of 16 dimensions" in " ".join(refused.stderr.split())
