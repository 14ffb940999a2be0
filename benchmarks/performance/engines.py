"""Other engines against a model that is loaded here, on the same clips, row by row.

``python -m benchmarks.performance.engines CLIPS [--only ray] [--json FILE]``

* ``ray``: workers of a Ray cluster (``benchmarks/performance/engine_ray.py``).

A file that exists keeps the engines that are not measured again.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.performance import engine_ray
from benchmarks.results import keep
from vqinsight.video.inputs import expand_inputs

ENGINES: dict[str, Callable[[list[str], argparse.Namespace], dict[str, Any]]] = {
    "ray": engine_ray.measure,
}


def clips_below(folder: Path, count: int) -> list[str]:
    """``count`` clips, of every folder that holds some: in turn one of each, in order of their names."""
    groups: dict[str, list[str]] = {}
    for source, _ in expand_inputs([str(folder)], None).clips:
        groups.setdefault(str(Path(str(source)).parent), []).append(str(source))
    queues = [sorted(each) for _, each in sorted(groups.items())]
    rounds = range(max(map(len, queues), default=0))
    return sorted([queue[i] for i in rounds for queue in queues if i < len(queue)][:count])


def main() -> None:
    """Measure the engines that are asked for, and print their figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clips", type=Path, help="a folder of clips")
    parser.add_argument("--only", choices=list(ENGINES), help="this engine; by default all")
    parser.add_argument("--count", type=int, default=100, help="clips")
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
