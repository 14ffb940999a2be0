"""The method on one page runs and learns."""

from __future__ import annotations

import copy
import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from helpers.pages import ROOT

FILE = ROOT / "examples" / "grpo_in_100_lines.py"


@pytest.fixture(scope="module")
def example() -> Any:
    spec = importlib.util.spec_from_file_location("grpo_in_100_lines", FILE)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_it_is_a_page() -> None:
    assert len(FILE.read_text(encoding="utf-8").splitlines()) <= 100


@pytest.mark.slow
def test_it_runs_as_a_program(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(FILE), "--updates", "1", "--questions", "1"],
        cwd=tmp_path, env=os.environ | {"OMP_NUM_THREADS": "1"}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    said = re.fullmatch(r"update  1: mean reward (\d\.\d{3})\n", done.stdout)
    assert said and 0 < float(said[1]) <= 2.4  # format 1, score 1, temporal .3, length .1


@pytest.mark.slow
def test_an_update_moves_the_language_model_alone(example: Any) -> None:
    assessor = example.Assessor(example.load_model(str(example.BASE), device="cpu", dtype="float32"))
    model = assessor.loaded.model
    reference = copy.deepcopy(model)
    model.model.language_model.requires_grad_(True)
    question = example.SyntheticExamples("generated", "train", count=1)[0]
    clip = assessor.encode(assessor.clips.load(question.question.clips[0].path))
    example.update(assessor, reference, [(question, clip)], seed=0)
    moved = {
        name.split(".")[1] for name, value in model.named_parameters() if value.grad is not None and value.grad.any()
    }
    assert moved == {"language_model"}
    exact = ", ".join(f'"{key}": {value:g}' for key, value in question.answer.values.items())
    right = example.correctness(assessor, question, [f"<think>seen</think><answer>{{{exact}}}</answer>", "no answer"])
    assert right[0] == pytest.approx(1.0, abs=0.01) and right[1] == 0.0
