"""The names of ASGI, the interface between a server and its app, and a body that is given twice."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


def replay(body: bytes) -> Receive:
    """Gives an app a body that was read before."""
    replayed = False

    async def replay() -> Message:
        nonlocal replayed
        if replayed:
            await asyncio.Event().wait()  # what follows the body is not the app's to see
        replayed = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay
