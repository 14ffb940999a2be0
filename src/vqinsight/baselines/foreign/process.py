"""A worker process: started, asked line by line, ended; hangs, crashes and noise are told apart."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import subprocess
import tempfile
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from vqinsight.errors import ModelError

WORKERS = Path(__file__).parent / "workers"
MARK = "ANSWER "  # as in workers/protocol.py, which other environments run
_END = 60.0  # seconds that a worker has to end by itself


class WorkerEnded(Exception):
    """A worker crashed, or was ended because it took too long; the text says which."""


class WorkerProcess:
    """A worker of a foreign system.

    Args:
        name: of the system, for messages.
        python: interpreter that runs it.
        worker: its file, usually one of ``WORKERS``.
        arguments: of the worker.
        load_timeout: seconds to load the system.

    Attributes:
        versions: of the packages that are loaded, by name.

    Raises:
        ModelError: it cannot be run, or ends or hangs while it loads; the message has its last output.
    """

    def __init__(
        self, name: str, python: Path, worker: Path, arguments: Sequence[str] = (), *, load_timeout: float = 1800.0
    ) -> None:
        self._name = name
        self._errors = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")  # noqa: SIM115
        try:
            self._process = subprocess.Popen(
                [str(python), "-u", str(worker), *arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._errors,
                text=True,
                encoding="utf-8",
                errors="replace",
                start_new_session=True,  # so that whatever it starts is ended with it
            )
        except OSError as error:
            self._errors.close()
            raise ModelError(
                f"{name}: {python} cannot be run ({error.strerror}). Give python=ENV/bin/python."
            ) from error
        self._lines: queue.Queue[str | None] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()
        try:
            self.versions: dict[str, str] = self._answer(load_timeout, "to load").get("ready", {})
        except WorkerEnded as error:
            raise ModelError(f"{name}: {error}") from error

    def ask(self, request: Mapping[str, Any], timeout: float) -> dict[str, Any]:
        """The answer to one request: ``scores`` or ``error``, and ``peak_mib``.

        Args:
            timeout: seconds; then the worker is ended.

        Raises:
            WorkerEnded: it did not answer; it can be asked nothing more.
        """
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()
        except (BrokenPipeError, ValueError):  # ValueError: closed after it was ended
            raise WorkerEnded(self._last_words()) from None
        return self._answer(timeout, "for one clip")

    def close(self) -> None:
        """End the worker and whatever it started."""
        if self._process.stdin is not None and not self._process.stdin.closed:
            with contextlib.suppress(BrokenPipeError):
                self._process.stdin.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=_END)
        self._kill()
        if not self._errors.closed:
            self._errors.close()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.startswith(MARK):
                self._lines.put(line.removeprefix(MARK))
        self._lines.put(None)

    def _answer(self, timeout: float, what: str) -> dict[str, Any]:
        try:
            line = self._lines.get(timeout=timeout)
        except queue.Empty:
            self._kill()
            raise WorkerEnded(f"its worker took more than {timeout:g} s {what} and was ended") from None
        if line is None:
            self._process.wait()
            raise WorkerEnded(self._last_words())
        try:
            answer = json.loads(line)
        except json.JSONDecodeError:
            answer = None
        if not isinstance(answer, dict):
            self._kill()
            raise WorkerEnded(f"its worker's answer is no JSON object: {line.strip()[:100]}")
        return answer

    def _last_words(self) -> str:
        """Why it ended, with the last line that it printed."""
        code = self._process.wait()
        self._errors.seek(0)
        said = [line for line in self._errors.read().splitlines() if line.strip()]
        how = f"was ended by signal {-code}" if code < 0 else f"ended with exit code {code}"
        if code == -signal.SIGKILL:
            how += " (often for want of memory)"
        return f"its worker {how}: {said[-1].strip()[:300] if said else 'without a word'}"

    def _kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
