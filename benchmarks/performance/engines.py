"""Other engines against a model that is loaded here, on the same clips, row by row.

``python -m benchmarks.performance.engines CLIPS [--only ENGINE] [--vllm DIR] [--json FILE]``

* ``serve``: our own server is sent whole files; a row is equal where every value is, to the last bit.
* ``ray``: workers of a Ray cluster (``benchmarks/performance/engine_ray.py``).
* ``vllm``: vLLM is sent frames (``benchmarks/performance/engine_vllm.py``).

A file that exists keeps the engines that are not measured again.
"""

from __future__ import annotations

import argparse
import base64
import json
import re
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.performance import engine_ray, engine_vllm
from benchmarks.results import keep
from vqinsight.inference.api import load
from vqinsight.video.inputs import expand_inputs

_AT_ONCE = 4  # requests under way


def clips_below(folder: Path, count: int) -> list[str]:
    """``count`` clips, of every folder that holds some: in turn one of each, in order of their names."""
    groups: dict[str, list[str]] = {}
    for source, _ in expand_inputs([str(folder)], None).clips:
        groups.setdefault(str(Path(str(source)).parent), []).append(str(source))
    queues = [sorted(each) for _, each in sorted(groups.items())]
    rounds = range(max(map(len, queues), default=0))
    return sorted([queue[i] for i in rounds for queue in queues if i < len(queue)][:count])


@contextmanager
def own_server() -> Iterator[str]:
    """``vqinsight serve`` as a process of its own; its address."""
    command = [sys.executable, "-m", "vqinsight", "serve", "--port", "0", "--quiet"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            found = re.search(r"http://\S+", process.stdout.readline())
            if found is None or process.stdout.readline() != "Ready\n":
                raise SystemExit("vqinsight serve does not start")
            yield found[0]
        finally:
            process.terminate()


def serve(clips: list[str], _: argparse.Namespace) -> dict[str, Any]:
    """Scores of our own server, given whole files, and those of a model loaded here."""

    def ask(clip: str) -> dict[str, Any]:
        sent = {"clips": [{"video": base64.b64encode(Path(clip).read_bytes()).decode(), "name": clip}]}
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(f"{address}/v1/score", json.dumps(sent).encode(), headers)
        with urllib.request.urlopen(request, timeout=600) as answer:
            record: dict[str, Any] = json.load(answer)["results"][0]
            return record

    with own_server() as address, ThreadPoolExecutor(_AT_ONCE) as pool:
        begun = time.monotonic()
        there = list(pool.map(ask, clips))
        seconds = time.monotonic() - begun
    begun = time.monotonic()
    here = [json.loads(json.dumps(score.as_dict())) for score in load().score_all((clip, None) for clip in clips)]
    differing = [a["path"] for a, b in zip(here, there, strict=True) if a != b]
    return {
        "clips": len(clips),
        "requests_at_once": _AT_ONCE,
        "statuses": engine_vllm.counted(row["status"] for row in here),
        "same_status": sum(a["status"] == b["status"] for a, b in zip(here, there, strict=True)),
        "equal": len(clips) - len(differing),
        "differing": [Path(path).name for path in differing],
        "seconds": {"serve": round(seconds, 1), "local": round(time.monotonic() - begun, 1)},
    }


ENGINES: dict[str, Callable[[list[str], argparse.Namespace], dict[str, Any]]] = {
    "serve": serve,
    "ray": engine_ray.measure,
    "vllm": engine_vllm.measure,
}


def main() -> None:
    """Measure the engines that are asked for, and print their figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("clips", type=Path, help="a folder of clips")
    parser.add_argument("--only", choices=list(ENGINES), help="this engine; by default all")
    parser.add_argument("--count", type=int, default=100, help="clips")
    parser.add_argument("--vllm", type=Path, help="an environment with vLLM")
    parser.add_argument("--layout", type=Path, action="append", default=[], help="a model in an official layout")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    clips = clips_below(given.clips, given.count)
    found = json.loads(given.json.read_text(encoding="utf-8")) if given.json and given.json.is_file() else {}
    for name in [given.only] if given.only else list(ENGINES):
        found[name] = ENGINES[name](clips, given)
        print(name, json.dumps(found[name], indent=2))
        keep({key: value for key, value in found.items() if key in ENGINES}, given.json)


if __name__ == "__main__":
    main()
