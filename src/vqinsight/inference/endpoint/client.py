"""Requests to one server through the official client: no redirects, and retries with back-off up to a deadline."""

from __future__ import annotations

import asyncio
import os
import random
import threading
import time
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import Future
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar
from urllib.parse import urlsplit

from vqinsight.common.extras import needed
from vqinsight.errors import ModelError, UsageError
from vqinsight.inference.endpoint.chat import said
from vqinsight.settings.endpoint import EndpointSettings

Result = TypeVar("Result")

_PASSING = frozenset({408, 425, 429})  # states of a server that pass, as do those from 500 on
_BROKEN = 2  # tries of a probe that a server answers with 500: some refuse so
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 30.0  # seconds between tries


class Refused(Exception):
    """The server does not take this request, and would not take it again.

    Attributes:
        status: of HTTP.
        field: of the request that it names, or ``None``.
    """

    def __init__(self, status: int, reason: str, field: str | None = None) -> None:
        super().__init__(f"{status}: {reason}" if reason else str(status))
        self.status, self.field = status, field


class Unanswered(Exception):
    """The deadline of a question passed."""


class Client:
    """A server, asked on an event loop in a thread of its own.

    Args:
        settings: where, and how.

    Raises:
        ModelError: the package ``openai`` is not installed.
        UsageError: the variable for the key is empty.
    """

    def __init__(self, settings: EndpointSettings) -> None:
        self.settings = settings
        self._openai = needed("openai", "endpoint")
        self._key = _key(settings.api_key_env)
        unsent = self._openai.Omit()
        # With every request: else what the environment says of OpenAI goes to whatever server this is.
        self._headers = {"OpenAI-Organization": unsent, "OpenAI-Project": unsent}
        if self._key is None:
            self._headers["Authorization"] = unsent
        self._client = self._openai.AsyncOpenAI(
            base_url=settings.url,
            api_key=self._key or "none",
            max_retries=0,
            timeout=None,
            http_client=self._openai.DefaultAsyncHttpxClient(follow_redirects=False, timeout=None),
        )
        self._loop = asyncio.new_event_loop()
        self._places = asyncio.Semaphore(settings.concurrency)
        threading.Thread(target=self._loop.run_forever, name="endpoint", daemon=True).start()

    def submit(self, question: Coroutine[Any, Any, Result]) -> Future[Result]:
        """Run a question on the loop; it waits for its place with ``place``."""
        return asyncio.run_coroutine_threadsafe(question, self._loop)

    @property
    def place(self) -> asyncio.Semaphore:
        """One of ``concurrency`` places, for ``async with``."""
        return self._places

    def deadline(self, seconds: float | None = None) -> float:
        """The time of the loop at which a question that begins now has to be answered."""
        return self._loop.time() + (seconds or self.settings.deadline)

    async def models(self, until: float) -> str:
        """The body of ``/v1/models``; errors as for ``complete``."""
        listed = self._client.models.with_raw_response.list
        return await self._send(lambda: listed(extra_headers=self._headers), until, probing=True)

    async def complete(self, body: dict[str, Any], until: float, *, probing: bool = False) -> str:
        """The body of one response to a chat request.

        Args:
            body: its fields; those that are not of OpenAI's stand in ``extra_body``.
            until: the time of the loop at which it has to be there.
            probing: whether to find out what the server takes: an unknown address (404) and a server that breaks (500)
                are refusals then.

        Raises:
            Refused: the server does not take the request.
            Unanswered: the deadline passed.
            ModelError: the server refuses the key, or knows no such address or model.
        """
        create = self._client.chat.completions.with_raw_response.create
        return await self._send(lambda: create(**body, extra_headers=self._headers), until, probing=probing)

    def unknown(self, reason: str) -> ModelError:
        """The error of an unknown address or model."""
        return ModelError(
            f"{self.settings.host} knows no such address or model ({reason}). Check --url, which mostly ends in /v1, "
            "and --model."
        )

    async def _send(self, request: Callable[[], Awaitable[Any]], until: float, *, probing: bool) -> str:
        errors, tries, trouble = self._openai, 0, ""
        while True:
            tries += 1
            asked_to_wait, left, patience = 0.0, until - self._loop.time(), self.settings.deadline / 2
            try:
                async with asyncio.timeout(min(left, patience)):
                    response = await request()
                return self._hidden(response.http_response.text)
            except (TimeoutError, errors.APITimeoutError):
                trouble = "no response in time" if not trouble or left > patience else trouble  # else cut short
            except errors.APIConnectionError as error:
                trouble = f"the connection failed ({type(error.__cause__ or error).__name__})"
            except errors.APIStatusError as error:
                if error.status_code < 500 and error.status_code not in _PASSING:
                    raise self._refusal(error, probing) from None
                if probing and error.status_code in (500, 501) and tries == _BROKEN:
                    raise Refused(error.status_code, self._said(error)) from None
                trouble = " ".join((f"{error.status_code}", self._said(error))).strip()
                asked_to_wait = _retry_after(error.response.headers)
            pause = max(asked_to_wait, min(_LONGEST_PAUSE, _FIRST_PAUSE * 2 ** (tries - 1)) * random.uniform(0.5, 1.0))
            if self._loop.time() + pause >= until:
                raise Unanswered(f"{trouble}; tried {tries} times")
            await asyncio.sleep(pause)

    def _refusal(self, error: Any, probing: bool) -> Exception:
        status, host, words = error.status_code, self.settings.host, self._said(error)
        if status in (401, 403):
            return ModelError(
                f"{host} refuses access ({status}: {words}). Put a valid key into an environment variable, and name "
                "the variable: --api-key-env NAME."
            )
        if status == 404 and not probing:
            return self.unknown(f"404: {words}")
        if 300 <= status < 400:
            place = urlsplit(error.response.headers.get("location", "")).netloc or "another address"
            return Refused(status, f"redirected to {place}, which is not followed")
        body = error.body if isinstance(error.body, dict) else {}
        field = body.get("param")
        return Refused(status, words, field if isinstance(field, str) else None)

    def _said(self, error: Any) -> str:
        body = error.body
        words = body.get("message") or body.get("detail") if isinstance(body, dict) else body
        return said(self._hidden(str(words or "")))  # hidden first: what is cut cannot be found

    def _hidden(self, text: str) -> str:
        """A server's text without the key, should it say it."""
        return text.replace(self._key, "[key]") if self._key else text


def _key(variable: str | None) -> str | None:
    if variable is None:
        return None
    key = os.environ.get(variable, "").strip()
    if not key:
        raise UsageError(f"--api-key-env {variable}: this environment variable is empty. Set it: export {variable}=…")
    if not key.isascii() or not key.isprintable():
        raise UsageError(f"--api-key-env {variable}: this environment variable holds no key: no header can carry it.")
    return key


def _retry_after(headers: Any) -> float:
    """Seconds that the server asks to wait; 0 where it does not say. It may name a number or a date."""
    asked = headers.get("retry-after", "")
    try:
        return max(0.0, float(asked))
    except ValueError:
        pass
    try:
        return max(0.0, parsedate_to_datetime(asked).timestamp() - time.time())
    except ValueError:
        return 0.0
