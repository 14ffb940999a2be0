"""A foreign system as a baseline: frames or the file go to its worker, scores come back."""

from __future__ import annotations

import hashlib
import math
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from vqinsight.baselines.base import Scores
from vqinsight.baselines.foreign.home import Home, check_home, commit_of, other_commit
from vqinsight.baselines.foreign.process import WORKERS, WorkerEnded, WorkerProcess
from vqinsight.baselines.foreign.recipe import Recipe
from vqinsight.baselines.frames import FrameScorer
from vqinsight.errors import ModelError
from vqinsight.tasks.types import Missing
from vqinsight.video.info import SYNTHETIC, inside_tar, window_of
from vqinsight.video.read import iter_frames, probe
from vqinsight.video.write import encode

_TAIL = 65536  # bytes of a file of weights that tell it from another of its size
COMMON = frozenset({".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi"})  # containers that every decoder reads
MOST_FAILURES = 2  # clips in a row on which the worker ends; then the system counts as broken


class ForeignSystem(FrameScorer):
    """A system behind a worker process, which starts with the first clip; ``close`` ends it.

    A clip on which the worker ends or hangs has no score, and the next one gets a new worker.

    Args:
        recipe: what the system is.
        home: where its parts lie.
        device: where it runs, as torch names it; "auto" is CUDA where there is one.
        timeout: seconds for one clip.
        memory_gib: main memory that the worker may take, in GiB; by default all.
        worker: its file, by default the recipe's of ``workers``.

    Attributes:
        versions: packages of the system's environment that decide scores; empty before the first clip.
        peak_mib: the most memory that the worker has taken.

    Raises:
        ModelError: a part is lacking.
    """

    def __init__(
        self,
        recipe: Recipe,
        home: Home,
        *,
        device: str = "auto",
        timeout: float = 600.0,
        memory_gib: float | None = None,
        worker: Path | None = None,
    ) -> None:
        check_home(recipe, home)
        self.remarks = tuple(filter(None, [other_commit(recipe, home)]))
        self.name, self.ranges = recipe.name, dict(recipe.ranges)
        self.digest = _digest(recipe, home)
        self.choose = recipe.choose
        self.versions: dict[str, str] = {}
        self.peak_mib = 0
        self._recipe, self._home, self._timeout = recipe, home, timeout
        self._worker = worker or WORKERS / recipe.worker
        self._arguments = [*recipe.arguments, "--weights", str(home.weights.resolve()), "--device", device]
        if home.code is not None:
            self._arguments += ["--code", str(home.code.resolve())]
        if memory_gib is not None:
            self._arguments += ["--memory-gib", str(memory_gib)]
        self._process: WorkerProcess | None = None
        self._failures = 0

    def score(self, path: str, prompt: str | None = None) -> Scores | Missing:
        """See ``Baseline.score``.

        Raises:
            ModelError: the worker does not load, or ended on ``MOST_FAILURES`` clips in a row.
        """
        if self._recipe.needs_prompt and not (prompt and prompt.strip()):
            return Missing(f"{self.name} needs the text prompt")
        if self.choose is None:
            return self._score_file(path, prompt)
        found = self.frames(path)
        with tempfile.TemporaryDirectory() as folder:
            return self._exchange({"frames": _written(found, Path(folder)), "prompt": prompt})

    def overall(self, values: Mapping[str, float]) -> float:
        """The score that decides a comparison: of one dimension where the recipe names it, else the mean."""
        return super().overall(values) if self._recipe.decides is None else values[self._recipe.decides]

    def close(self) -> None:
        """End the worker."""
        if self._process is not None:
            self._process.close()
            self._process = None

    def _score_file(self, path: str, prompt: str | None) -> Scores | Missing:
        """Hand over the file itself: the system decodes it and chooses frames.

        Of what common decoders do not read, such as a gif or a folder of frames, it gets a copy without loss.
        """
        if path.startswith(SYNTHETIC) or window_of(path) is not None or inside_tar(path) is not None:
            return Missing(f"{self.name} reads whole files only")
        info = probe(path)  # raises for what is damaged, which many decoders show as grey frames
        if info.kind == "image":
            return Missing(f"{self.name} judges videos only")
        asked = {"fps": info.fps, "prompt": prompt}
        if Path(path).suffix.lower() in COMMON:
            return self._exchange({"file": str(Path(path).resolve()), **asked})
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / f"{Path(path).stem}.avi"
            encode(file, (frame for _, frame in iter_frames(info, range(info.frames))), info.fps, {}, "avi")
            return self._exchange({"file": str(file), **asked})

    def _exchange(self, request: dict[str, Any]) -> Scores | Missing:
        if self._process is None:
            self._process = WorkerProcess(self.name, self._home.python, self._worker, self._arguments)
            self.versions = self._process.versions
        try:
            answer = self._process.ask(request, self._timeout)
        except WorkerEnded as error:
            self.close()
            self._failures += 1
            if self._failures >= MOST_FAILURES:
                raise ModelError(f"{self.name}: {error}, on {self._failures} clips in a row") from error
            return Missing(f"{self.name}: {error}")
        self._failures = 0
        self.peak_mib = max(self.peak_mib, int(answer.get("peak_mib", 0)))
        return self._scores(answer)

    def _scores(self, answer: dict[str, Any]) -> Scores | Missing:
        if "scores" not in answer:
            return Missing(f"{self.name}: {answer.get('error', 'no scores in its answer')}")
        values = {key: float(value) for key, value in answer["scores"].items()}
        if unknown := sorted(set(values) ^ set(self._recipe.dimensions)):
            return Missing(f"{self.name}: its worker answers other dimensions than it should: {', '.join(unknown)}")
        if wrong := sorted(key for key, value in values.items() if not math.isfinite(value)):
            return Missing(f"{self.name}: {', '.join(wrong)} is not a finite number")
        return values


def _written(frames: dict[int, np.ndarray], folder: Path) -> list[str]:
    """The frames as PNG files, named by their index."""
    files = [folder / f"{index:06d}.png" for index in frames]
    for file, frame in zip(files, frames.values(), strict=True):
        Image.fromarray(frame).save(file, compress_level=1)
    return [str(file) for file in files]


def _digest(recipe: Recipe, home: Home) -> str:
    """Changes with the code's commit, and with the names, sizes and last bytes of the weights."""
    found = hashlib.blake2b(f"{recipe.name} {commit_of(home.code)}".encode(), digest_size=6)
    for each in recipe.weights:
        place = home.weights / each.name
        for file in sorted(place.rglob("*")) if place.is_dir() else [place]:
            if file.is_file():
                size = file.stat().st_size
                with file.open("rb") as opened:
                    opened.seek(max(0, size - _TAIL))
                    found.update(f"{file.relative_to(home.weights)} {size} ".encode() + opened.read())
    return found.hexdigest()
