"""One idempotency key is one piece of work: while it runs, afterwards, and when its client has left."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from serving.conftest import listening
from serving.test_queue import wait_until

from vqinsight.serving.limits import Limits
from vqinsight.serving.repeats import Answer, OtherBody, Repeats

if TYPE_CHECKING:
    import httpx

KEYED = {"Idempotency-Key": "step-1"}


class Counter:
    """An app that answers with the number of the call, once it may; its status is that of ``statuses`` in turn."""

    def __init__(self) -> None:
        self.calls, self.go, self.statuses = 0, threading.Event(), [200]
        self.go.set()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        await receive()
        self.calls += 1
        body, status = b"%d" % self.calls, self.statuses[min(self.calls, len(self.statuses)) - 1]
        await asyncio.to_thread(self.go.wait, 60)
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": body})


@pytest.fixture
def counter() -> Counter:
    return Counter()


@pytest.fixture
def guarded(counter: Counter) -> Iterator[httpx.Client]:
    pytest.importorskip("prometheus_client", reason="the extra serve is not installed")
    from vqinsight.serving.guard import Guard
    from vqinsight.serving.metrics import Metrics

    limits = Limits(queue=2, queue_wait=0.3)
    app = Guard(counter, key=None, hosts=(), limits=limits, metrics=Metrics(), ready=lambda: True)
    with listening(app, limits) as client:
        yield client


def test_a_repeat_is_not_done_again(guarded: httpx.Client, counter: Counter) -> None:
    """While the first is under way, and afterwards; without a key each request is its own."""
    counter.go.clear()
    with ThreadPoolExecutor() as pool:
        both = [pool.submit(guarded.post, "/x", json={"a": 1}, headers=KEYED) for _ in range(2)]
        wait_until(lambda: counter.calls == 1)
        counter.go.set()
        assert [each.result(60).text for each in both] == ["1", "1"]
    assert guarded.post("/x", json={"a": 1}, headers=KEYED).text == "1"
    assert guarded.post("/x", json={"a": 1}).text == "2"


def test_a_form_is_the_same_with_another_boundary(guarded: httpx.Client) -> None:
    sent = [guarded.post("/x", files={"clips": ("a", b"abc")}, headers=KEYED) for _ in range(2)]
    assert [each.text for each in sent] == ["1", "1"]
    assert guarded.post("/x", files={"clips": ("a", b"abd")}, headers=KEYED).status_code == 422


def test_another_request_under_the_same_key_is_refused(guarded: httpx.Client, counter: Counter) -> None:
    guarded.post("/x", json={"a": 1}, headers=KEYED)
    for path, body in (("/x", {"a": 2}), ("/y", {"a": 1}), ("/x?b", {"a": 1})):
        refused = guarded.post(path, json=body, headers=KEYED)
        assert refused.status_code == 422 and "another request" in refused.json()["error"]["message"]
    assert counter.calls == 1
    assert guarded.post("/x", json={}, headers={"Idempotency-Key": "two words"}).status_code == 400


def test_failures_that_pass_are_not_kept(guarded: httpx.Client, counter: Counter) -> None:
    counter.statuses = [500, 429, 400]
    found = [guarded.post("/x", json={}, headers=KEYED) for _ in range(4)]
    assert [(each.status_code, each.text) for each in found] == [(500, "1"), (429, "2"), (400, "3"), (400, "3")]


def test_work_goes_on_without_its_client(guarded: httpx.Client, counter: Counter) -> None:
    """It keeps its place, the only other one is free, and who comes back gets the answer."""
    counter.go.clear()
    head = "POST /x HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nIdempotency-Key: step-1\r\n"
    with socket.create_connection((guarded.base_url.host, guarded.base_url.port)) as connection:
        connection.sendall(f"{head}Content-Length: 2\r\n\r\n{{}}".encode())
        wait_until(lambda: counter.calls == 1)
    with ThreadPoolExecutor() as pool:
        other = pool.submit(guarded.post, "/x", json={})
        wait_until(lambda: counter.calls == 2)
        assert guarded.post("/x", json={}).status_code == 429
        counter.go.set()
        assert other.result(60).text == "2"
    assert guarded.post("/x", content=b"{}", headers={"Content-Type": "application/json", **KEYED}).text == "1"


def test_what_is_kept_is_bounded() -> None:
    """In answers and in bytes; the least recently asked goes first."""

    async def run(repeats: Repeats, size: int) -> list[bool]:
        async def begin() -> Answer:
            return Answer(200, (), b"x" * size)

        async def is_new(key: bytes) -> bool:
            work, new = repeats.work(key, b"same", begin)
            await work
            await asyncio.sleep(0)  # its callback
            return new

        first = [await is_new(key) for key in (b"a", b"b", b"a", b"c", b"a", b"b")]
        with pytest.raises(OtherBody):
            repeats.work(b"b", b"other", begin)
        return first

    assert asyncio.run(run(Repeats(2, 100), 10)) == [True, True, False, True, False, True]
    assert asyncio.run(run(Repeats(9, 100), 40)) == [True, True, False, True, False, True]
