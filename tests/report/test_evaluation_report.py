"""What comes out of an evaluation: the terminal at any width, the result file, the plots, the page."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path

import pytest
from helpers.exams import pair, quality, scored
from PIL import Image
from rich.console import Console

from vqinsight.evaluation.benchmarks import BenchmarkData
from vqinsight.evaluation.prediction_file import Header
from vqinsight.evaluation.predictor import PredictedExample, Prediction, from_orders
from vqinsight.evaluation.summary import summarise
from vqinsight.report.evaluation_report import EvaluationRun, render, scatters, show, write
from vqinsight.report.scatter import Scatter, draw_scatter

HOSTILE = "\"><script>alert(1)</script>{{ 7 * 7 }}\x1b[0m\udcff\u202e'"


def run(name: str = "clip", judge: str = "stub") -> EvaluationRun:
    rows = [
        PredictedExample(scored(f"{name}{i}", 1 + i % 5, ["pika", "sora", name][i % 3]), quality(17.0 * (i % 6)))
        for i in range(30)
    ]
    rows += [PredictedExample(pair(f"p{i}", "AB"[i % 2], f"pika vs {name}"), from_orders("A", "B")) for i in range(4)]
    rows.append(PredictedExample(scored("mute", 3.0), Prediction("missing", reason=f"no <answer> {name}")))
    rows.append(PredictedExample(scored("bad", 3.0), Prediction("unreadable", reason=f"{name}.mp4: empty")))
    header = Header("table", "all", judge, "0" * 12, {"samples": 1, "seed": None})
    exam = BenchmarkData(
        "table", "all", [row.example for row in rows], ("gone.mp4",), ("t.csv, line 3: nothing",), ("a note",)
    )
    return EvaluationRun(header, summarise(rows), exam, f"vqinsight evaluate table --data {name}.csv")


@pytest.mark.parametrize("width", [40, 80, 200])
def test_the_terminal_says_all_of_it(width: int) -> None:
    stream = io.StringIO()
    show(Console(file=stream, width=width, markup=False, highlight=False, emoji=False), run(), [Path("r.json")])
    text = " ".join(stream.getvalue().split())
    for expected in (
        "36 questions: 34 answered, 1 without a usable answer, 1 left out", "SRCC", "KRCC", "PLCC fitted", "MAE",
        "tau, walk", "order bias", "✗ cannot be read: clip.mp4: empty", "✗ not on the disk: gone.mp4",
        "line 3: nothing", "No usable answer, 1 times: no <answer> clip", "Note: a note.", "Written: r.json",
    ):  # fmt: skip
        assert expected in text or width == 40
    assert all(len(line) <= width for line in stream.getvalue().splitlines())


def test_files_hold_the_figures(tmp_path: Path) -> None:
    written = write(run(), tmp_path / "r.json", tmp_path / "r.html")
    assert {path.name for path in written} == {"r.json", "r.html", "r.natural_quality.png"}
    assert {path.name for path in tmp_path.iterdir()} == {path.name for path in written}
    result = json.loads((tmp_path / "r.json").read_text())
    assert result["command"].startswith("vqinsight evaluate table")
    assert (result["model"], result["digest"], result["benchmark"], result["split"]) == (
        "stub",
        "0" * 12,
        "table",
        "all",
    )
    counts = {"asked": 36, "ok": 34, "missing": 1, "unreadable": 1, "not_on_disk": 1, "label_rows_left_out": 1}
    assert result["counts"] == counts
    assert result["scores"][0]["dimensions"]["quality"]["srcc"]["interval"]["level"] == 0.95
    assert "points" not in result["scores"][0] and result["pairs"]["scores"]["n"] == 4
    with Image.open(tmp_path / "r.natural_quality.png") as image:
        assert image.size == (720, 600)
        assert len(image.convert("RGB").getcolors(1 << 20) or []) > 50
    assert not write(run(), None, None)


def test_the_title_of_a_plot_has_the_interval() -> None:
    (plot,) = scatters(run()).values()
    assert re.search(r"quality: SRCC -?0\.\d{3} \[-?0\.\d{3}, -?0\.\d{3}\]$", plot.title)
    assert "n = 30, 1 missing" in plot.subtitle and plot.range == (0.0, 100.0)


@pytest.mark.parametrize("count", [2, 3, 2000])
def test_any_values_can_be_drawn(count: int) -> None:
    values = [(-1.0) ** i * 1e6 * i for i in range(count)]
    sources = [f"a very long name of a generator {i % 12}" if i % 5 else None for i in range(count)]
    for x, y in ((values, values), ([3.0] * count, values), (values, [0.0] * count)):
        assert draw_scatter(Scatter(HOSTILE, "", "x", "y", x, y, None, sources))[:4] == b"\x89PNG"


def test_the_page_is_whole_and_harmless() -> None:
    page = render(run(HOSTILE, HOSTILE), [("natural_quality", b"png")])
    assert "<script" not in page and "&lt;script&gt;" in page and "{{ 7 * 7 }}" in page
    assert not re.search("[\x1b\udcff\u202e]|https?://|@import|url\\(", page)
    assert 'src="data:image/png;base64,' in page
    for expected in ("Natural videos, by who made them", "Pairs, by generator", "Clips not on the disk: 1", "gone.mp4"):
        assert expected in page
