"""Slow clients on a real connection: headers and bodies that dribble are cut, what is only long is not."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from serving.conftest import listening

from vqinsight.serving.limits import Limits

if TYPE_CHECKING:
    import httpx

LIMITS = Limits(head_seconds=1.0, body_start=1.0, body_rate=1000)
REQUEST = b"POST /x HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"


async def slow_app(scope: Any, receive: Any, send: Any) -> None:
    """Answers later than the time limits of the head and of a body's start."""
    if scope["type"] == "http":
        await receive()
        await asyncio.sleep(1.5)
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body"})


@pytest.fixture(scope="module")
def slow() -> Iterator[httpx.Client]:
    pytest.importorskip("prometheus_client", reason="the extra serve is not installed")
    from vqinsight.serving.guard import Guard
    from vqinsight.serving.metrics import Metrics

    app = Guard(slow_app, key=None, hosts=(), limits=LIMITS, metrics=Metrics(), ready=lambda: True)
    with listening(app, LIMITS) as client:
        yield client


def connect(client: httpx.Client) -> socket.socket:
    return socket.create_connection((client.base_url.host, client.base_url.port), timeout=60)


def dribble(connection: socket.socket, content: bytes, seconds: float = 20.0) -> bytes:
    """What the server says to one byte each tenth of a second, until it hangs up."""
    connection.settimeout(0.1)
    said, until = b"", time.monotonic() + seconds
    for byte in content * 1000:
        try:
            connection.sendall(bytes([byte]))
            while part := connection.recv(1000):
                said += part
            return said
        except TimeoutError:
            assert time.monotonic() < until, "the server still listens"
        except OSError:  # it hung up
            return said
    return said


def test_headers_that_dribble_are_cut(slow: httpx.Client) -> None:
    with connect(slow) as connection:
        assert dribble(connection, b"GET /x HTTP/1.1\r\nX-Long: " + b"x" * 1000).startswith(b"HTTP/1.1 408 ")


def test_headers_of_a_later_request_are_cut_too(slow: httpx.Client) -> None:
    """The answer before them came later than the limit, and was not cut."""
    with connect(slow) as connection:
        connection.sendall(REQUEST % 2 + b"{}")
        assert connection.recv(1000).startswith(b"HTTP/1.1 200 ")
        assert dribble(connection, b"GET /x HTTP/1.1\r\nX-Long: " + b"x" * 1000).startswith(b"HTTP/1.1 408 ")


def test_who_says_nothing_is_not_listened_to(slow: httpx.Client) -> None:
    with connect(slow) as connection:
        assert connection.recv(1000).startswith(b"HTTP/1.1 408 ")


def test_bodies_that_dribble_are_cut(slow: httpx.Client) -> None:
    with connect(slow) as connection:
        connection.sendall(REQUEST % 1_000_000)
        assert dribble(connection, b" " * 1000).startswith(b"HTTP/1.1 408 ")


def test_a_long_body_at_a_fair_rate_is_taken(slow: httpx.Client) -> None:
    """It takes longer than the limit of its start."""
    with connect(slow) as connection:
        connection.sendall(REQUEST % 50_000)
        for _ in range(10):
            connection.sendall(b" " * 5000)
            time.sleep(0.2)
        assert connection.recv(1000).startswith(b"HTTP/1.1 200 ")
