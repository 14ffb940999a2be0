"""VBench's package on a miniature set of clips through ``run_vbench``.

``python -m benchmarks.systems.vbench --env DIR --code CLONE``: DIR is an environment with the packages that the five
dimensions of ``official/vbench_cpu.py`` need, CLONE the public repository. One prompt, five clips of seven frames.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.results import store
from benchmarks.systems.run import CLIPS, OFFICIAL
from vqinsight.baselines.frames import chosen_frames
from vqinsight.evaluation.vbench_process import PER_PROMPT, run_vbench
from vqinsight.video.write import write_video

PROMPT, SIDE, FRAMES, FPS = "a cat", 128, 7, 24
DIMENSIONS = (
    "temporal flickering",
    "motion smoothness",
    "dynamic degree",
    "background consistency",
    "aesthetic quality",
)


def flickering(file: Path) -> float:
    """VBench's temporal flickering: 1 minus the mean absolute difference of neighbours, in 255ths."""
    frames = np.stack(list(chosen_frames(str(file), lambda total: list(range(total))).values())).astype(np.float32)
    return 1 - float(np.abs(np.diff(frames, axis=0)).mean((1, 2, 3)).mean()) / 255


def measure(env: Path, code: Path, folder: Path) -> dict[str, Any]:
    """VBench's scores of five small clips made from the examples, and ours of the one dimension without a network."""
    (folder / "videos").mkdir()
    for number, name in zip(range(PER_PROMPT), CLIPS, strict=True):
        found = chosen_frames(f"examples/{name}", lambda total: list(range(0, total, 3))[:FRAMES])
        frames = np.stack([frame[:SIDE, :SIDE] for frame in found.values()])
        write_video(folder / "videos" / f"{PROMPT}-{number}.mp4", frames, FPS)
    info = folder / "info.json"
    keys = [name.replace(" ", "_") for name in DIMENSIONS]
    info.write_text(json.dumps([{"prompt_en": PROMPT, "dimension": keys}]))
    os.environ.update(VBENCH_CODE=str(code.resolve()), VBENCH_CACHE_DIR=str(folder / "cache"))
    program = folder / "vbench"
    line = shlex.join([str(env.absolute() / "bin" / "python"), str(OFFICIAL / "vbench_cpu.py")])
    program.write_text(f'#!/bin/sh\nexec {line} "$@"\n')
    program.chmod(0o755)
    run_vbench(folder / "videos", folder / "results", info=info, command=str(program), dimensions=DIMENSIONS)
    rows = {}
    for key in keys:
        score, clips = json.loads((folder / "results" / f"{key}_eval_results.json").read_text())[key]
        rows[key] = {"score": score, "clips": {Path(row["video_path"]).name: row["video_results"] for row in clips}}
    theirs = rows["temporal_flickering"]["clips"]
    away = max(abs(flickering(folder / "videos" / name) - value) for name, value in theirs.items())
    commit = subprocess.run(["git", "-C", str(code), "rev-parse", "HEAD"], capture_output=True, text=True, check=True)
    return {"vbench_commit": commit.stdout.strip(), "flickering_away": away, "dimensions": rows}


def main() -> None:
    parser = argparse.ArgumentParser(description="Run VBench's package on a miniature set of clips.")
    parser.add_argument("--env", type=Path, required=True, help="VBench's environment")
    parser.add_argument("--code", type=Path, required=True, help="clone of its repository")
    parser.add_argument("--json", type=Path, help="store the result here")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        store(measure(given.env, given.code, Path(folder)), given.json)


if __name__ == "__main__":
    main()
