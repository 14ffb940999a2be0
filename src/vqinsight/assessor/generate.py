"""Batched generation: an answer depends on its question and seed, not on the rest of the batch."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any

import torch
from transformers import LogitsProcessor, LogitsProcessorList

from vqinsight.assessor.prompting import Prompt, collate
from vqinsight.assessor.vision import EncodedView, encoder_outputs


class GumbelSampling(LogitsProcessor):
    """Samples by the Gumbel-max trick, with noise from each row's own generator.

    The argmax of ``scores / temperature + Gumbel noise`` is an exact sample of the softmax, and a row's noise comes
    from its own seed, so its answer is the same alone and in any batch.
    """

    def __init__(self, temperature: float, seeds: Sequence[int]) -> None:
        self._temperature = temperature
        self._generators = [torch.Generator().manual_seed(seed) for seed in seeds]

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:  # noqa: ARG002
        """(rows, vocabulary) scores to perturbed scores; a score of minus infinity stays impossible."""
        draws = [torch.empty(scores.shape[-1]).exponential_(generator=g) for g in self._generators]
        noise = -torch.stack(draws).log()  # minus the logarithm of an exponential draw is a Gumbel draw
        return scores.float() / self._temperature + noise.to(scores.device)


def batches(prompts: Sequence[Prompt], room: int, budget: int, answers: int = 1) -> list[list[int]]:
    """Indices of prompts in order, split into batches of at most ``budget`` tokens after padding.

    ``room`` is the most tokens of an answer; each prompt has ``answers`` of them. A prompt larger than the budget is
    a batch of its own.
    """
    cut: list[list[int]] = []
    longest = 0
    for index, prompt in enumerate(prompts):
        length = len(prompt.ids) + room
        if not cut or max(longest, length) * (len(cut[-1]) + 1) * answers > budget:
            cut.append([])
            longest = 0
        cut[-1].append(index)
        longest = max(longest, length)
    return cut


@torch.no_grad()
def language_backbone(model: Any) -> Any:
    """The part of a vision-language model below the language head, with or without adapters."""
    return (model.get_base_model() if hasattr(model, "get_base_model") else model).model


def keep_accepted_kwargs(function: Any, values: dict[str, Any]) -> dict[str, Any]:
    """Those of ``values`` that ``function`` accepts: Qwen3-VL takes no times, they are text in its prompt."""
    known = inspect.signature(function).parameters
    return {key: value for key, value in values.items() if key in known}


def complete(
    model: Any,
    prompts: Sequence[Prompt],
    encoded: Sequence[Sequence[EncodedView]],
    seeds: Sequence[Sequence[int]],
    *,
    output_type: type[Any],
    pad_id: int,
    suppressed_tokens: Sequence[int],
    max_new_tokens: int,
    temperature: float,
) -> list[list[list[int]]]:
    """Token ids of the answers to each prompt, with the end token, without padding.

    A prompt is prefilled once, whatever the number of its answers.

    Args:
        encoded: for each prompt its encoded views, in order.
        seeds: for each prompt one seed per answer; at temperature 0 only their number matters.
        forbidden: tokens that are never sampled: a placeholder in an answer breaks later forward passes over it.
        temperature: 0 takes the most likely token.
    """
    batch = collate(prompts, pad_id)
    inputs = {key: value.to(model.device) for key, value in keep_accepted_kwargs(_bare(model).forward, batch).items()}
    outputs = encoder_outputs([view for views in encoded for view in views], output_type)
    cache = model(**inputs, mm_encoder_outputs=outputs, use_cache=True, logits_to_keep=1).past_key_values
    # The last token is left to ``generate``, which starts from a token that is not in the cache.
    cache.crop(-1)
    counts = torch.tensor([len(mine) for mine in seeds], device=model.device)
    index = torch.arange(len(prompts), device=model.device).repeat_interleave(counts)
    cache.batch_select_indices(index)
    vision_language = language_backbone(model)
    vision_language.rope_deltas = vision_language.rope_deltas[index]
    sampling = [GumbelSampling(temperature, [seed for mine in seeds for seed in mine])] if temperature > 0 else []
    out = model.generate(
        input_ids=inputs["input_ids"][index],
        attention_mask=inputs["attention_mask"][index],
        past_key_values=cache,
        do_sample=False,
        num_beams=1,
        temperature=None,
        top_p=None,
        top_k=None,
        repetition_penalty=1.0,
        max_new_tokens=max_new_tokens,
        suppress_tokens=list(suppressed_tokens),
        logits_processor=LogitsProcessorList(sampling),
        pad_token_id=pad_id,
        synced_gpus=False,  # processes sample independently, see grpo.unshard
    )
    stop = stop_tokens(model)
    answers = []
    for row in out[:, inputs["input_ids"].shape[1] :].tolist():
        end = next((i for i, token in enumerate(row) if token in stop), len(row))
        answers.append(row[: end + 1])
    given = iter(answers)
    return [[next(given) for _ in mine] for mine in seeds]


def stop_tokens(model: Any) -> frozenset[int]:
    """The tokens that end an answer."""
    ends = _bare(model).generation_config.eos_token_id
    return frozenset(ends if isinstance(ends, list) else [ends])


def _bare(model: Any) -> Any:
    return model.get_base_model() if hasattr(model, "get_base_model") else model
