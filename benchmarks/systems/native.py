"""Systems that run on models loaded here, beside the makers' own inference on the same files.

``python -m benchmarks.systems.native --systems DIR``: DIR holds NAME/env, the environment of the makers' inference
(``official/NAME.py`` says which), and NAME/code, the clone. Weights are made by ``official/NAME.py reduce``.

Decoders round colours differently, so every clip is also compared as a copy without loss, in RGB, on which the two
answers have to agree; clips as they are show what the decoders add.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.systems.run import AGREEMENT, PROMPT, Answers, add_each, compared, official, step
from vqinsight.baselines.foreign.home import Home, commit_of
from vqinsight.baselines.open import open_baseline
from vqinsight.tasks.types import Missing, Preference
from vqinsight.video.read import iter_frames, probe
from vqinsight.video.write import encode

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
    """What ``compared`` says of each file as a copy without loss, and as it is."""
    step(name, home, "reduce")
    found: dict[str, Any] = {"commit": commit_of(home.code)}
    for kind, shown in (("lossless", [lossless(file, folder) for file in files]), ("as it is", list(files))):
        found[kind] = compared(files, official(name, home, shown), NATIVE[name](name, home, shown))
    found["agrees"] = found["lossless"]["largest_difference"] <= AGREEMENT
    return found


def lossless(file: str, folder: Path) -> str:
    """A copy of a clip in RGB, of which every decoder makes the same frames."""
    info = probe(file)
    out = folder / Path(file).with_suffix(".avi").name
    encode(out, (frame for _, frame in iter_frames(info, range(info.frames))), round(info.fps), {}, "avi")
    return str(out)


def _one(name: str, root: Path, files: Sequence[str], folder: Path) -> dict[str, Any] | str:
    home = Home(root / "env" / "bin" / "python", root / "code", folder / "weights")
    return compare(name, home, files, folder) if home.python.is_file() else f"no {home.python}"


def main() -> None:
    add_each("Compare systems on models loaded here with the makers' inference.", list(NATIVE), _one)


if __name__ == "__main__":
    main()
