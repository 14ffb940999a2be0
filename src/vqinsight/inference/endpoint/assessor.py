"""Questions to a model behind a server: the same frames, prompts and parser as for a loaded one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from vqinsight.assessor.assessor import as_reply
from vqinsight.assessor.clips import ClipLoader
from vqinsight.assessor.separate import divided, joined
from vqinsight.assessor.vision import EncodedClip
from vqinsight.errors import ModelError
from vqinsight.inference.endpoint.chat import FORMS, Completion, Form, chat, read, video_options
from vqinsight.inference.endpoint.client import Client, Refused, Unanswered
from vqinsight.inference.endpoint.fields import INVALID, OPTIONS, Fields
from vqinsight.inference.endpoint.frames import FileView, FileViews, encode
from vqinsight.results import NO_SERVER, Reply, Tokens
from vqinsight.settings.inference import InferenceSettings
from vqinsight.tasks.prompt_set import PromptSet
from vqinsight.tasks.types import Question
from vqinsight.video.patches import PixelSpec
from vqinsight.video.preprocess import ProcessedClip, evidence_text

_PATCH = {"qwen3": 16}  # pixels a side, by a part of the model's name; other families have 14, or resize anyway
_TRIAL_SIDE = 112  # of the frames that a server is tried with
# A prompt with the trial's frames takes more tokens than this in every family; its text takes fewer.
_TRIAL_TOKENS = 64
_TRIAL_ANSWER = 16  # tokens
_TRIAL_FRAMES = 4  # at least, so that fewer of them take fewer tokens


class EndpointAssessor:
    """A model behind a server: stands for an ``Assessor`` wherever clips are only loaded, encoded and asked about.

    Args:
        client: of the server.
        model: the name it serves the model under.
        prompt_set: the wording of the questions.
        settings: how frames are sampled, and the longest answer.
        folder_fps: frame rate of folders of frames.
        root: the model's own name or folder, where the server tells it: it may serve it under another name.
        on_message: receives notices.

    Attributes:
        form: how frames are sent, found out at the start with grey frames.
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
        root: str = "",
        on_message: Callable[[str], None] | None = None,
    ) -> None:
        self.client, self.model, self.prompt_set = client, model, prompt_set
        self._settings, self._tell = settings, on_message or (lambda _: None)
        self.spent, self.requests = Tokens(0, 0), 0
        self._fields = Fields(model, client.settings.host, self._tell)
        self.form = client.submit(self._try_forms()).result()
        if self.form.cut:
            self._tell(
                f"{client.settings.host} leaves out frames of a clip of {self._longest()}. Send fewer (--frames), or "
                'start vLLM with --media-io-kwargs \'{"video": {"num_frames": -1}}\'.'
            )
        if self.form.video and not self.form.timed:
            self._tell(
                f"{client.settings.host} is not told when frames are shown. vLLM takes them to be a second apart, "
                "unless it is started with --trust-request-mm-kwargs."
            )
        patch = next((side for name, side in _PATCH.items() if name in f"{model} {root}".lower()), 14)
        spec = PixelSpec(
            patch, 2, 2, (0.0,) * 3, (1.0,) * 3, min(settings.min_pixels, settings.max_pixels), settings.max_pixels
        )
        self.clips = ClipLoader(settings, spec, FileViews(self.form.codec), folder_fps)

    def encode(self, clip: ProcessedClip) -> EncodedClip:
        """The clip itself: the server encodes it."""
        return EncodedClip(clip, (), "")

    def check_question(self, question: Question, clips: Sequence[ProcessedClip]) -> None:
        """Nothing: the server knows how much its model takes, and says so."""

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
        return self.client.submit(self._joined(question, clips, samples, temperature, seed))

    async def _joined(
        self, question: Question, clips: Sequence[ProcessedClip], samples: int, temperature: float, seed: int
    ) -> tuple[Reply, ...]:
        asked = [(question, clips)]
        said = [
            await self._replies(part, shown, samples, temperature, seed)
            for part, shown in divided(self.prompt_set, asked)
        ]
        return joined(self.prompt_set, asked, said)[0]

    async def _replies(
        self, question: Question, clips: Sequence[ProcessedClip], samples: int, temperature: float, seed: int
    ) -> tuple[Reply, ...]:
        async with self.client.place:
            until = self.client.deadline()
            views = [clip.views for clip in clips]
            told = [evidence_text(clip) for clip in clips]
            messages = chat(self.prompt_set.messages(question), views, self.form, told)
            options = video_options(views, self._settings.seconds_per_grid) if self.form.timed else None
            replies: list[Reply] = []
            while len(replies) < samples:
                sampling = (samples - len(replies), seed + len(replies)) if samples > 1 else None
                said, tokens = await self._complete(messages, temperature, sampling, options, until)
                for completion in said:
                    replies.append(self._reply(question, clips, completion, tokens))
                    tokens = None
            return tuple(replies)

    async def _complete(
        self,
        messages: list[dict[str, Any]],
        temperature: float,
        sampling: tuple[int, int] | None,
        options: dict[str, Any] | None,
        until: float,
    ) -> tuple[list[Completion], Tokens | None]:
        """At least one completion; where there is no response, as many missing ones as were asked for."""
        while True:
            body = self._fields.body(messages, self._settings.max_new_tokens, temperature, sampling, options)
            try:
                text = await self.client.complete(body, until)
            except Refused as error:
                if self._fields.adapt(error, body):
                    continue
                reason = f"{self.client.settings.host} refuses the question ({error})"
            except Unanswered as error:
                reason = f"{NO_SERVER} within {self.client.settings.deadline:g} s ({error})"
            else:
                return self._count(*read(text, body.get("n", 1)))
            return [Completion("", None, reason)] * (sampling[0] if sampling else 1), None

    def _count(self, said: list[Completion], tokens: Tokens | None) -> tuple[list[Completion], Tokens | None]:
        self.requests += 1
        self.spent += tokens or Tokens(0, 0)
        return said, tokens

    def _reply(
        self, question: Question, clips: Sequence[ProcessedClip], completion: Completion, tokens: Tokens | None
    ) -> Reply:
        if completion.missing is not None:
            return Reply("", "", None, completion.missing, tokens)
        return as_reply(self.prompt_set, question, clips, completion.text, completion.reasoning, tokens)

    async def _try_forms(self) -> Form:
        """How the server takes frames: two clips of the longest kind, as a comparison has them."""
        host, refusals = self.client.settings.host, []
        for form in FORMS:
            try:
                found = await self._try_form(form)
            except Refused as error:
                refusals.append(error)
                continue
            except Unanswered as error:
                raise ModelError(f"{host} gives no answer ({error}). Is the server running? Check --url.") from None
            if found is not None:
                return found
            refusals.append(Refused(200, "taken, but not shown to the model"))
        if self._fields.optional and any(refusal.status in INVALID for refusal in refusals):
            self._fields.optional = set()  # some servers do not say which field they refuse
            return await self._try_forms()
        if all(refusal.status == 404 for refusal in refusals):
            raise self.client.unknown(str(refusals[-1]))
        said = "; ".join(f"{form}: {refusal}" for form, refusal in zip(FORMS, refusals, strict=True))
        raise ModelError(f"{host} takes no frames for {self.model}. {said}. Name a model that sees: --model.")

    def _longest(self) -> int:
        """Frames of the longest clip."""
        count = self._settings.frames or self._settings.max_frames // 2 * 2
        return count + count % 2

    async def _try_form(self, form: Form) -> Form | None:
        """The form with what the server makes of it, or ``None`` where the model is not shown the frames.

        What a server makes of frames and of options is seen in the tokens that it counts. A temporal patch has two
        frames, so one that is left out is not noticed.

        Raises:
            Refused, Unanswered, ModelError: as of ``Client.complete``.
        """
        count = max(_TRIAL_FRAMES, self._longest())
        tokens = await self._trial(form, count, -1)
        if tokens is not None and tokens <= _TRIAL_TOKENS:
            return None
        if not form.video or tokens is None:
            return form
        if OPTIONS in self._fields.optional:
            tokens_of_two = await self._trial(form, count, 2)
            if tokens_of_two is not None and tokens_of_two < tokens:
                return replace(form, timed=True)
        fewer = await self._trial(form, count - 2, None)
        return replace(form, cut=fewer is not None and fewer >= tokens)

    async def _trial(self, form: Form, count: int, shown: int | None) -> int | None:
        """Tokens of a prompt with two clips of grey frames, or ``None`` where the server does not count.

        Args:
            count: frames of each clip.
            shown: of them, as the server is told; -1 for all, ``None`` tells it nothing.

        Raises:
            Refused, Unanswered, ModelError: as of ``Client.complete``.
        """
        grey = encode(np.full((_TRIAL_SIDE, _TRIAL_SIDE, 3), 128, np.uint8), form.codec)
        times = tuple(place / 2 for place in range(count))
        clip = (FileView("video", torch.empty(0), (count, 1, 1), 0.0, times, (grey,) * count),)
        content = [{"type": "clip", "index": 0}, {"type": "clip", "index": 1}, {"type": "text", "text": "Ready?"}]
        messages = chat([{"role": "user", "content": content}], [clip, clip], form)
        options = {"video": {"num_frames": shown, "fps": 2.0}} if form.video and shown is not None else None
        until = self.client.deadline()
        while True:
            body = self._fields.body(messages, _TRIAL_ANSWER, 0.0, options=options)
            try:
                text = await self.client.complete(body, until, probing=True)
            except Refused as error:
                if not self._fields.adapt(error, body):
                    raise
            else:
                _, tokens = self._count(*read(text, 1))
                return tokens.prompt if tokens is not None else None
