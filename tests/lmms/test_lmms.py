"""lmms-eval itself, in an environment of its own: ``make test-lmms LMMS=DIR``."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers import downloads, process

from vqinsight.lmms_eval import TASKS
from vqinsight.lmms_eval.questions import TEMPLATE, folder_variable

pytestmark = pytest.mark.full
EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
VOTES = ("leftvote", "rightvote", "tievote", "bothbad_vote")


@pytest.fixture(scope="module")
def program() -> Path:
    found = Path(os.environ.get("LMMS_EVAL", ""))
    if not found.is_file():
        pytest.skip("lmms-eval is not installed: make test-lmms LMMS=DIR")
    return found


@pytest.fixture(scope="module")
def address(program: Path) -> Iterator[str]:
    """The embedded model behind ``vqinsight serve``."""
    pytest.importorskip("fastapi", reason="the extra serve is not installed")
    command = [sys.executable, "-m", "vqinsight", "serve", "--port", "0", "--quiet"]
    environment = os.environ | process.ENVIRONMENT
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            url = server.stdout.readline().split()[-1]
            assert server.stdout.readline() == "Ready\n"
            yield url
        finally:
            server.terminate()


def test_figures_of_lmms_eval_are_those_of_evaluate(program: Path, address: str, tmp_path: Path) -> None:
    """One task of scores, with a broken clip, and one of pairs."""
    places = {name: tmp_path / name for name in ("konvid", "genai_bench")}
    clips = sorted(EXAMPLES.glob("*.mp4"))
    for folder in (places["konvid"] / "KoNViD_1k_videos", places["genai_bench"]):
        folder.mkdir(parents=True)
        for number, clip in enumerate(clips):
            (folder / f"{number}.mp4").write_bytes(clip.read_bytes())
    (places["konvid"] / "KoNViD_1k_videos" / f"{len(clips)}.mp4").write_bytes(b"noise")
    mos = [(number, 1 + number / 2) for number in range(len(clips) + 1)]
    downloads.table(places["konvid"] / "KoNViD_1k_mos.csv", ["flickr_id", "mos"], *mos)
    pairs = [
        {
            "prompt": "a dog", "left_video": f"{i}.mp4", "right_video": f"{i + 1}.mp4", "left_model": "Lavie",
            "right_model": "Pika", "vote_type": VOTES[i % 4],
        }
        for i in range(4)
    ]  # fmt: skip
    downloads.parquet(places["genai_bench"] / "video_generation" / "test_v1-00000-of-00001.parquet", pairs)

    kept = {key: value for key, value in os.environ.items() if key not in (TEMPLATE, "PYTHONPATH")}
    data = {folder_variable(name): str(folder) for name, folder in places.items()}
    private = {"HF_HOME": str(tmp_path / "cache"), "LMMS_EVAL_HOME": str(tmp_path / "cache")}
    asked = ["--tasks", "vqinsight_konvid,vqinsight_genai_bench", "--include_path", str(TASKS), "--log_samples"]
    done = subprocess.run(
        [program, "--model", "vqinsight", "--model_args", f"url={address}", *asked, "--output_path", tmp_path / "out"],
        env=kept | process.ENVIRONMENT | data | private,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    [report] = list((tmp_path / "out").rglob("*results.json")) or [None]
    assert report is not None, done.stdout[-3000:] + done.stderr[-6000:]
    theirs = json.loads(report.read_text(encoding="utf-8"))["results"]

    ours = {}
    for name, folder in places.items():
        out = tmp_path / f"{name}.json"
        evaluated = process.run("evaluate", name, "--data", str(folder), "--out", str(out), folder=tmp_path)
        assert out.is_file(), evaluated.stderr
        ours[name] = json.loads(out.read_text(encoding="utf-8"))
    scores, pairwise = (theirs[f"vqinsight_{name}"] for name in places)
    wanted = ours["konvid"]["scores"][0]["dimensions"]["quality"]
    for metric in ("srcc", "krcc", "plcc", "plcc_logistic"):
        _same(scores[f"{metric},none"], wanted[metric]["value"])
    for metric in ("tau_va", "tau_deutsch", "diff", "diff_model_decided", "accuracy"):
        _same(pairwise[f"{metric},none"], ours["genai_bench"]["pairs"]["scores"][metric]["value"])
    for found, name in ((scores, "konvid"), (pairwise, "genai_bench")):
        for count in ("missing", "unreadable"):
            assert found[f"{count},none"] == ours[name]["counts"][count], (name, count)
    assert scores["unreadable,none"] == 1
    logged = list((tmp_path / "out").rglob("*samples*vqinsight_konvid.jsonl"))
    assert len(logged) == 1 and len(logged[0].read_text(encoding="utf-8").splitlines()) == len(mos)
    print("lmms-eval:", {key: value for key, value in (scores | pairwise).items() if not isinstance(value, str)})


def _same(theirs: float, ours: float | None) -> None:
    assert theirs == ours or (ours is None and math.isnan(theirs))
