"""Asks ``vqinsight serve`` with lmms-eval's messages; imports neither lmms-eval nor torch."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, cast

from vqinsight.errors import UsageError
from vqinsight.lmms_eval.figures import UNREADABLE
from vqinsight.lmms_eval.questions import TEMPLATE
from vqinsight.serving.client import Client, RewardError, as_text
from vqinsight.tasks.prompt_sets import NAMES

_CHAT = "/v1/chat/completions"
# The server's answers to a request that is itself at fault; with wording that is right, its clip is.
_REFUSED = (400, 413)


class Asker:
    """A server, asked for the most likely answers.

    Args:
        url: of the server.
        api_key_env: the environment variable that holds the server's key.
        concurrency: questions sent at a time.
    """

    def __init__(self, url: str, api_key_env: str = "VQINSIGHT_API_KEY", concurrency: int = 4) -> None:
        self._client = Client(url, os.environ.get(api_key_env))
        self._concurrency = concurrency

    def take_template(self) -> None:
        """Let tasks ask in the wording that the served model was taught with, unless ``VQINSIGHT_TEMPLATE`` is set.

        Raises:
            UsageError: that wording is in a file which only the server has.
            RewardError: the server cannot be reached, or is another.
        """
        listed = self._client.get("/v1/models").get("data")
        if not (isinstance(listed, list) and len(listed) == 1 and isinstance(listed[0], dict)):
            raise RewardError("/v1/models lists no single model: is it vqinsight serve?")
        taught = listed[0].get("template")
        if not taught or os.environ.get(TEMPLATE):
            return
        if taught not in NAMES:
            raise UsageError(f"The model has a template of its own, {taught}: set {TEMPLATE} to its file.")
        os.environ[TEMPLATE] = taught

    def answers(self, asked: Sequence[Callable[[], list[dict[str, Any]]]]) -> Iterator[str]:
        """The answer to each list of messages, in order; one whose clip cannot be read begins with ``UNREADABLE``.

        Args:
            asked: make the messages, each when its turn has come.

        Raises:
            RewardError: the server cannot be reached or fails; nothing is put in the place of an answer.
        """
        with ThreadPoolExecutor(self._concurrency) as pool:
            try:
                yield from pool.map(lambda make: self.answer(make()), asked)
            finally:
                pool.shutdown(cancel_futures=True)

    def answer(self, messages: Sequence[dict[str, Any]]) -> str:
        """One answer; see ``answers``."""
        try:
            sent = [{"role": turn["role"], "content": [_part(part) for part in turn["content"]]} for turn in messages]
        except RewardError as error:  # the clip is not on the disk
            return f"{UNREADABLE}{error}"
        try:
            answer = self._client.post(_CHAT, {"messages": sent})
        except RewardError as error:
            if error.status not in _REFUSED:
                raise
            return f"{UNREADABLE}{_reason(error.body)}"
        try:
            return str(answer["choices"][0]["message"]["content"])
        except (KeyError, IndexError, TypeError) as error:
            raise RewardError(f"{_CHAT} answered no text ({error!r})") from error


def _part(part: dict[str, Any]) -> dict[str, Any]:
    """One part of lmms-eval's messages as the server takes it: files as they are, pictures as PNG.

    Raises:
        RewardError: a file cannot be opened.
        UsageError: it is neither text nor a picture nor a video.
    """
    kind, content = part["type"], cast(Any, part.get("url"))
    if kind == "text":
        return {"type": "text", "text": part["text"]}
    if kind not in ("image", "video"):
        raise UsageError(f"The model takes text, images and videos, and no {kind}.")
    if hasattr(content, "save"):  # a PIL image
        buffer = io.BytesIO()
        content.save(buffer, "PNG")
        content = buffer.getvalue()
    return {"type": f"{kind}_url", f"{kind}_url": {"url": f"data:{kind}/any;base64,{as_text(content)}"}}


def _reason(body: str) -> str:
    try:
        return str(json.loads(body)["error"]["message"])
    except (ValueError, KeyError, TypeError):
        return body
