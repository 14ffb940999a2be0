"""The command line with a stand-in for the model, run in an empty folder."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from helpers import records
from typer.testing import CliRunner

from vqinsight.cli.main import app

Run = Callable[..., Any]


@pytest.fixture
def judge() -> Any:
    return records.FakeJudge()


@pytest.fixture
def run(judge: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """Run the command line in an empty folder."""
    monkeypatch.setitem(sys.modules, "vqinsight.inference.api", records.fake_api(judge))
    monkeypatch.chdir(tmp_path)
    runner = CliRunner()
    return lambda *arguments: runner.invoke(app, list(arguments), env={"COLUMNS": "100", "TERM": "dumb"})
