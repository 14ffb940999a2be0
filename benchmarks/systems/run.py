"""Each foreign system's adapter beside the system's own inference on the same files.

``python -m benchmarks.systems.run --systems DIR``: DIR holds NAME/env and NAME/code for each system, as the commands of
its recipe leave them. Weights are made at random and of reduced size.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.results import keep
from vqinsight.baselines.foreign.home import Home, commit_of, home_of, lacking
from vqinsight.baselines.foreign.recipe import Recipe
from vqinsight.baselines.foreign.recipes import RECIPES
from vqinsight.baselines.foreign.system import ForeignSystem
from vqinsight.tasks.types import Missing

OFFICIAL = Path(__file__).parent / "official"
CLIPS = ("cat.mp4", "cat_compressed.mp4", "circles.mp4", "rocket_jitter.mp4", "squares_blurred.mp4")
PROMPT = "a cat"
AGREEMENT = 1e-4  # of a score, relative to 1 or to its size
_LONGEST = 1800  # seconds of one step


def step(name: str, home: Home, what: str, files: Sequence[str] = ()) -> str:
    """The output of one step of ``official/NAME.py``.

    Raises:
        RuntimeError: it failed; the text has its last lines.
    """
    command = [str(home.python), str(OFFICIAL / f"{name}.py"), what, *files]
    command += ["--weights", str(home.weights), "--prompt", PROMPT]
    if home.code is not None:
        command += ["--code", str(home.code.resolve())]
    done = subprocess.run(command, capture_output=True, text=True, timeout=_LONGEST)
    if done.returncode:
        raise RuntimeError("\n".join((done.stdout + done.stderr).strip().splitlines()[-12:]))
    return done.stdout


def compare(recipe: Recipe, home: Home, files: Sequence[str]) -> dict[str, Any]:
    """Both answers for each file, and their largest difference, relative to the larger of 1 and the score."""
    step(recipe.name, home, "reduce")
    said = step(recipe.name, home, "official", files)
    line = next(line for line in said.splitlines() if line.startswith("OFFICIAL "))
    official = json.loads(line.removeprefix("OFFICIAL "))
    smaller = (
        OFFICIAL / "reduced" / f"{recipe.name}.py"
    )  # the worker, where it cannot build a smaller network by itself
    system = ForeignSystem(recipe, home, device="cpu", worker=smaller if smaller.is_file() else None)
    try:
        ours = [system.score(file, PROMPT) for file in files]
    finally:
        system.close()
    rows = []
    for file, theirs, mine in zip(files, official, ours, strict=True):
        if isinstance(mine, Missing):
            raise RuntimeError(f"{file}: {mine.reason}")
        away = max(abs(mine[key] - theirs[key]) / max(1.0, abs(theirs[key])) for key in recipe.dimensions)
        rows.append({"clip": Path(file).name, "official": theirs, "ours": mine, "difference": away})
    largest = max(row["difference"] for row in rows)
    return {
        "commit": commit_of(home),
        "versions": system.versions,
        "peak_mib": system.peak_mib,
        "largest_difference": largest,
        "agrees": largest <= AGREEMENT,
        "distinct": len({json.dumps(row["ours"]) for row in rows}),
        "clips": rows,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description="Compare adapters with the systems' own inference.")
    parser.add_argument("--systems", type=Path, required=True, help="folder with NAME/env and NAME/code")
    parser.add_argument("--only", nargs="*", choices=list(RECIPES), help="these systems")
    parser.add_argument("--clips", type=Path, default=Path("examples"), help="folder of the five clips")
    parser.add_argument("--json", type=Path, help="add to this file")
    given = parser.parse_args()
    files = [str((given.clips / name).resolve()) for name in CLIPS]
    found: dict[str, Any] = json.loads(given.json.read_text())["systems"] if given.json and given.json.exists() else {}
    for name in given.only or list(RECIPES):
        recipe = RECIPES[name]
        with tempfile.TemporaryDirectory() as weights:
            home = home_of(recipe, home=str(given.systems / name), weights=weights)
            parts = [text for text in lacking(recipe, home) if not text.startswith("no weights")]
            if parts or not (OFFICIAL / f"{name}.py").is_file():
                print(f"{name}: skipped: {parts[0] if parts else 'no program of its own inference'}")
                continue
            try:
                found[name] = compare(recipe, home, files)
            except (RuntimeError, subprocess.TimeoutExpired) as error:
                found[name] = {"failed": str(error).splitlines()[-1]}
                print(f"{name}: failed: {error}")
                continue
        print(f"{name}: largest difference {found[name]['largest_difference']:.2g}")
    keep({"systems": found}, given.json)


if __name__ == "__main__":
    main()
