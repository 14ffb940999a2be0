"""Systems that run on models loaded here, beside the makers' own inference on the same files.

``python -m benchmarks.systems.native --systems DIR``: DIR holds NAME/env, the environment of the makers' inference
(``official/NAME.py`` says which), and NAME/code, the clone. Weights are made by ``official/NAME.py reduce``.

Decoders round colours differently, so every clip is also compared as a copy without loss, in RGB, on which the two
answers have to agree; clips as they are show what the decoders add.
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
from benchmarks.systems.run import AGREEMENT, CLIPS, PROMPT, step
from vqinsight.baselines.foreign.home import Home, commit_of
from vqinsight.baselines.open import open_baseline
from vqinsight.tasks.types import Missing, Preference
from vqinsight.video.read import iter_frames, probe
from vqinsight.video.write import encode

Answers = list[dict[str, float]]
VERDICTS = {"A": 1.0, "B": -1.0, "tie": 0.0}


def scores(name: str, home: Home, files: Sequence[str]) -> Answers:
    """Our scores of every file."""
    judge = open_baseline(name, model=str(home.weights), code=str(home.code), device="cpu")
    return [_there(judge.score(file, PROMPT), file) for file in files]


def unifiedreward(name: str, home: Home, files: Sequence[str]) -> Answers:
    """Our scores of every file, and the margin and the verdict of each beside the next."""
    found = scores(name, home, files)
    pair = open_baseline(name, model=str(home.weights), code=str(home.code), device="cpu")
    think = open_baseline(f"{name}_think", model=str(home.weights), code=str(home.code), device="cpu")
    for place, (file, values) in enumerate(zip(files, found, strict=True)):
        other = files[(place + 1) % len(files)]
        values["margin"] = _there(pair.margin(file, other, PROMPT), file)  # type: ignore[attr-defined]
        verdict: Preference = _there(think.compare(file, other, PROMPT), file)
        values["think"] = VERDICTS[verdict.choice]
    return found


NATIVE: dict[str, Callable[[str, Home, Sequence[str]], Answers]] = {
    "videoscore": scores,
    "videoscore2": scores,
    "unifiedreward2": unifiedreward,
}


def _there(found: Any, file: str) -> Any:
    if isinstance(found, Missing):
        raise RuntimeError(f"{file}: {found.reason}")
    return found


def compare(name: str, home: Home, files: Sequence[str], folder: Path) -> dict[str, Any]:
    """Both answers for each file as a copy without loss and as it is, and their largest differences."""
    step(name, home, "reduce")
    found: dict[str, Any] = {"commit": commit_of(home)}
    for kind, shown in (("lossless", [lossless(file, folder) for file in files]), ("as it is", list(files))):
        theirs, ours = official(name, home, shown), NATIVE[name](name, home, shown)
        away = [difference(mine, their) for mine, their in zip(ours, theirs, strict=True)]
        found[kind] = {
            "largest_difference": max(away),
            "distinct": len({str(mine) for mine in ours}),
            "clips": [
                {"clip": Path(file).name, "official": their, "ours": mine, "difference": apart}
                for file, their, mine, apart in zip(files, theirs, ours, away, strict=True)
            ],
        }
    found["agrees"] = found["lossless"]["largest_difference"] <= AGREEMENT
    return found


def official(name: str, home: Home, files: Sequence[str]) -> Answers:
    """The makers' own answers."""
    said = step(name, home, "official", files)
    line = next(line for line in said.splitlines() if line.startswith("OFFICIAL "))
    answers: Answers = json.loads(line.removeprefix("OFFICIAL "))
    return answers


def difference(ours: dict[str, float], theirs: dict[str, float]) -> float:
    """The largest of all values, relative to the larger of 1 and the value."""
    return max(abs(ours[key] - value) / max(1.0, abs(value)) for key, value in theirs.items())


def lossless(file: str, folder: Path) -> str:
    """A copy of a clip in RGB, of which every decoder makes the same frames."""
    info = probe(file)
    out = folder / Path(file).with_suffix(".avi").name
    encode(out, (frame for _, frame in iter_frames(info, range(info.frames))), round(info.fps), {}, "avi")
    return str(out)


def main() -> None:
    parser = argparse.ArgumentParser(description="Compare systems on models loaded here with the makers' inference.")
    parser.add_argument("--systems", type=Path, required=True, help="folder with NAME/env and NAME/code")
    parser.add_argument("--only", nargs="*", choices=list(NATIVE), help="these systems")
    parser.add_argument("--clips", type=Path, default=Path("examples"), help="folder of the five clips")
    parser.add_argument("--json", type=Path, help="add to this file")
    given = parser.parse_args()
    files = [str((given.clips / clip).resolve()) for clip in CLIPS]
    found: dict[str, Any] = json.loads(given.json.read_text())["systems"] if given.json and given.json.exists() else {}
    for name in given.only or list(NATIVE):
        root = given.systems / name
        with tempfile.TemporaryDirectory() as folder:
            home = Home(root / "env" / "bin" / "python", root / "code", Path(folder) / "weights")
            if not home.python.is_file():
                print(f"{name}: skipped: no {home.python}")
                continue
            try:
                found[name] = compare(name, home, files, Path(folder))
            except (RuntimeError, subprocess.TimeoutExpired) as error:
                found[name] = {"failed": str(error).splitlines()[-1]}
                print(f"{name}: failed: {error}")
                continue
        for kind in ("lossless", "as it is"):
            print(f"{name}: largest difference of clips {kind} {found[name][kind]['largest_difference']:.2g}")
    keep({"systems": found}, given.json)


if __name__ == "__main__":
    main()
