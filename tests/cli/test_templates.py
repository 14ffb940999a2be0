"""``--template my.toml`` through the command line: checked first, asked, and recorded."""

from __future__ import annotations

import json
from pathlib import Path
from types import ModuleType

import pytest
from helpers import tiny
from typer.testing import CliRunner

from vqinsight.baselines.open import open_baseline
from vqinsight.cli.main import app
from vqinsight.inference.api import load
from vqinsight.inference.predictor import AssessorPredictor
from vqinsight.tasks.prompt_sets import prompt_set

WORDS = 'base = "brief"\n[[scales.natural]]\nkey = "overall"\nlow = 1\nhigh = 5\n'


@pytest.fixture
def model(tmp_path: Path) -> str:
    return str(tiny.save(tiny.qwen2_5_vl(), tmp_path / "model", template="brief", frames=4, max_new_tokens=8))


@pytest.fixture
def template(tmp_path: Path) -> str:
    (tmp_path / "my.toml").write_text(WORDS)
    return str(tmp_path / "my.toml")


def test_results_record_the_file_and_its_digest(model: str, template: str, tmp_path: Path, encode: ModuleType) -> None:
    clip = str(encode.video(tmp_path / "a.mp4", 12))
    shown = CliRunner().invoke(app, ["score", clip, "--model", model, "--template", template, "--json"])
    row = json.loads(shown.stdout)
    assert row["provenance"]["template"] == prompt_set(template).name
    assert row["provenance"]["template"].startswith("my.toml ")
    assert [dim["key"] for dim in row["dimensions"]] == ["overall"]
    predictor = AssessorPredictor(load(model, template=template, device="cpu"))
    assert predictor.settings["template"] == prompt_set(template).name


def test_a_baseline_takes_a_file_too(model: str, template: str) -> None:
    baseline = open_baseline("sft", model=model, template=template, device="cpu")
    assert baseline.ranges["overall"] == (1.0, 5.0)
    digest = baseline.digest
    Path(template).write_text(WORDS + "decimals = 0\n")
    assert open_baseline("sft", model=model, template=template, device="cpu").digest != digest
    assert open_baseline("vq_insight", model=model, template=template).ranges["overall"] == (1.0, 5.0)


def test_a_wrong_file_is_refused_before_the_model_is_loaded(template: str) -> None:
    Path(template).write_text("[wording]\nnaturel = 'How good?'\n")
    shown = CliRunner().invoke(app, ["score", "a.mp4", "--model", "no-such/model", "--template", template])
    said = "".join(shown.stderr.replace("│", "").split())
    assert shown.exit_code == 2 and "'wording.naturel'" in said and "my.toml" in said
