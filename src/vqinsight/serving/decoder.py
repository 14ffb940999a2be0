"""The server's side of the sandbox: starts it, sends it clips, and takes numbers back."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import pickle
import socket
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from safetensors.torch import load

from vqinsight.assessor.clips import ClipLoader
from vqinsight.errors import ModelError, UnreadableVideo
from vqinsight.serving.limits import Limits
from vqinsight.serving.rewards import Seen
from vqinsight.serving.sandbox import READY
from vqinsight.video.preprocess import ProcessedClip
from vqinsight.video.record import read_input
from vqinsight.video.views import View

if TYPE_CHECKING:
    from vqinsight.measure.types import MeasuredClip

KEY_VARIABLE = "VQINSIGHT_API_KEY"  # what decodes does not hold it
# One thread, since it forks; few arenas, since each reserves much of the address space that is limited.
_ENVIRONMENT = {"OMP_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "2"}
_GRACE = 5  # seconds on top of the sandbox's own limit
_ENDED = "decoding took more time or memory than is allowed, or failed"


class Decoder:
    """A running sandbox; thread-safe. It is started again where it has ended."""

    def __init__(self, loader: ClipLoader, limits: Limits) -> None:
        self._given = pickle.dumps((loader, limits))
        self._limits = limits
        self._lock = threading.Lock()
        self._folder = tempfile.TemporaryDirectory(prefix="vqinsight-")  # only this user may enter it
        self._process: subprocess.Popen[bytes] | None = None
        self._starts = 0
        self._running()

    def decode(self, place: str, name: str, fps: float | None = None) -> Seen:
        """The clip in a file or folder of frames under the name that the client knows, or why it cannot be read."""
        head, body = self._ask({"path": place, "fps": fps})
        return _clip(name, head, body) if "views" in head else _refusal(place, name, head)

    def measure(self, place: str, name: str, fps: float | None = None) -> MeasuredClip | UnreadableVideo:
        """What is measured on every frame, or why it cannot be; as ``decode``."""
        from vqinsight.serving.measuring import unpacked  # imports OpenCV

        head, body = self._ask({"path": place, "fps": fps, "measure": True})
        return unpacked(name, head, body) if "measured" in head else _refusal(place, name, head)

    def _ask(self, request: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
        """The sandbox's answer; an empty one where it ended or was cut off."""
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(self._limits.decode_seconds + _GRACE)
            connection.connect(self._running())
            with connection.makefile("rwb") as stream:
                stream.write(json.dumps(request).encode() + b"\n")
                try:
                    stream.flush()
                    head = json.loads(stream.readline() or b"{}")
                    body = stream.read(head.get("bytes", 0))
                except (TimeoutError, ConnectionError):
                    head, body = {}, b""
        return (head, body) if len(body) == head.get("bytes") else ({}, b"")

    def close(self) -> None:
        """End the sandbox and remove its folder."""
        with self._lock:
            if self._process is not None:
                self._process.kill()  # it has nothing to finish
                self._process.communicate()
            self._folder.cleanup()

    def _running(self) -> str:
        """The socket of a sandbox that runs."""
        with self._lock:
            if self._process is None or self._process.poll() is not None:
                self._starts += 1
                self._start()
            return self._socket

    @property
    def _socket(self) -> str:
        return str(Path(self._folder.name, f"socket{self._starts}"))

    def _start(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "vqinsight.serving.sandbox", self._socket],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={k: v for k, v in os.environ.items() if k != KEY_VARIABLE} | _ENVIRONMENT,
        )
        assert self._process.stdin is not None and self._process.stdout is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(self._given)
            self._process.stdin.flush()
        if self._process.stdout.readline() != READY:
            raise ModelError("The process that decodes clips did not start; what it printed above says why.")


def _refusal(place: str, name: str, head: dict[str, Any]) -> UnreadableVideo:
    reason = head.get("reason", _ENDED).replace(place, name)
    return UnreadableVideo(name, reason, head.get("remedy", "Send a shorter or smaller clip, or convert it."))


def _clip(name: str, head: dict[str, Any], body: bytes) -> ProcessedClip:
    patches = load(body)
    views = tuple(
        View(view["kind"], patches[str(i)], tuple(view["grid"]), view["seconds_per_grid"], tuple(view["times"]))
        for i, view in enumerate(head["views"])
    )
    shown = {**head["input"], "preview": [base64.b64decode(jpeg) for jpeg in head["input"]["preview"]]}
    return ProcessedClip(name, head["kind"], views, read_input(shown))
