"""Each foreign system's adapter beside the system's own inference on the same files.

``python -m benchmarks.systems.run --systems DIR``: DIR holds NAME/env and NAME/code for each system, as the commands of
its recipe leave them. Weights are made at random and of reduced size.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.results import keep
from vqinsight.baselines.foreign.home import Home, commit_of, home_of, lacking
from vqinsight.baselines.foreign.recipe import Recipe
from vqinsight.baselines.foreign.recipes import RECIPES
from vqinsight.baselines.foreign.system import ForeignSystem
from vqinsight.tasks.types import Missing

Answers = list[dict[str, float]]
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


def official(name: str, home: Home, files: Sequence[str]) -> Answers:
    """The makers' own answers."""
    said = step(name, home, "official", files)
    line = next(line for line in said.splitlines() if line.startswith("OFFICIAL "))
    answers: Answers = json.loads(line.removeprefix("OFFICIAL "))
    return answers


def compared(files: Sequence[str], theirs: Answers, ours: Answers) -> dict[str, Any]:
    """Both answers for each file, how many of ours differ, and the largest difference.

    A difference is that of all values of a file, relative to the larger of 1 and the makers' value.
    """
    away = [
        max(abs(mine[key] - value) / max(1.0, abs(value)) for key, value in their.items())
        for mine, their in zip(ours, theirs, strict=True)
    ]
    return {
        "largest_difference": max(away),
        "distinct": len({json.dumps(mine) for mine in ours}),
        "clips": [
            {"clip": Path(file).name, "official": their, "ours": mine, "difference": apart}
            for file, their, mine, apart in zip(files, theirs, ours, away, strict=True)
        ],
    }


def compare(recipe: Recipe, home: Home, files: Sequence[str]) -> dict[str, Any]:
    """What ``compared`` says of a system in an environment of its own, and on which code and packages."""
    step(recipe.name, home, "reduce")
    theirs = official(recipe.name, home, files)
    # The worker, where it cannot build a smaller network by itself.
    smaller = OFFICIAL / "reduced" / f"{recipe.name}.py"
    system = ForeignSystem(recipe, home, device="cpu", worker=smaller if smaller.is_file() else None)
    ours: Answers = []
    try:
        for file in files:
            mine = system.score(file, PROMPT)
            if isinstance(mine, Missing):
                raise RuntimeError(f"{file}: {mine.reason}")
            ours.append(mine)
    finally:
        system.close()
    found = compared(files, theirs, ours)
    return {
        "commit": commit_of(home.code),
        "versions": system.versions,
        "peak_mib": system.peak_mib,
        "agrees": found["largest_difference"] <= AGREEMENT,
        **found,
    }


def add_each(
    description: str, names: Sequence[str], one: Callable[[str, Path, Sequence[str], Path], dict[str, Any] | str]
) -> None:
    """The command line of a comparison: each system in turn, results added to the file of ``--json``.

    Args:
        one: compares one system, from its name, its folder, the clips and a folder for weights; or says why it cannot.
    """
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--systems", type=Path, required=True, help="folder with NAME/env and NAME/code")
    parser.add_argument("--only", nargs="*", choices=names, help="these systems")
    parser.add_argument("--clips", type=Path, default=Path("examples"), help="folder of the five clips")
    parser.add_argument("--json", type=Path, help="add to this file")
    given = parser.parse_args()
    files = [str((given.clips / name).resolve()) for name in CLIPS]
    found: dict[str, Any] = json.loads(given.json.read_text())["systems"] if given.json and given.json.exists() else {}
    for name in given.only or names:
        with tempfile.TemporaryDirectory() as folder:
            try:
                said = one(name, given.systems / name, files, Path(folder))
            except (RuntimeError, subprocess.TimeoutExpired) as error:
                found[name] = {"failed": str(error).splitlines()[-1]}
                print(f"{name}: failed: {error}")
                continue
        if isinstance(said, str):
            print(f"{name}: skipped: {said}")
            continue
        found[name] = said
        print(f"{name}: largest difference {(said.get('lossless') or said)['largest_difference']:.2g}")
    keep({"systems": found}, given.json)


def _one(name: str, root: Path, files: Sequence[str], weights: Path) -> dict[str, Any] | str:
    home = home_of(RECIPES[name], home=str(root), weights=str(weights))
    if parts := [text for text in lacking(RECIPES[name], home) if not text.startswith("no weights")]:
        return parts[0]
    if not (OFFICIAL / f"{name}.py").is_file():
        return "no program of its own inference"
    return compare(RECIPES[name], home, files)


def main() -> None:
    add_each("Compare adapters with the systems' own inference.", list(RECIPES), _one)


if __name__ == "__main__":
    main()
