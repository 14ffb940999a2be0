"""Before every page: whose session it is, and headers that keep pages from loading or being framed elsewhere."""

from __future__ import annotations

from http.cookies import CookieError, SimpleCookie

from vqinsight.serving.asgi import App, Message, Receive, Scope, Send
from vqinsight.web.sessions import Sessions

HEADERS = (
    (
        b"content-security-policy",
        b"default-src 'none'; img-src 'self' data:; media-src 'self'; style-src 'self'; script-src 'self'; "
        b"connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    ),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cache-control", b"no-store"),
)
# Links from other sites do not carry the cookie (SameSite=Strict): a page of ours asks again, with it.
_AGAIN = b'<!doctype html><meta http-equiv="refresh" content="0"><title>VQ-Insight</title><p>One moment.</p>'


class Front:
    """ASGI middleware: ``request.state.session`` is the user's session, or ``None`` outside of pages.

    Args:
        pages: paths that begin a session where there is none.
    """

    def __init__(self, app: App, *, sessions: Sessions, pages: tuple[str, ...]) -> None:
        self._app, self._sessions, self._pages = app, sessions, pages

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Find or begin the session, and answer with the headers."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = {name.lower(): value for name, value in scope["headers"]}
        name = cookie_name(headers.get(b"host", b"").decode("latin-1"))
        session = self._sessions.find(_cookie(headers.get(b"cookie", b"").decode("latin-1"), name))
        given: list[tuple[bytes, bytes]] = list(HEADERS)
        if session is None and scope["method"] == "GET" and scope["path"] in self._pages:
            if headers.get(b"sec-fetch-site") == b"cross-site":
                await _send_again(send, given)
                return
            token, session = self._sessions.begin()
            given.append((b"set-cookie", f"{name}={token}; Path=/; HttpOnly; SameSite=Strict".encode()))
        scope.setdefault("state", {})["session"] = session

        async def tell(message: Message) -> None:
            if message["type"] == "http.response.start":
                own = {name.lower() for name, _ in message.get("headers", ())}
                message["headers"] = [*message.get("headers", ()), *(each for each in given if each[0] not in own)]
            await send(message)

        await self._app(scope, receive, tell)


def cookie_name(host: str) -> str:
    """The cookie of a server: browsers share cookies between the ports of one host."""
    port = host.rpartition(":")[2]
    return f"vqinsight-{port}" if port.isdigit() else "vqinsight"


def _cookie(header: str, name: str) -> str | None:
    try:
        found = SimpleCookie(header).get(name)
    except CookieError:
        return None
    return found.value if found else None


async def _send_again(send: Send, headers: list[tuple[bytes, bytes]]) -> None:
    kind = (b"content-type", b"text/html; charset=utf-8")
    await send({"type": "http.response.start", "status": 200, "headers": [kind, *headers]})
    await send({"type": "http.response.body", "body": _AGAIN})
