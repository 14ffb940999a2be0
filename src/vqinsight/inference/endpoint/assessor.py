"""Questions to a model behind a server: the same frames, prompts and parser as for a loaded one."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any

import numpy as np
import torch

from vqinsight.assessor.assessor import as_reply
from vqinsight.assessor.clips import ClipLoader
from vqinsight.assessor.vision import EncodedClip
from vqinsight.errors import ModelError
from vqinsight.evaluation.predictor import NO_SERVER
from vqinsight.inference.endpoint.chat import FORMS, Completion, Form, chat, read
from vqinsight.inference.endpoint.client import Client, Refused, Unanswered
from vqinsight.inference.endpoint.frames import FileView, FileViews, encode
from vqinsight.results import Reply, Tokens
from vqinsight.settings.inference import InferenceSettings
from vqinsight.tasks.prompt_set import PromptSet
from vqinsight.tasks.types import Question
from vqinsight.video.patches import PixelSpec
from vqinsight.video.preprocess import ProcessedClip

_PATCH = {"qwen3": 16}  # pixels a side, by a part of the model's name; other families have 14, or resize anyway
_TRIAL_SIDE = 112  # of the frames that a server is tried with
# A prompt with the trial's frames takes more tokens than this in every family; its text takes fewer.
_TRIAL_TOKENS = 64
_TRIAL_ANSWER = 16  # tokens


class EndpointAssessor:
    """A model behind a server: stands for an ``Assessor`` wherever clips are only loaded, encoded and asked about.

    Args:
        client: of the server.
        model: the name it serves the model under.
        prompt_set: the wording of the questions.
        settings: how frames are sampled, and the longest answer.
        folder_fps: frame rate of folders of frames.
        on_message: receives notices.

    Attributes:
        form: how frames are sent, found out at the start with a few grey frames.
        spent: tokens so far, as the server counts; requests: answered ones.

    Raises:
        ModelError: the server takes no frames in any form, does not answer, or refuses access.
    """

    def __init__(
        self,
        client: Client,
        model: str,
        prompt_set: PromptSet,
        settings: InferenceSettings,
        *,
        folder_fps: float | None = None,
        on_message: Callable[[str], None] | None = None,
    ) -> None:
        self.client, self.model, self.prompt_set = client, model, prompt_set
        self._settings, self._tell = settings, on_message or (lambda _: None)
        self.spent, self.requests = Tokens(0, 0), 0
        self._limit, self._seeds, self._several = "max_tokens", True, True
        self.form = client.submit(self._try_forms()).result()
        patch = next((side for name, side in _PATCH.items() if name in model.lower()), 14)
        spec = PixelSpec(
            patch, 2, 2, (0.0,) * 3, (1.0,) * 3, min(settings.min_pixels, settings.max_pixels), settings.max_pixels
        )
        self.clips = ClipLoader(settings, spec, FileViews(self.form.codec), folder_fps)

    def encode(self, clip: ProcessedClip) -> EncodedClip:
        """The clip itself: the server encodes it."""
        return EncodedClip(clip, (), "")

    def ask(
        self,
        asked: Sequence[tuple[Question, Sequence[EncodedClip]]],
        *,
        samples: int = 1,
        temperature: float = 0.0,
        seed: int = 0,
    ) -> list[tuple[Reply, ...]]:
        """Replies to questions, as ``Assessor.ask``; an answer that does not come is a missing one with its reason.

        Raises:
            ModelError: the server refuses access, or does not know the model.
        """
        waiting = [
            self.submit(question, [clip.processed for clip in clips], samples, temperature, seed)
            for question, clips in asked
        ]
        try:
            return [future.result() for future in waiting]
        finally:
            for future in waiting:
                future.cancel()

    def submit(
        self, question: Question, clips: Sequence[ProcessedClip], samples: int, temperature: float, seed: int
    ) -> Future[tuple[Reply, ...]]:
        """Begin to ask one question; arguments and errors as for ``ask``."""
        return self.client.submit(self._replies(question, clips, samples, temperature, seed))

    async def _replies(
        self, question: Question, clips: Sequence[ProcessedClip], samples: int, temperature: float, seed: int
    ) -> tuple[Reply, ...]:
        async with self.client.place:
            until = self.client.deadline()
            messages = chat(self.prompt_set.messages(question), [clip.views for clip in clips], self.form)
            replies: list[Reply] = []
            while len(replies) < samples:
                sampling = (samples - len(replies), seed + len(replies)) if samples > 1 else None
                said, tokens = await self._complete(messages, temperature, sampling, until)
                for completion in said:
                    replies.append(self._reply(question, completion, tokens))
                    tokens = None
            return tuple(replies)

    async def _complete(
        self, messages: list[dict[str, Any]], temperature: float, sampling: tuple[int, int] | None, until: float
    ) -> tuple[list[Completion], Tokens | None]:
        """At least one completion; where there is no response, as many missing ones as were asked for.

        Args:
            sampling: how many samples, and their seed; ``None`` for the most likely answer.
        """
        wanted, seed = sampling or (1, 0)
        while True:
            body = self._body(messages, self._settings.max_new_tokens, temperature)
            if sampling and self._seeds:
                body["seed"] = seed
            if wanted > 1 and self._several:
                body["n"] = wanted
            try:
                text = await self.client.complete(body, until)
            except Refused as error:
                if self._adapt(error, body):
                    continue
                reason = f"{self.client.settings.host} refuses the question ({error})"
            except Unanswered as error:
                reason = f"{NO_SERVER} within {self.client.settings.deadline:g} s ({error})"
            else:
                return self._count(*read(text, body.get("n", 1)))
            return [Completion("", None, reason)] * wanted, None

    def _body(self, messages: list[dict[str, Any]], longest: int, temperature: float) -> dict[str, Any]:
        return {"model": self.model, "messages": messages, "temperature": temperature, self._limit: longest}

    def _adapt(self, error: Refused, body: dict[str, Any]) -> bool:
        """Whether the request can be sent otherwise: servers differ in the fields that they take.

        Raises:
            ModelError: the model is sampled at one temperature only.
        """
        if error.status not in (400, 422):
            return False

        def names(field: str) -> bool:
            return field in body and (error.field == field or bool(re.search(rf"['\"`]{field}['\"`]", str(error))))

        if names("temperature"):
            raise ModelError(
                f"{self.client.settings.host} does not give this model's most likely answer ({error}). Ask for several "
                "at the temperature that it takes: --samples 5 --temperature 1."
            )
        if names("max_tokens"):
            self._limit = "max_completion_tokens"
        elif names("n"):
            self._several = False
        elif names("seed"):
            if self._seeds:
                self._tell(f"{self.client.settings.host} takes no seed: another run samples other answers.")
            self._seeds = False
        else:
            return False
        return True

    def _count(self, said: list[Completion], tokens: Tokens | None) -> tuple[list[Completion], Tokens | None]:
        self.requests += 1
        self.spent += tokens or Tokens(0, 0)
        return said, tokens

    def _reply(self, question: Question, completion: Completion, tokens: Tokens | None) -> Reply:
        if completion.missing is not None:
            return Reply("", "", None, completion.missing, tokens)
        return as_reply(self.prompt_set, question, completion.text, completion.reasoning, tokens)

    async def _try_forms(self) -> Form:
        """How the server takes frames: two clips of the longest kind, as a comparison has them."""
        host, refusals = self.client.settings.host, []
        for form in FORMS:
            try:
                taken = await self._try_form(form)
            except Refused as error:
                refusals.append(error)
                continue
            except Unanswered as error:
                raise ModelError(f"{host} gives no answer ({error}). Is the server running? Check --url.") from None
            if taken:
                return form
            refusals.append(Refused(200, "taken, but not shown to the model"))
        if all(refusal.status == 404 for refusal in refusals):
            raise self.client.unknown(str(refusals[-1]))
        said = "; ".join(f"{form}: {refusal}" for form, refusal in zip(FORMS, refusals, strict=True))
        raise ModelError(f"{host} takes no frames for {self.model}. {said}. Name a model that sees: --model.")

    async def _try_form(self, form: Form) -> bool:
        """Whether the model is shown frames in this form.

        Raises:
            Refused, Unanswered, ModelError: as of ``Client.complete``.
        """
        count = self._settings.frames or self._settings.max_frames
        grey = encode(np.full((_TRIAL_SIDE, _TRIAL_SIDE, 3), 128, np.uint8), form.codec)
        times = tuple(place / 2 for place in range(count))
        clip = (FileView("video", torch.empty(0), (count, 1, 1), 0.0, times, (grey,) * count),)
        content = [{"type": "clip", "index": 0}, {"type": "clip", "index": 1}, {"type": "text", "text": "Ready?"}]
        messages = chat([{"role": "user", "content": content}], [clip, clip], form)
        until = self.client.deadline()
        while True:
            body = self._body(messages, _TRIAL_ANSWER, 0.0)
            try:
                text = await self.client.complete(body, until, probing=True)
            except Refused as error:
                if not self._adapt(error, body):
                    raise
            else:
                _, tokens = self._count(*read(text, 1))
                return tokens is None or count < 2 or tokens.prompt > _TRIAL_TOKENS
