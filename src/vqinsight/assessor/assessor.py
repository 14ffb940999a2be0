"""The assessor D: encodes each clip once and answers questions about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from transformers.modeling_outputs import BaseModelOutputWithPooling

from vqinsight.assessor.backbone import stop_tokens
from vqinsight.assessor.clips import ClipLoader
from vqinsight.assessor.families import IMAGE_TOKEN, VIDEO_TOKEN
from vqinsight.assessor.generate import batches, complete, neighbours
from vqinsight.assessor.load import LoadedModel
from vqinsight.assessor.prompting import Prompt, PromptBuilder
from vqinsight.assessor.recognise import SETTINGS_FILE
from vqinsight.assessor.separate import divided, joined
from vqinsight.assessor.vision import EncodedClip, EncodedView, VisionTower
from vqinsight.common.device import cpu_threads
from vqinsight.common.seeds import seed_of
from vqinsight.errors import ModelError, UsageError
from vqinsight.results import Reply, Tokens
from vqinsight.tasks.parsing import reasoning
from vqinsight.tasks.prompt_set import PromptSet, without_motion
from vqinsight.tasks.separate import parts
from vqinsight.tasks.types import Answer, Missing, Preference, Question, Score
from vqinsight.video.preprocess import ProcessedClip, evidence_text
from vqinsight.video.views import View


class Assessor:
    """A loaded model with its clip loader, its vision tower and its prompt set.

    Args:
        loaded: from ``load_model``.
        folder_fps: frame rate of folders of frames.
    """

    def __init__(self, loaded: LoadedModel, *, folder_fps: float | None = None) -> None:
        self.loaded = loaded
        self.prompt_set: PromptSet = loaded.prompt_set
        self.tower = VisionTower(loaded.model)
        self.clips = ClipLoader(loaded.settings, loaded.spec, loaded.views, folder_fps)
        self._builder = PromptBuilder(
            loaded.tokenizer, IMAGE_TOKEN, VIDEO_TOKEN, lambda view: loaded.family.placeholder(view, loaded.spec)
        )
        longest = loaded.model.config.get_text_config().max_position_embeddings
        self._most_tokens = min(longest, loaded.tokenizer.model_max_length)
        self.output_type = _feature_type(loaded.model)
        self.stop_tokens = stop_tokens(loaded.model)

    def encode(self, clip: ProcessedClip) -> EncodedClip:
        """Encode a clip once, on the time scale that the model is trained with."""
        step = self.loaded.settings.seconds_per_grid
        if step is not None:  # applied here, so that every clip gets it, whoever preprocessed it
            clip = replace(clip, views=tuple(replace(view, seconds_per_grid=step) for view in clip.views))
        with cpu_threads(self.loaded.threads):
            return self.tower.encode(clip)

    def ask(
        self,
        asked: Sequence[tuple[Question, Sequence[EncodedClip]]],
        *,
        samples: int = 1,
        temperature: float = 0.0,
        seed: int = 0,
    ) -> list[tuple[Reply, ...]]:
        """``samples`` replies to each question about encoded clips, in order.

        Args:
            temperature: 0 gives the most likely answer (every sample is the same).
            seed: fixes a sampled answer together with the question, the clip's content and the sample's number.
        """
        really = divided(self.prompt_set, asked)
        texts = self.complete(
            [(self.prompt_set.messages(question), clips) for question, clips in really],
            samples=samples,
            temperature=temperature,
            seed=seed,
        )
        replies = [
            tuple(self.read(question, [clip.processed for clip in clips], text) for text in said)
            for (question, clips), said in zip(really, texts, strict=True)
        ]
        return joined(self.prompt_set, asked, replies)

    def complete(
        self,
        asked: Sequence[tuple[Sequence[dict[str, Any]], Sequence[EncodedClip]]],
        *,
        samples: int = 1,
        temperature: float = 0.0,
        seed: int = 0,
    ) -> list[list[str]]:
        """Raw completions of chat messages about encoded clips; arguments as for ``ask``."""
        answers = self.complete_ids(asked, samples=samples, temperature=temperature, seed=seed)
        return [self.loaded.tokenizer.batch_decode(said, skip_special_tokens=True) for said in answers]

    def complete_ids(
        self,
        asked: Sequence[tuple[Sequence[dict[str, Any]], Sequence[EncodedClip]]],
        *,
        samples: int = 1,
        temperature: float = 0.0,
        seed: int = 0,
        max_new_tokens: int | None = None,
    ) -> list[list[list[int]]]:
        """Token ids of the completions, the end token included; arguments as for ``ask``.

        Args:
            max_new_tokens: longest answer; by default, and at most, the model's own.
        """
        settings = self.loaded.settings
        room = min(max_new_tokens or settings.max_new_tokens, settings.max_new_tokens)
        prompts = [self.build(messages, clips) for messages, clips in asked]
        seeds = [
            [_seed(seed, sample, prompt, clips) for sample in range(samples)]
            for prompt, (_, clips) in zip(prompts, asked, strict=True)
        ]
        views = [[view for clip in clips for view in clip.views] for _, clips in asked]
        order = neighbours(prompts, views)
        answers: list[list[list[int]]] = [[] for _ in prompts]
        for part in batches([prompts[i] for i in order], room, settings.batch_tokens, [samples] * len(prompts)):
            batch = [order[place] for place in part]
            try:
                with cpu_threads(self.loaded.threads):
                    said = self.generate(
                        [prompts[i] for i in batch],
                        [views[i] for i in batch],
                        [seeds[i] for i in batch],
                        temperature,
                        max_new_tokens=room,
                    )
            except torch.OutOfMemoryError as error:
                raise ModelError(
                    f"out of memory with {len(batch)} questions in a batch. Look at less (--frames, --max-pixels), use "
                    f"--dtype bfloat16, or lower batch_tokens, now {settings.batch_tokens}, in the model's "
                    f"{SETTINGS_FILE}."
                ) from error
            for i, mine in zip(batch, said, strict=True):
                answers[i] = mine
        return answers

    def generate(
        self,
        prompts: Sequence[Prompt],
        encoded: Sequence[Sequence[EncodedView]],
        seeds: Sequence[Sequence[int]],
        temperature: float,
        *,
        max_new_tokens: int | None = None,
    ) -> list[list[list[int]]]:
        """Token ids of the answers to prompts in one batch, see ``generate.complete``."""
        return complete(
            self.loaded.model,
            prompts,
            encoded,
            seeds,
            output_type=self.output_type,
            pad_id=self.loaded.tokenizer.pad_token_id,
            suppressed_tokens=self.loaded.suppressed_tokens,
            max_new_tokens=max_new_tokens or self.loaded.settings.max_new_tokens,
            temperature=temperature,
        )

    def build(self, messages: Sequence[dict[str, Any]], clips: Sequence[EncodedClip]) -> Prompt:
        """The token ids of chat messages about encoded clips; errors as of ``check``."""
        views = [[encoded.view for encoded in clip.views] for clip in clips]
        return self._fitting(messages, views, [clip.processed for clip in clips])

    def check_question(self, question: Question, clips: Sequence[ProcessedClip]) -> None:
        """``check`` of a question's prompts."""
        for part in parts(self.prompt_set, question):
            self.check(self.prompt_set.messages(part), clips)

    def check(self, messages: Sequence[dict[str, Any]], clips: Sequence[ProcessedClip]) -> None:
        """Refuse a prompt that is longer than the model takes, before anything is encoded.

        Raises:
            UsageError: with both numbers of tokens.
        """
        self._fitting(messages, [clip.views for clip in clips], clips)

    def _fitting(
        self, messages: Sequence[dict[str, Any]], views: Sequence[Sequence[View]], clips: Sequence[ProcessedClip]
    ) -> Prompt:
        prompt = self._builder.build(messages, views, [evidence_text(clip) for clip in clips])
        if len(prompt.ids) > self._most_tokens:
            raise UsageError(
                f"the prompt has {len(prompt.ids)} tokens, the model takes {self._most_tokens}. Shorten its text, or "
                "show less (--frames, --max-pixels)."
            )
        return prompt

    def read(self, question: Question, clips: Sequence[ProcessedClip], text: str) -> Reply:
        """A completion as the reply to a question about clips; without a usable answer it says why."""
        return as_reply(self.prompt_set, question, clips, text)


