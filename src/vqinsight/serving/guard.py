"""What stands before every request: who may ask, what may be sent, how much, and how long it waits."""

from __future__ import annotations

import asyncio
import base64
import binascii
import hmac
import ipaddress
import json
import re
import time
import traceback
import uuid
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from vqinsight.serving.asgi import App, Message, Receive, Scope, Send, replay
from vqinsight.serving.limits import Limits
from vqinsight.serving.metrics import Metrics, logger
from vqinsight.serving.repeats import Answer, OtherBody, Repeats, fingerprint, give, whole

OPEN = ("/health", "/ready")  # without a key, for what watches over processes
TYPES = ("application/json", "multipart/form-data")
_ID = re.compile(r"[\w.-]{1,64}", re.ASCII)
_KEY = re.compile(rb"[!-~]{1,255}")
_CROWD = 8  # requests that may wait outside, for each that is held


class Refused(Exception):
    """A request that is not let in: its status, why, and after how many seconds to try again."""

    def __init__(self, status: int, reason: str, retry: float | None = None) -> None:
        super().__init__(reason)
        self.status, self.reason, self.retry = status, reason, retry


class ClientLeft(Exception):
    """The client closed the connection before its answer."""


class Guard:
    """ASGI middleware.

    Args:
        key: that clients send as bearer token or as password; ``None`` asks for none.
        hosts: names by which the server may be called, besides addresses and localhost. A page of another site that
            has its name point here would call it by that name.
        ready: whether the model is loaded and the server is not ending.
    """

    def __init__(
        self,
        app: App,
        *,
        key: str | None,
        hosts: Sequence[str],
        limits: Limits,
        metrics: Metrics,
        ready: Callable[[], bool],
    ) -> None:
        self._app = app
        self._key = key.encode() if key else None
        self._hosts = {host.lower() for host in hosts} | {"localhost"}
        self._limits = limits
        self._metrics = metrics
        self._ready = ready
        self._places = asyncio.Semaphore(limits.queue)
        self._outside = 0
        self._repeats = Repeats()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request in, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = {name.lower(): value for name, value in scope["headers"]}
        given = headers.get(b"x-request-id", b"").decode("latin-1")
        request = given if _ID.fullmatch(given) else uuid.uuid4().hex
        scope["request"] = request
        begun, status = time.monotonic(), 499  # 499: the client left before there was one

        async def tell(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", ()), (b"x-request-id", request.encode())]
            await send(message)

        try:
            self._check(scope, headers)
            if scope["method"] == "POST":
                await self._held(scope, headers, receive, tell)
            else:
                await self._app(scope, receive, tell)
        except Refused as refused:
            await refuse(scope, tell, refused)
        except ClientLeft:
            pass
        finally:
            route = getattr(scope.get("route"), "path", "none")
            self._metrics.done(request, scope["method"], route, status, time.monotonic() - begun)

    def _check(self, scope: Scope, headers: dict[bytes, bytes]) -> None:
        """Everything that headers say, before the body is read."""
        host = headers.get(b"host", b"").decode("latin-1")
        if not self._knows(host):
            raise Refused(403, "This server is not called by that name. Allow it with --allow-host.")
        origin = headers.get(b"origin")
        if origin is not None and origin.decode("latin-1").partition("://")[2] != host:
            raise Refused(403, "Pages of other sites may not call this server.")
        if self._key and scope["path"] not in OPEN and not self._has_key(headers.get(b"authorization", b"")):
            raise Refused(401, "A key is needed: Authorization: Bearer KEY, or http://any:KEY@host.")
        if scope["method"] != "POST":
            if scope["path"].startswith("/v1/"):
                self._check_ready()
            return
        if headers.get(b"content-encoding", b"identity").lower() != b"identity":
            raise Refused(415, "Compressed bodies are not taken.")
        if headers.get(b"content-type", b"").split(b";")[0].strip().lower().decode("latin-1") not in TYPES:
            raise Refused(415, f"Send {' or '.join(TYPES)}.")
        length = headers.get(b"content-length", b"0")
        if not length.isdigit() or int(length) > self._limits.max_bytes:
            raise self._too_large()
        self._check_ready()

    def _check_ready(self) -> None:
        if not self._ready():
            raise Refused(503, "The model is being loaded, or the server is ending. /ready says when it is there.", 5)

    def _knows(self, host: str) -> bool:
        name = re.sub(r":\d+$", "", host).lower()
        if name in self._hosts:
            return True
        try:
            ipaddress.ip_address(name.strip("[]"))
        except ValueError:
            return False
        return True

    def _has_key(self, given: bytes) -> bool:
        kind, _, value = given.partition(b" ")
        if kind.lower() == b"basic":
            try:
                value = base64.b64decode(value, validate=True).partition(b":")[2]
            except binascii.Error:
                return False
        elif kind.lower() != b"bearer":
            return False
        return hmac.compare_digest(value.strip(), self._key or b"")

    async def _held(self, scope: Scope, headers: dict[bytes, bytes], receive: Receive, send: Send) -> None:
        """Take a place inside, only then read the body, and answer as long as the client is there."""
        await self._enter()
        begun: asyncio.Task[Answer] | None = None
        try:
            self._metrics.held.inc()
            body = await self._body(receive)
            if not self._ready():
                raise Refused(503, "The server is ending.", 5)
            key = headers.get(b"idempotency-key")
            if key is None:
                await self._until_left(scope, self._app(scope, replay(body), send), receive)
            else:
                work, is_new = self._once(key, scope, headers, body)
                begun = work if is_new else None
                await self._until_left(scope, give(work, scope, send), receive)
        finally:
            if begun is None:
                self._leave()
            else:  # what has a key goes on without its client, and keeps the place
                begun.add_done_callback(lambda _: self._leave())

    def _leave(self) -> None:
        self._metrics.held.dec()
        self._places.release()

    def _once(
        self, key: bytes, scope: Scope, headers: dict[bytes, bytes], body: bytes
    ) -> tuple[asyncio.Task[Answer], bool]:
        """The work under an idempotency key, and whether it begins now."""
        if not _KEY.fullmatch(key):
            raise Refused(400, "An Idempotency-Key has 1 to 255 printable signs of ASCII without spaces.")
        request = fingerprint(scope["path"], scope["query_string"], headers.get(b"content-type", b""), body)
        try:
            return self._repeats.work(key, request, lambda: whole(self._app, scope, body))
        except OtherBody:
            raise Refused(422, "This Idempotency-Key came with another request. Draw a new one for each.") from None

    async def _enter(self) -> None:
        wait = self._limits.queue_wait
        full = Refused(429, "All places are taken.", max(1.0, wait))
        if self._outside >= _CROWD * self._limits.queue:
            raise full
        self._outside += 1
        self._metrics.outside.set(self._outside)
        try:
            await asyncio.wait_for(self._places.acquire(), wait)
        except TimeoutError:
            raise full from None
        finally:
            self._outside -= 1
            self._metrics.outside.set(self._outside)

    async def _body(self, receive: Receive) -> bytes:
        parts: list[bytes] = []
        size, limits, begun = 0, self._limits, asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout(min(limits.body_start, limits.body_seconds)) as timer:
                while True:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        raise ClientLeft
                    parts.append(message.get("body", b""))
                    size += len(parts[-1])
                    if size > limits.max_bytes:  # a body that is streamed does not say how long it is
                        raise self._too_large()
                    if not message.get("more_body", False):
                        return b"".join(parts)
                    timer.reschedule(begun + min(limits.body_seconds, limits.body_start + size / limits.body_rate))
        except TimeoutError:
            reason = f"at {limits.body_rate} bytes a second, or within {limits.body_seconds:g} seconds"
            raise Refused(408, f"The body did not arrive {reason}.") from None

    async def _until_left(self, scope: Scope, answering: Awaitable[None], receive: Receive) -> None:
        """Answer; a client that leaves cancels that, and with it what waits for the model."""

        async def left() -> None:
            while (await receive())["type"] != "http.disconnect":
                pass

        answer = asyncio.ensure_future(answering)
        watcher = asyncio.ensure_future(left())
        try:
            await asyncio.wait({answer, watcher}, return_when=asyncio.FIRST_COMPLETED)
            if not answer.done():
                raise ClientLeft
            if error := answer.exception():
                raise _unknown(scope, error)
        finally:
            for task in (answer, watcher):
                task.cancel()
            await asyncio.gather(answer, watcher, return_exceptions=True)

    def _too_large(self) -> Refused:
        return Refused(413, f"The body is larger than the {self._limits.max_bytes} bytes that are allowed.")


def _unknown(scope: Scope, error: BaseException) -> Refused:
    """An error that nobody foresaw: logged where it happened, without its message, which may quote paths or texts."""
    place, kind = traceback.extract_tb(error.__traceback__)[-1], type(error).__name__
    logger.error("request %s: %s in %s, line %s", scope["request"], kind, place.name, place.lineno)
    return Refused(500, f"An error of the server ({kind}). Its log has more under this request's id.")


async def refuse(scope: Scope, send: Send, refused: Refused) -> None:
    """Answer with an error of the protocol that was spoken."""
    status, content = refused.status, error_body(scope, refused.reason)
    if is_flow_factory(scope) and status == 429:
        status = 503  # its own server knows 500 and above alone
    body = json.dumps(content).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    if refused.retry is not None:
        headers.append((b"retry-after", str(round(refused.retry)).encode()))
    if status == 401:
        headers.append((b"www-authenticate", b'Basic realm="vqinsight"'))
    if status in (408, 413):
        headers.append((b"connection", b"close"))  # what is left of the body is not read
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def is_flow_factory(scope: Scope) -> bool:
    """Whether a request speaks Flow-Factory's protocol, which knows one kind of failure."""
    return str(scope["path"]).startswith("/ff/")


def error_body(scope: Scope, reason: str) -> dict[str, Any]:
    """An error in the shape that clients of the protocol expect."""
    if is_flow_factory(scope):
        return {"error": reason}
    return {"error": {"message": reason, "request": scope.get("request", "")}}
