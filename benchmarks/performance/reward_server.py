"""`vqinsight serve` as a process of its own, and a proxy before it with faults: parts of benchmarks."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

Body = dict[str, Any]
_LOST = (OSError, http.client.HTTPException)
_PASSED = ("Content-Type", "Idempotency-Key")


class Server:
    """A server of nano; it is started again on the same port.

    Args:
        options: of ``vqinsight serve``.
    """

    def __init__(self, *options: str) -> None:
        self._options, self.port = options, 0
        self.starts = 0
        self.start()

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start, and return once the model is there."""
        self.process = subprocess.Popen(
            [sys.executable, "-m", "vqinsight", "serve", "--quiet", "--port", str(self.port), *self._options],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "HF_HUB_OFFLINE": "1"},
        )
        assert self.process.stdout is not None
        found = re.search(r":(\d+)$", self.process.stdout.readline())
        if found is None or self.process.stdout.readline() != "Ready\n":
            raise SystemExit("the server did not start; what it printed above says why")
        self.port = int(found[1])
        self.starts += 1

    def kill(self) -> None:
        """End it at once, as the system does to a process that takes too much memory."""
        self.process.kill()
        self.process.wait()

    def close(self) -> None:
        """End it in order."""
        self.process.terminate()
        self.process.wait()


class Proxy(ThreadingHTTPServer):
    """Passes requests on; before the next one, ``fault`` may act.

    Attributes:
        fault: ``drop`` lets the server answer and then hangs up, ``kill`` ends the server while it works, ``damage``
            changes the body with ``damage``; once.
        sent: the bodies of the requests that were answered with 200, as the server got them.
        acted: the fault acted.
    """

    daemon_threads = True

    def __init__(self, server: Server, damage: Callable[[Body], None]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.server_under_test, self.damage = server, damage
        self.fault: str | None = None
        self.sent: list[Body] = []
        self.acted = False
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.server_port}"

    def handle_error(self, *_: Any) -> None:
        """A client that hung up is nothing to print."""


class _Handler(BaseHTTPRequestHandler):
    server: Proxy
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._answer(self._ask(None))

    def do_POST(self) -> None:
        content = self.rfile.read(int(self.headers["Content-Length"]))
        body: Body = json.loads(content)
        fault, self.server.fault = self.server.fault, None
        self.server.acted |= fault is not None
        if fault == "damage":
            self.server.damage(body)
            content = json.dumps(body).encode()
        if fault == "kill":
            threading.Timer(0.3, self.server.server_under_test.kill).start()
        answered = self._ask(content)
        if fault == "drop":
            answered = None
        if answered is not None and answered[0] == 200:
            self.server.sent.append(body)
        self._answer(answered)

    def _ask(self, content: bytes | None) -> tuple[int, dict[str, str], bytes] | None:
        """Status, headers and body of the server's answer; ``None`` where it has none."""
        where = urlsplit(self.server.server_under_test.url)
        connection = http.client.HTTPConnection(where.hostname or "", where.port, timeout=600)
        headers = {name: self.headers[name] for name in _PASSED if name in self.headers}
        try:
            connection.request(self.command, self.path, content, headers)
            response = connection.getresponse()
            return response.status, dict(response.getheaders()), response.read()
        except _LOST:
            return None
        finally:
            connection.close()

    def _answer(self, answered: tuple[int, dict[str, str], bytes] | None) -> None:
        if answered is None:
            self.close_connection = True
            return
        status, headers, content = answered
        self.send_response(status)
        for name in ("content-type", "retry-after"):
            if name in headers:
                self.send_header(name, headers[name])
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: Any) -> None:
        """Silence."""


@contextlib.contextmanager
def full(server: Server, places: int) -> Iterator[None]:
    """Hold all places of a server: requests whose bodies have not arrived yet."""
    head = f"POST /score HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nContent-Type: application/json\r\n"
    with contextlib.ExitStack() as stack:
        for _ in range(places):
            held = stack.enter_context(socket.create_connection(("127.0.0.1", server.port)))
            held.sendall(f"{head}Content-Length: 2\r\n\r\n".encode())
        yield
