"""What workers do themselves, without the systems: questions, readouts, and the scripts that they read."""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from vqinsight.baselines.foreign.process import WORKERS

SCRIPT = """
import os
os.makedirs("results/there", exist_ok=True)
os.environ["CUDA_VISIBLE_DEVICES"] = "0,1"


def load_video(file):
    return [file]


def main():
    kind = "a video"
    inp = "Rate it."
    inp = "<image>" + inp
"""


@pytest.fixture
def worker(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """Import a worker by its name, as if started with the test's folder as clone and weights."""
    monkeypatch.setattr(sys, "path", [str(WORKERS), *sys.path])
    monkeypatch.setattr(
        sys, "argv", ["worker", "--code", str(tmp_path), "--weights", str(tmp_path), "--device", "cuda"]
    )

    def load(name: str) -> Any:
        found = importlib.util.spec_from_file_location(f"worker_{name}", WORKERS / f"{name}.py")
        assert found is not None
        assert found.loader is not None
        module = importlib.util.module_from_spec(found)
        found.loader.exec_module(module)
        return module

    return load


def test_the_question_is_the_scripts_own(worker: Any, tmp_path: Path) -> None:
    owl2, script = worker("owl2"), tmp_path / "script.py"
    script.write_text(SCRIPT)
    assert owl2.question(script) == "Rate it."
    script.write_text("ask = 'Rate it.'\n")
    with pytest.raises(ValueError, match="no text named inp"):
        owl2.question(script)


def test_a_script_writes_nothing_where_it_is_imported(
    worker: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3")
    assert worker("owl2").functions(script).load_video("a") == ["a"]
    assert Path.cwd() == tmp_path / "here"
    assert not list((tmp_path / "here").iterdir())


def test_a_script_does_not_choose_the_device(worker: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = tmp_path / "quality_scoring" / "llava" / "eval"
    place.mkdir(parents=True)
    (place / "model_score_UGC_video.py").write_text(SCRIPT)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3")
    assert worker("vqa2").script().load_video("a") == ["a"]
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "3"


def test_a_clip_without_a_whole_second_says_so(worker: Any) -> None:
    with pytest.raises(ValueError, match="shorter than a second"):
        worker("owl2").frames_of("clip.mp4", lambda _file: [])


@pytest.mark.parametrize(
    ("margins", "probability"),
    [([0.0], 0.5), ([2.0, 4.0], 0.952574), ([-2.0, -4.0], 0.047426), ([900.0], 1.0), ([-900.0], 0.0)],
)
def test_good_against_poor_is_the_softmax_of_the_mean(worker: Any, margins: list[float], probability: float) -> None:
    assert worker("owl2").probability(margins) == pytest.approx(probability, abs=1e-6)
