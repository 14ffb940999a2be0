"""The fields of a request: servers differ in those that they take, and say so by refusing."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from vqinsight.errors import ModelError
from vqinsight.inference.endpoint.client import Refused

INVALID = (400, 422)  # states of HTTP: the request is refused for what stands in it
OPTIONS = "media_io_kwargs"  # how vLLM reads videos
# vLLM and SGLang sample as generation_config.json of the model's folder says: Qwen2.5-VL's penalises repetition, greedy
# answers included. A loaded model has plain probabilities, and with these fields a served one has too.
_PLAIN = {"top_p": 1.0, "top_k": -1, "min_p": 0.0, "repetition_penalty": 1.0}


class Fields:
    """The fields that a server takes, as far as it is known.

    Args:
        model: the name it serves the model under.
        host: the server, for messages.
        tell: receives notices.

    Attributes:
        optional: fields beyond OpenAI's own that were not refused.
    """

    def __init__(self, model: str, host: str, tell: Callable[[str], None]) -> None:
        self._model, self._host, self._tell = model, host, tell
        self._limit, self._seeds, self._several = "max_tokens", True, True
        self.optional = {*_PLAIN, OPTIONS}

    def body(
        self,
        messages: list[dict[str, Any]],
        longest: int,
        temperature: float,
        sampling: tuple[int, int] | None = None,
        options: dict[str, Any] | None = None,
    ) -> dict[str, Any]:
        """A request.

        Args:
            messages: from ``chat``.
            longest: tokens of an answer.
            sampling: how many answers, and their seed; ``None`` for one, the most likely.
            options: from ``video_options``.
        """
        body: dict[str, Any] = {"model": self._model, "messages": messages, "temperature": temperature}
        body[self._limit] = longest
        count, seed = sampling or (1, None)
        if seed is not None and self._seeds:
            body["seed"] = seed
        if count > 1 and self._several:
            body["n"] = count
        beside = {**_PLAIN, **({OPTIONS: options} if options else {})}
        extra = {name: value for name, value in beside.items() if name in self.optional}
        return {**body, "extra_body": extra} if extra else body

    def adapt(self, error: Refused, body: dict[str, Any]) -> bool:
        """Whether the request can be sent otherwise: ``body`` leaves out what was refused from now on.

        Raises:
            ModelError: the model is sampled at one temperature only.
        """
        if error.status not in INVALID:
            return False
        extra = body.get("extra_body", {})
        if refused := {name for name in extra if error.field == name or re.search(rf"\b{name}\b", str(error))}:
            self.optional -= refused
            return True

        def names(field: str) -> bool:
            return field in body and (error.field == field or bool(re.search(rf"['\"`]{field}['\"`]", str(error))))

        if names("temperature"):
            raise ModelError(
                f"{self._host} does not give this model's most likely answer ({error}). Ask for several at the "
                "temperature that it takes: --samples 5 --temperature 1."
            )
        if names("max_tokens"):
            self._limit = "max_completion_tokens"
        elif names("n"):
            self._several = False
        elif names("seed"):
            if self._seeds:
                self._tell(f"{self._host} takes no seed: another run samples other answers.")
            self._seeds = False
        else:
            return False
        return True
