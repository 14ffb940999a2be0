"""Repeated requests: one ``Idempotency-Key`` names one piece of work, which is done once and answered every time."""

from __future__ import annotations

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from vqinsight.serving.asgi import App, Message, Scope, Send, replay

MOST_ANSWERS, MOST_BYTES = 256, 16 * 1024 * 1024  # kept; the oldest go first
_AGAIN = 429  # with this status, and from 500 on, a repeat is worth a new try: nothing is kept


@dataclass(frozen=True)
class Answer:
    """A whole response.

    Attributes:
        route: what answered it, as ASGI's scope names it.
    """

    status: int
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes
    route: Any = None


class OtherBody(Exception):
    """A key came with another request before."""


class Repeats:
    """The work under each key: running, or done and kept within bounds on count and bytes."""

    def __init__(self, most_answers: int = MOST_ANSWERS, most_bytes: int = MOST_BYTES) -> None:
        self._most_answers, self._most_bytes = most_answers, most_bytes
        self._known: OrderedDict[bytes, tuple[bytes, asyncio.Task[Answer]]] = OrderedDict()
        self._sizes: dict[bytes, int] = {}  # of the answers that are kept

    def work(
        self, key: bytes, request: bytes, begin: Callable[[], Coroutine[Any, Any, Answer]]
    ) -> tuple[asyncio.Task[Answer], bool]:
        """The work under a key, and whether ``begin`` started it now. It goes on when who asked leaves.

        Args:
            request: fingerprint of the request.

        Raises:
            OtherBody: the key stands for another request.
        """
        known = self._known.get(key)
        if known is not None:
            if known[0] != request:
                raise OtherBody
            self._known.move_to_end(key)
            return known[1], False
        task = asyncio.create_task(begin())
        self._known[key] = (request, task)
        task.add_done_callback(lambda done: self._done(key, done))
        return task, True

    def _done(self, key: bytes, task: asyncio.Task[Answer]) -> None:
        failed = task.cancelled() or task.exception() is not None
        if failed or task.result().status == _AGAIN or task.result().status >= 500:
            self._forget(key)
            return
        self._sizes[key] = len(task.result().body)
        # Those that run are not counted: each holds a place of the queue.
        while len(self._sizes) > self._most_answers or sum(self._sizes.values()) > self._most_bytes:
            self._forget(next(each for each in self._known if each in self._sizes))

    def _forget(self, key: bytes) -> None:
        self._known.pop(key)
        self._sizes.pop(key, None)


def fingerprint(path: str, query: bytes, content_type: bytes, body: bytes) -> bytes:
    """What makes two requests the same: where they go, and what they send.

    The boundary of a form is left out, since clients draw a new one each time.
    """
    kind, _, boundary = content_type.partition(b"boundary=")
    boundary = boundary.split(b";")[0].strip().strip(b'"')
    found = hashlib.sha256()
    for part in (path.encode(), query, kind.strip().lower(), body.replace(boundary, b"") if boundary else body):
        found.update(b"%d:" % len(part) + part)
    return found.digest()


async def whole(app: App, scope: Scope, body: bytes) -> Answer:
    """The app's answer, as one piece."""
    sent: list[Message] = []

    async def keep(message: Message) -> None:
        sent.append(message)

    await app(scope, replay(body), keep)
    content = b"".join(message.get("body", b"") for message in sent[1:])
    return Answer(sent[0]["status"], tuple(sent[0].get("headers", ())), content, scope.get("route"))


async def give(work: asyncio.Task[Answer], scope: Scope, send: Send) -> None:
    """Wait for work that others may wait for too, and send its answer."""
    answer = await asyncio.shield(work)
    scope["route"] = answer.route
    await send({"type": "http.response.start", "status": answer.status, "headers": list(answer.headers)})
    await send({"type": "http.response.body", "body": answer.body})
