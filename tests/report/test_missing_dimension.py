"""A dimension without a score: a dash and the reason on the terminal and the page, a column in tables."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path

import pytest
from helpers import records
from rich.console import Console

from vqinsight.errors import UsageError
from vqinsight.report import plot
from vqinsight.report.console import show_scores
from vqinsight.report.html import render
from vqinsight.report.rows import table
from vqinsight.report.store import MANIFEST, open_store, read_results
from vqinsight.results import SCHEMA_VERSION

REASON = "one frame cannot show motion"
WHOLE = records.score("whole.mp4", (62.0, 71.0))
PART = records.score("part.mp4", (80.0, 0.0), lacking={"temporal": REASON})


def printed(*clips: object, verbose: bool = False) -> str:
    console = Console(file=io.StringIO(), width=120, color_system=None)
    show_scores(console, list(clips), verbose=verbose)  # type: ignore[arg-type]
    return console.file.getvalue()  # type: ignore[attr-defined]


def test_the_terminal_shows_a_dash_and_the_reason() -> None:
    text = printed(PART, WHOLE)
    assert re.search(rf"temporal +– +{REASON}", text)
    assert "mean of spatial, temporal" in text and "80.0 of spatial" in text and "66.5 of spatial, temporal" in text
    assert "only those of the same ones compare" in text
    many = printed(*[WHOLE] * 6, PART)
    assert f"– part.mp4: temporal: {REASON}" in many
    assert "compare." not in printed(WHOLE, WHOLE)


def test_the_page_does_too() -> None:
    page = render([WHOLE, PART], None, None)
    assert page.count(REASON) == 2  # in the table and in the clip's card
    assert "mean of spatial, temporal, brought to 0–100" in page and "<small>of spatial</small>" in page
    assert [strip.name for strip in plot.strips([WHOLE, PART])] == ["spatial", "temporal", "overall", "overall"]


def test_a_row_holds_the_reason_and_what_overall_is_of() -> None:
    columns, (whole, part) = table([WHOLE, PART])
    assert part["spatial"] == 80.0 and "temporal" not in part and part["overall"] == 80.0
    assert json.loads(part["missing_dimensions"]) == {"temporal": REASON} and part["overall_of"] == ["spatial"]
    assert "missing_dimensions" not in whole and whole["overall_of"] == ["spatial", "temporal"]
    assert {"overall_of", "missing_dimensions", "schema_version"} <= columns.keys()
    assert whole["schema_version"] == SCHEMA_VERSION == part["schema_version"]


def test_a_folder_of_another_schema_is_refused(tmp_path: Path) -> None:
    settings = {"verb": "score", "samples": 1}
    with open_store(tmp_path, settings, {"quality": [[0, 100]]}):
        pass
    assert read_results(tmp_path).num_rows == 0
    manifest = json.loads((tmp_path / MANIFEST).read_text())
    (tmp_path / MANIFEST).write_text(json.dumps({**manifest, "schema_version": 1}))
    with pytest.raises(UsageError, match="rows of schema 1, and this version"), open_store(tmp_path, settings, {}):
        pass
    with pytest.raises(UsageError, match="their columns differ"):
        read_results(tmp_path)
