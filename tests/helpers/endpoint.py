"""A real server of the OpenAI shape for tests: it decodes what it is sent, and misbehaves on demand."""

from __future__ import annotations

import base64
import io
import json
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np
from PIL import Image

Body = dict[str, Any]
Answer = str | Sequence[str]


class Server(ThreadingHTTPServer):
    """The state of a server; change it at any time.

    Attributes:
        answer: what the model says to a body; several texts are the choices of one response.
        script: what happens to the next questions instead, in order: functions of (handler, body).
        refused: parts that are answered with 400: ``video_url``, ``png``, ``image_url``, or a field; silent:
            without saying which.
        models: the entries of ``/v1/models``; ``None``: 404.
        trial_tokens: prompt tokens that the trial of frames takes; by default as many as its frames need.
        obeys, most: whether ``media_io_kwargs`` say how many frames of a video are shown, as vLLM lets trusted clients;
            how many are shown otherwise.
        questions, trials: bodies so far; times: when each question came; headers: of every request; busiest: most
            questions at a time.
    """

    daemon_threads = True
    request_queue_size = 64

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answer: Callable[[Body], Answer] = lambda _: "<think>seen</think><answer>50</answer>"
        self.script: deque[Callable[[Handler, Body], None]] = deque()
        self.refused: set[str] = set()
        self.models: list[Body] | None = [{"id": "tiny", "object": "model", "model_hash": "0123456789ab"}]
        self.trial_tokens: int | None = None
        self.obeys, self.most, self.silent = False, 10**6, False
        self.questions: list[Body] = []
        self.trials: list[Body] = []
        self.times: list[float] = []
        self.headers: list[dict[str, str]] = []
        self.busiest = self.busy = 0
        self.lock = threading.Lock()

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.server_address[1]}"

    @property
    def url(self) -> str:
        return f"http://{self.host}/v1"

    def counted(self, body: Body) -> int:
        """Tokens of a prompt, of which each frame that is shown takes 16."""
        told = body.get("media_io_kwargs", {}).get("video", {}).get("num_frames") if self.obeys else None
        most = self.most if told is None else 10**6 if told < 0 else told
        return 20 + sum(16 * min(most, len(files)) for files in files_of(body))

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that leaves is no news."""


class Handler(BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the parent's name
        """Silent."""

    def do_GET(self) -> None:
        self.server.headers.append(dict(self.headers))
        if self.server.models is None:
            self.send({"error": {"message": "Not Found"}}, 404)
        else:
            self.send({"object": "list", "data": self.server.models})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        server = self.server
        server.headers.append(dict(self.headers))
        asked = texts_of(body)[-1] != "Ready?"
        with server.lock:
            (server.questions if asked else server.trials).append(body)
            server.times += [time.monotonic()] * asked
            server.busy += 1
            server.busiest = max(server.busiest, server.busy)
            scripted = server.script.popleft() if asked and server.script else None
        try:
            if scripted is not None:
                scripted(self, body)
            elif wrong := next((each for each in sorted(server.refused) if _has(body, each)), None):
                error = {"message": "Bad request"} if server.silent else {"message": f"No '{wrong}'", "param": wrong}
                self.send({"error": error}, 400)
            elif asked:
                self.complete(server.answer(body))
            else:
                self.complete("Yes.", server.trial_tokens or server.counted(body))
        finally:
            with server.lock:
                server.busy -= 1

    def complete(self, said: Answer, prompt_tokens: int = 100) -> None:
        """Answer as a model does; a response of several choices counts 10 tokens for each."""
        texts = [said] if isinstance(said, str) else said
        choices = [
            {"index": i, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}
            for i, text in enumerate(texts)
        ]
        self.send({"choices": choices, "usage": {"prompt_tokens": prompt_tokens, "completion_tokens": 10 * len(texts)}})

    def send(self, data: Any, status: int = 200, headers: dict[str, str] | None = None) -> None:
        """Any response: bytes as they are, else as JSON."""
        raw = data if isinstance(data, bytes) else json.dumps(data).encode()
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)


@contextmanager
def serving() -> Iterator[Server]:
    """A server on a free port of this machine."""
    server = Server()
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


def fails(status: int, message: str = "overloaded", **headers: str) -> Callable[[Handler, Body], None]:
    """An error of HTTP."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda handler, _: handler.send({"error": {"message": message}}, status, named)


def says(data: Any, **headers: str) -> Callable[[Handler, Body], None]:
    """A response of that content, whatever it is."""
    return lambda handler, _: handler.send(data, 200, headers)


def hangs(seconds: float) -> Callable[[Handler, Body], None]:
    """No response for so long, and none then."""

    def hang(handler: Handler, body: Body) -> None:
        time.sleep(seconds)
        drops(handler, body)

    return hang


def drops(handler: Handler, body: Body) -> None:
    """The connection ends in the middle of a response."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n{")
    handler.wfile.flush()
    handler.close_connection = True
    handler.connection.shutdown(socket.SHUT_RDWR)


def parts_of(body: Body) -> list[Body]:
    """The parts of the user's message."""
    parts: list[Body] = body["messages"][-1]["content"]
    return parts


def texts_of(body: Body) -> list[str]:
    """The texts of the user's message."""
    return [part["text"] for part in parts_of(body) if part["type"] == "text"]


def files_of(body: Body) -> list[list[bytes]]:
    """The files of each visual part, as they were sent."""
    found = []
    for part in parts_of(body):
        if part["type"] != "text":
            kind, _, data = part[part["type"]]["url"].partition(";base64,")
            assert kind == "data:video/jpeg" or kind.startswith("data:image/")
            found.append([base64.b64decode(each, validate=True) for each in data.split(",")])
    return found


def frames_of(body: Body) -> list[np.ndarray]:
    """The frames of each visual part: (T, H, W, 3) uint8."""
    return [np.stack([np.asarray(Image.open(io.BytesIO(file))) for file in files]) for files in files_of(body)]


def brightness(body: Body) -> list[float]:
    """The mean of each visual part."""
    return [float(frames.mean()) for frames in frames_of(body)]


def _has(body: Body, thing: str) -> bool:
    kinds = {part["type"] for part in parts_of(body)}
    png = any(file.startswith(b"\x89PNG") for files in files_of(body) for file in files)
    return thing in kinds or thing in body or (thing == "png" and png)