def as_reply(
    prompt_set: PromptSet,
    question: Question,
    clips: Sequence[ProcessedClip],
    text: str,
    apart: str | None = None,
    tokens: Tokens | None = None,
) -> Reply:
    """A completion read as the answer to a question; of a clip shown as one frame it has no temporal score.

    Args:
        clips: as the model was shown them.
        apart: the reasoning, where a server keeps it apart from the text.
        tokens: what a server counted.
    """
    answer = prompt_set.parse(question, text)
    if any(len(set(clip.input.indices)) < 2 for clip in clips):
        answer = without_motion(answer)
    missing = answer.reason if isinstance(answer, Missing) else None
    partly = answer.missing if isinstance(answer, Score) else {}
    return Reply(text, apart or reasoning(text), _value(answer), missing, tokens, partly)


def _value(answer: Answer | Missing) -> Any:
    match answer:
        case Missing():
            return None
        case Score(values):
            return values
        case Preference(choice):
            return choice
    return answer.yes


def _seed(seed: int, sample: int, prompt: Prompt, clips: Sequence[EncodedClip]) -> int:
    return seed_of(f"{seed}/{sample}/{'+'.join(clip.digest for clip in clips)}/{prompt.ids}")


def _feature_type(model: Any) -> type[Any]:
    """The output class of the vision tower: models with deepstack layers have their own."""
    if model.config.model_type == "qwen3_vl":
        from transformers.models.qwen3_vl.modeling_qwen3_vl import BaseModelOutputWithDeepstackFeatures

        return BaseModelOutputWithDeepstackFeatures
    return BaseModelOutputWithPooling
