"""``models``, ``configs`` and ``doctor``: what there is, and what is installed."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

import vqinsight
from vqinsight.cli import doctor
from vqinsight.cli.main import app
from vqinsight.settings.shipped import shipped_names


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments), env={"COLUMNS": "100", "TERM": "dumb"})


def test_models_are_listed_with_scale_licence_and_source() -> None:
    text = run("models").stdout
    for expected in (
        "nano (embedded, qwen2_5_vl)", "ByteDance/Q-Insight:vqinsight-comp", "Qwen/Qwen3-VL-8B-Instruct",
        "quality 1–5", "alignment 0–100", "Apache-2.0", "hf download", "Higher is better on every dimension.",
    ):  # fmt: skip
        assert expected in text
    rows = [json.loads(line) for line in run("models", "--json").stdout.splitlines()]
    assert [row["name"] for row in rows] == [model.name for model in vqinsight.list_models()]
    assert rows[0]["scores"]["natural"][0]["high"] == 100 and rows[0]["higher_is_better"] is True


def test_configs_are_listed_and_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    listed = [line.split()[0] for line in run("configs").stdout.splitlines()]
    assert listed == shipped_names()
    path = Path(run("configs", "nano/stage2").stdout.strip())
    assert tomllib.loads(path.read_text())["stage"] == "temporal"
    assert Path(run("configs", "distributed/fsdp2.yaml").stdout.strip()).is_file()
    rows = [json.loads(line) for line in run("configs", "--json").stdout.splitlines()]
    assert all(Path(row["path"]).is_file() for row in rows) and "temporal learning" in rows[-2]["about"]
    wrong = run("configs", "nano/stge2")
    assert wrong.exit_code == 2 and "Did you mean 'nano/stage2'?" in wrong.stderr and wrong.stdout == ""


def test_doctor_says_what_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = ["torch>=2", "nosuchpackage>=3; extra == 'odd'", "typer>=999; extra == 'new'", "rich; extra == 'fine'"]
    monkeypatch.setattr(doctor, "requires", lambda _: wanted)
    monkeypatch.setattr(doctor, "extra_names", lambda: ["odd", "new", "fine"])
    result = run("doctor")
    assert result.exit_code == 0
    text = " ".join(result.stdout.split())
    assert f"vqinsight {vqinsight.__version__}" in text and "torch 2." in text and "FFmpeg in av" in text
    assert "odd lacks nosuchpackage>=3: pip install 'vqinsight[odd]'" in text
    assert "new lacks typer>=999: pip install 'vqinsight[new]'" in text and "fine installed" in text
    found: dict[str, Any] = json.loads(run("doctor", "--json").stdout)
    assert found["device"] and found["threads"] and found["extras"]["fine"]["missing"] == []
    assert set(found["extras"]) == {"odd", "new", "fine"}
