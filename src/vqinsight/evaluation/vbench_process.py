"""Runs the ``vbench`` package in its own environment, one dimension at a time, with its results in a folder.

VBench 0.1.5 pins numpy below 2 and transformers 4.33, so it needs its own environment, and it needs a CUDA device. A
dimension with a result file is skipped. The package names its result by the time of day, ends with exit code 0 whatever
happens, and starts the ``python`` that the search path has first: hence a folder for each dimension, and its own path.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from vqinsight.errors import UsageError
from vqinsight.evaluation.vbench import DIMENSIONS

PER_PROMPT = 5  # videos per prompt: "<prompt>-0.mp4" to "<prompt>-4.mp4"
_NAMED = 3  # names listed in a message
_ALL = tuple(dimension.name for dimension in DIMENSIONS)


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
    dimensions: Sequence[str] = _ALL,
    on_progress: Callable[[int, int], None] | None = None,
) -> None:
    """Measure the dimensions missing in ``results``; the output goes to ``vbench.log`` there.

    Args:
        info: ``VBench_full_info.json`` of the repository: prompts and their dimensions.
        command: the ``vbench`` program in its environment.
        dimensions: names of ``DIMENSIONS``.
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
    for place, name in enumerate(dimensions):
        if on_progress is not None:
            on_progress(place, len(dimensions))
        if not (results / _file(name)).is_file():
            _measure(program, name, videos, results, info)
    if on_progress is not None:
        on_progress(len(dimensions), len(dimensions))


def _file(name: str) -> str:
    return f"{name.replace(' ', '_')}_eval_results.json"


def _measure(program: str, name: str, videos: Path, results: Path, info: Path) -> None:
    """Measure one dimension; its file appears whole.

    Raises:
        UsageError: there is no result.
    """
    log = results / "vbench.log"
    own = str(Path(program).absolute().parent)
    environment = {**os.environ, "PATH": os.pathsep.join([own, os.environ.get("PATH", "")])}
    with tempfile.TemporaryDirectory(dir=results.resolve()) as made, log.open("a", encoding="utf-8") as out:
        line = [program, "evaluate", "--dimension", name.replace(" ", "_"), "--videos_path", str(videos.resolve())]
        line += ["--output_path", made, "--full_json_dir", str(info.resolve())]
        code = subprocess.run(line, stdout=out, stderr=subprocess.STDOUT, env=environment, check=False).returncode
        found = sorted(Path(made).glob("*_eval_results.json"))
        if code or len(found) != 1:
            raise UsageError(f"VBench did not measure {name}: see the end of {log}.")
        found[0].replace(results / _file(name))
