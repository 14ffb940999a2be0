"""Runs the ``vbench`` package in its own environment, one dimension at a time, with its results in a folder.

VBench 0.1.5 pins numpy below 2 and transformers 4.33, so it needs its own environment, and it needs a CUDA device. A
dimension with a result file is skipped.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from vqinsight.errors import UsageError
from vqinsight.evaluation.vbench import DIMENSIONS

PER_PROMPT = 5  # videos per prompt: "<prompt>-0.mp4" to "<prompt>-4.mp4"
_NAMED = 3  # names listed in a message


def missing_videos(videos: Path, info: Path) -> list[str]:
    """File names that VBench's prompts require and the folder lacks; VBench itself skips them silently.

    Raises:
        UsageError: no such folder, or ``info`` is no VBench prompt list.
    """
    if not videos.is_dir():
        raise UsageError(
            f"--videos {videos}: no such folder. Put the generator's videos there, <prompt>-0.mp4 to -4.mp4."
        )
    try:
        prompts = [entry["prompt_en"] for entry in json.loads(info.read_text(encoding="utf-8"))]
    except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
        raise UsageError(
            f"--info {info}: not VBench_full_info.json, which lies in VBench's repository ({error!r})."
        ) from error
    wanted = [f"{prompt}-{number}.mp4" for prompt in dict.fromkeys(prompts) for number in range(PER_PROMPT)]
    there = set(os.listdir(videos))  # noqa: PTH208 - names only
    return [name for name in wanted if name not in there]


def run_vbench(
    videos: Path,
    results: Path,
    *,
    info: Path,
    command: str = "vbench",
    on_progress: Callable[[int, int], None] | None = None,
) -> None:
    """Measure the dimensions missing in ``results``; the output goes to ``vbench.log`` there.

    Args:
        info: ``VBench_full_info.json`` of the repository: prompts and their dimensions.
        command: the ``vbench`` program in its environment.
        on_progress: called with (dimensions done, all dimensions).

    Raises:
        UsageError: videos are missing, there is no such program, or it failed.
    """
    gone = missing_videos(videos, info)
    if gone:
        raise UsageError(
            f"{videos}: {len(gone)} of VBench's videos are not there, such as {'; '.join(gone[:_NAMED])}. It would "
            "score the others alone, which is another benchmark: make these too."
        )
    program = shutil.which(command)
    if program is None:
        raise UsageError(
            f"{command}: no such program. Install VBench in an environment of its own and give --vbench ENV/bin/vbench."
        )
    results.mkdir(parents=True, exist_ok=True)
    for place, dimension in enumerate(DIMENSIONS):
        if on_progress is not None:
            on_progress(place, len(DIMENSIONS))
        key = dimension.name.replace(" ", "_")
        if (results / f"{key}_eval_results.json").is_file():
            continue
        line = [program, "evaluate", "--dimension", key, "--videos_path", str(videos.resolve())]
        line += ["--output_path", str(results.resolve()), "--full_json_dir", str(info.resolve())]
        log = results / "vbench.log"
        with log.open("a", encoding="utf-8") as out:
            code = subprocess.run(line, stdout=out, stderr=subprocess.STDOUT, check=False).returncode
        if code or not (results / f"{key}_eval_results.json").is_file():
            raise UsageError(f"VBench did not measure {dimension.name} (exit code {code}): see the end of {log}.")
    if on_progress is not None:
        on_progress(len(DIMENSIONS), len(DIMENSIONS))
