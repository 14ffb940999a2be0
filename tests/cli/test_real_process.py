"""Every verb once as ``python -m vqinsight``: what forked processes and calls of ``main`` hide, such as imports."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
from helpers import downloads, process

from vqinsight.cli.main import VERBS
from vqinsight.evaluation.vbench import DIMENSIONS

TEXT = "one red star moving up"
ALIGN = """
stage = "united"
out = "run"
rounds = 1

[generator]
name = "generator"

[prompts]
file = "prompts.txt"

[dpo]
updates = 1
pairs_per_update = 1
pairs_per_forward = 1

[reuse]
"round1/pairs" = "better.jsonl"
"""


ELSEWHERE = {
    "train": "tests/invariant/test_resume.py",
    "evaluate": "tests/cli/test_evaluate.py",
    "bench": "tests/cli/test_bench.py",
    "serve": "tests/serving/test_process.py",
    "web": "tests/web/test_process.py",
    "arena": "tests/web/arena/test_killed.py",
    "export": "tests/training/test_export_verl.py",
}


def real(folder: Path, *arguments: str, codes: tuple[int, ...] = (0,)) -> str:
    """Standard output of a process that ends with one of these exit codes and without a traceback."""
    done = subprocess.run(
        [sys.executable, "-m", "vqinsight", *arguments],
        cwd=folder,
        env=os.environ | process.ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode in codes and "Traceback" not in done.stderr, done.stderr
    return done.stdout


@pytest.fixture
def clips(tmp_path: Path, encode: ModuleType) -> Path:
    for name, frames in (("a", 4), ("b", 5)):
        encode.video(tmp_path / f"{name}.mp4", frames)
    return tmp_path


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "key"),
    [
        (("score", "a.mp4"), "scores"),
        (("compare", "a.mp4", "b.mp4"), "order_bias"),
        (("rank", "a.mp4", "b.mp4"), "clips_encoded"),
        (("ask", "a.mp4", "Is the picture sharp?"), "question"),
    ],
    ids=lambda given: given[0] if isinstance(given, tuple) else "",
)
def test_verbs_that_judge(clips: Path, arguments: tuple[str, ...], key: str) -> None:
    """Nano may have no answer to numbers on boards (exit code 1), which then is said."""
    (line,) = real(clips, *arguments, "--frames", "2", "--json", codes=(0, 1)).splitlines()
    assert key in json.loads(line)


def test_ratings_of_too_few_clips(clips: Path) -> None:
    (clips / "r.csv").write_text("path,rating\na.mp4,1\nb.mp4,2\n", encoding="utf-8")
    real(clips, "calibrate", "r.csv", codes=(2,))


@pytest.mark.slow
def test_clips_are_measured(clips: Path) -> None:
    assert "identical (PSNR infinite" in real(clips, "measure", "a.mp4", "--reference", "a.mp4")
    assert "2 of 2" in real(clips, "compare-systems", "a.mp4", "b.mp4", "--systems", "technical")


@pytest.mark.slow
def test_a_folder_that_is_watched(clips: Path) -> None:
    real(clips, "watch", ".", "--out", "judged", "--once", "--frames", "2", codes=(0, 1))
    assert (clips / "judged" / "part-000000.parquet").is_file()


@pytest.mark.slow
def test_verbs_with_a_generator(tmp_path: Path) -> None:
    """Clips are made, judged in pairs, and teach the generator that made them; then one is to be repaired."""
    from helpers.tiny_generators import tiny_generator

    tiny_generator("nano").save(tmp_path / "generator")
    real(tmp_path, "generate", TEXT, "--generator", "generator", "--candidates", "2", "--out", "clips")
    made = sorted((tmp_path / "clips").rglob("*.mp4"))
    assert len(made) == 2

    real(tmp_path, "pairs", "clips", "--out", "pairs.jsonl", codes=(0, 1))  # 1: noise is as good as noise
    (row,) = [json.loads(line) for line in (tmp_path / "pairs.jsonl").read_text().splitlines()]
    better = row | {"win": str(made[0]), "lose": str(made[1]), "reason": None}
    (tmp_path / "better.jsonl").write_text(json.dumps(better) + "\n")
    (tmp_path / "prompts.txt").write_text(TEXT)
    (tmp_path / "config.toml").write_text(ALIGN)
    real(tmp_path, "align", "config.toml")
    assert (tmp_path / "run" / "round1" / "generator" / "final" / "generator.json").is_file()

    given = ("repair", str(made[0]), "--prompt", TEXT, "--generator", "generator", "--attempts", "1", "--out", "r.mp4")
    real(tmp_path, *given, codes=(0, 1))


def test_verbs_without_a_model(tmp_path: Path) -> None:
    (tmp_path / "evaluations").mkdir()
    assert "50.80" in real(tmp_path, "tables")
    assert "technical" in real(tmp_path, "baselines")
    measured = {each.name: [each.high, []] for each in DIMENSIONS}
    downloads.text(tmp_path / "vbench" / "a_eval_results.json", json.dumps(measured))
    assert "overall" in real(tmp_path, "vbench", "vbench", "--generator", "G")
    downloads.files(tmp_path, ["a.mp4"])
    downloads.table(tmp_path / "t.csv", ["path", "quality"], ("a.mp4", 3))
    assert "nano" in real(tmp_path, "models")
    assert "It fits" in real(tmp_path, "plan", "nano/stage2", "--memory", "24")
    assert "nano/stage2" in real(tmp_path, "configs")
    assert Path(real(tmp_path, "lmms-eval-path").strip(), "vqinsight_konvid.yaml").is_file()
    assert "torch" in real(tmp_path, "doctor")
    assert "1 natural" in real(tmp_path, "data", "check", "t.csv", "--scale", "1", "5")


def test_no_verb_is_left_out() -> None:
    text = Path(__file__).read_text(encoding="utf-8")
    assert not [verb for verb in VERBS if f'"{verb}"' not in text]
