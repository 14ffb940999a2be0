"""Systems whose packages conflict with ours: they run in a separate environment, connected by a pipe.

This process reads the clip and writes its frames as PNG files; a small worker, run by the other environment's Python,
loads the system once and answers one JSON line for each. Workers are files of this package that import nothing of it.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from PIL import Image

from vqinsight.baselines.base import Scorer, Scores
from vqinsight.baselines.frames import chosen_frames, evenly
from vqinsight.errors import ModelError
from vqinsight.tasks.types import Missing

WORKERS = Path(__file__).parent / "workers"


class Outside(Scorer):
    """A scorer in another process; ``close`` ends it.

    Args:
        name: key in ``catalog.SYSTEMS``.
        python: the other environment's interpreter.
        worker: file name of the worker.
        arguments: for the worker, such as a model's name.
        frames: number of frames per clip.
        needs_prompt: whether a clip without a text prompt has no score.
        ranges: lowest and highest value by dimension.
    """

    def __init__(
        self,
        name: str,
        python: str,
        worker: str,
        arguments: tuple[str, ...] = (),
        *,
        frames: int = 8,
        needs_prompt: bool = False,
        ranges: Mapping[str, tuple[float, float]],
    ) -> None:
        self.name, self.ranges = name, dict(ranges)
        self._frames, self._needs_prompt = frames, needs_prompt
        self._errors = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")  # noqa: SIM115
        try:
            self._process: subprocess.Popen[str] = subprocess.Popen(
                [python, str(WORKERS / worker), *arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._errors,
                text=True,
                encoding="utf-8",
            )
        except OSError as error:
            raise ModelError(
                f"{name}: {python} cannot be run ({error.strerror}). Give python=ENV/bin/python."
            ) from error

    def score(self, path: str, prompt: str | None = None) -> Scores | Missing:
        """See ``Baseline.score``.

        Raises:
            ModelError: the worker ended; the message has its last output.
        """
        if self._needs_prompt and not (prompt and prompt.strip()):
            return Missing(f"{self.name} needs the text prompt")
        found = chosen_frames(path, lambda total: evenly(total, self._frames))
        with tempfile.TemporaryDirectory() as folder:
            files = [f"{folder}/{index:06d}.png" for index in found]
            for file, frame in zip(files, found.values(), strict=True):
                Image.fromarray(frame).save(file)
            values = self._exchange({"frames": files, "prompt": prompt})
        return {key: float(value) for key, value in values.items()}

    def close(self) -> None:
        """End the worker."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        self._process.wait(timeout=60)

    def _exchange(self, question: dict[str, Any]) -> dict[str, float]:
        send, receive = self._process.stdin, self._process.stdout
        assert send is not None
        assert receive is not None
        try:
            print(json.dumps(question), file=send, flush=True)
            # Packages may print other lines; answers are marked.
            line = next((line for line in receive if line.startswith("ANSWER ")), None)
        except BrokenPipeError:
            line = None
        if line is None:
            self._process.wait()
            self._errors.seek(0)
            said = [part for part in self._errors.read().splitlines() if part.strip()]
            raise ModelError(f"{self.name}: its worker ended: {said[-1] if said else 'without a word'}")
        values: dict[str, float] = json.loads(line.removeprefix("ANSWER "))
        return values
