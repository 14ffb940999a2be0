"""``vqinsight plan`` as users run it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from vqinsight.cli.main import app

Run = Callable[..., Any]
STAGE2 = "7b/stage2_mixture"


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(tmp_path)
    return lambda *given: CliRunner().invoke(app, ["plan", *map(str, given)], env={"COLUMNS": "160", "TERM": "dumb"})


def test_what_fits(run: Run) -> None:
    """Every item with its size, the verdict, seconds and days, and the rates they stand on."""
    result = run(STAGE2, "--gpus", 8, "--memory", 80, "--sharding", "fsdp2")
    assert result.exit_code == 0, result.output
    text = result.stdout
    for name in (
        "weights",
        "gradients",
        "optimizer",
        "reference",
        "whole policy",
        "key/value cache",
        "activations",
        "logits",
    ):
        assert re.search(rf"^ +{name} +\d+\.\d", text, re.MULTILINE), name
    assert "Qwen2.5-VL-7B-Instruct: 8.29 billion parameters" in text and "8 x 80 GB, FSDP2" in text
    assert "It fits into 80 GB." in text and re.search(r"An update takes about \d+ s: ", text)
    assert re.search(r"takes about [\d.]+ days", text) and "125 TFLOP/s" in text and "(a100)" in text


def test_what_does_not_fit(run: Run) -> None:
    """One setting is named, in the form of the option, and it helps."""
    result = run(STAGE2, "--gpus", 1, "--memory", 80)
    assert result.exit_code == 1
    (named,) = re.findall(r"It does not fit into 80 GB\. Change one setting: --set (\S+)", result.stdout)
    assert run(STAGE2, "--gpus", 1, "--memory", 80, "--set", named).exit_code == 0
    assert "larger cards" in run(STAGE2, "--memory", 8).stdout


def test_as_json(run: Run) -> None:
    found = json.loads(run(STAGE2, "--memory", 24, "--tflops", 100, "--tokens-per-second", 1000, "--json").stdout)
    assert found["card"] == "rtx4090" and not found["fits"] and len(found["changes"]) > 1
    assert found["peak_bytes"] > sum(item["bytes"] for item in found["items"] if item["when"] == "always")
    faster = json.loads(run(STAGE2, "--memory", 24, "--tflops", 200, "--tokens-per-second", 2000, "--json").stdout)
    for phase in ("sampling", "forward and backward"):
        assert found["phases"][phase] == pytest.approx(2 * faster["phases"][phase], rel=1e-3)


def test_another_model(run: Run) -> None:
    small = run(STAGE2, "--model", "Qwen/Qwen3-VL-2B-Instruct", "--json")
    assert json.loads(small.stdout)["parameters"] == 2_127_532_032


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("7b/stage9",), "Did you mean"),
        ((STAGE2, "--model", "Qwen/Qwen9"), "not known"),
        ((STAGE2, "--gpus", "3"), "answers_per_forward"),
        ((STAGE2, "--memory", "-1"), "above 0"),
        ((STAGE2, "--set", "grpo.group_sise=4"), "grpo.group_size"),
        ((STAGE2, "--sharding", "zero9"), "zero2"),
        ((STAGE2, "--card", "a1000"), "rtx4090, l40s, a100"),
    ],
)
def test_wrong_usage(run: Run, arguments: tuple[str, ...], said: str) -> None:
    result = run(*arguments)
    assert result.exit_code == 2 and said in result.output and "Traceback" not in result.output


def test_it_needs_no_torch() -> None:
    """A plan is there at once."""
    code = (
        "import sys\nfrom vqinsight.cli.main import app\n"
        f"try:\n    app(['plan', {STAGE2!r}, '--gpus', '8', '--sharding', 'fsdp2'])\nexcept SystemExit:\n"
        "    sys.exit('torch' in sys.modules or 'transformers' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0 and "fits" in done.stdout, done.stderr
