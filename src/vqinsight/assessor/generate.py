"""Batched generation: an answer depends on its question and seed, not on the rest of the batch."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import torch

from vqinsight.assessor.attention import AnswerCache, decoding
from vqinsight.assessor.backbone import check_window, has_only_attention, stop_tokens
from vqinsight.assessor.noise import gumbel_noise
from vqinsight.assessor.prefill import opening, prefill
from vqinsight.assessor.prompting import Prompt
from vqinsight.assessor.vision import EncodedView


def batches(prompts: Sequence[Prompt], room: int, budget: int, answers: Sequence[int]) -> list[list[int]]:
    """Indices of prompts in order, split into batches of at most ``budget`` tokens after padding.

    ``room`` is the most tokens of an answer, ``answers`` the number of answers to each prompt. A prompt larger than the
    budget is a batch of its own.
    """
    cut: list[list[int]] = []
    longest = rows = 0
    for index, (prompt, count) in enumerate(zip(prompts, answers, strict=True)):
        length = len(prompt.ids) + room
        if not cut or max(longest, length) * (rows + count) > budget:
            cut.append([])
            longest = rows = 0
        cut[-1].append(index)
        longest, rows = max(longest, length), rows + count
    return cut


def neighbours(prompts: Sequence[Prompt], encoded: Sequence[Sequence[EncodedView]]) -> list[int]:
    """Indices of prompts, so that those that begin alike are neighbours, and then those of like length, to pad less."""
    seen: dict[tuple[int, ...], int] = {}
    group = [seen.setdefault(opening(*each), len(seen)) for each in zip(prompts, encoded, strict=True)]
    longest = [0] * len(seen)
    for number, prompt in zip(group, prompts, strict=True):
        longest[number] = max(longest[number], len(prompt.ids))
    return sorted(range(len(prompts)), key=lambda i: (longest[group[i]], group[i], len(prompts[i].ids)))


@torch.no_grad()
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

    A prompt is prefilled once, whatever the number of its answers, and its keys and values are held once; what several
    prompts begin with is prefilled once for all of them.

    Args:
        encoded: for each prompt its encoded views, in order.
        seeds: for each prompt one seed per answer; at temperature 0 only their number matters.
        suppressed_tokens: never sampled: a placeholder in an answer breaks later forward passes over it.
        temperature: 0 takes the most likely token.

    Raises:
        ModelError: the model's attention window is shorter than prompt and answer.
    """
    check_window(model, max(len(prompt.ids) for prompt in prompts) + max_new_tokens)
    if not has_only_attention(model) and len(prompts) > 1:  # padding would enter the state of linear attention
        alone = partial(
            complete,
            model,
            output_type=output_type,
            pad_id=pad_id,
            suppressed_tokens=suppressed_tokens,
            max_new_tokens=max_new_tokens,
            temperature=temperature,
        )
        return [alone([p], [e], [s])[0] for p, e, s in zip(prompts, encoded, seeds, strict=True)]
    decoder = Decoder(model, prompts, encoded, [len(mine) for mine in seeds], output_type, pad_id, max_new_tokens)
    flat = [seed for mine in seeds for seed in mine]
    said: list[list[int]] = [[] for _ in flat]
    alive = list(range(len(flat)))
    stop, suppressed = stop_tokens(model), torch.tensor(list(suppressed_tokens), dtype=torch.long, device=model.device)
    logits_RV = decoder.logits_RV
    for position in range(max_new_tokens):
        scores_RV = logits_RV.float().index_fill(-1, suppressed, float("-inf"))
        if temperature > 0:
            noise_RV = gumbel_noise([flat[row] for row in alive], position, scores_RV.shape[-1], scores_RV.device)
            scores_RV = scores_RV.div_(temperature).add_(noise_RV)
        chosen_R = scores_RV.argmax(-1)
        for row, token in zip(alive, chosen_R.tolist(), strict=True):
            said[row].append(token)
        going = [i for i, row in enumerate(alive) if said[row][-1] not in stop]
        if not going or position + 1 == max_new_tokens:
            break
        if len(going) < len(alive):
            rows = torch.tensor(going, device=model.device)
            decoder.keep(rows)
            chosen_R, alive = chosen_R[rows], [alive[i] for i in going]
        logits_RV = decoder.step(chosen_R)
    given = iter(said)
    return [[next(given) for _ in mine] for mine in seeds]


class Decoder:
    """The state of decoding: caches, and the position of each answer's next token."""

    def __init__(
        self,
        model: Any,
        prompts: Sequence[Prompt],
        encoded: Sequence[Sequence[EncodedView]],
        counts: Sequence[int],
        output_type: type[Any],
        pad_id: int,
        room: int,
    ) -> None:
        self._model, self._shared = model, has_only_attention(model)
        prefilled = prefill(model, prompts, encoded, output_type, pad_id)
        index = torch.arange(len(prompts)).repeat_interleave(torch.tensor(counts)).to(model.device)
        self.logits_RV = prefilled.logits_BV[index]
        self._next_3R1 = prefilled.last_3B1[:, index] + 1
        if self._shared:
            self._cache = AnswerCache(prefilled.cache, prefilled.seen_BP, counts, room)
        else:
            self._cache = prefilled.cache
            self._cache.reorder_cache(index)  # the one way to fork the states of linear attention

    def step(self, token_R: torch.Tensor) -> torch.Tensor:
        """(R, V) logits after one more token of each answer."""
        inputs: dict[str, Any] = {"input_ids": token_R[:, None], "position_ids": self._next_3R1, "use_cache": True}
        if self._shared:
            self._cache.step()
            with decoding(self._model):
                out = self._model(**inputs, past_key_values=self._cache, answer_cache=self._cache)
        else:
            out = self._model(**inputs, past_key_values=self._cache)
        self._next_3R1 = self._next_3R1 + 1
        logits: torch.Tensor = out.logits[:, -1]
        return logits

    def keep(self, rows: torch.Tensor) -> None:
        """Go on with these rows only."""
        self._next_3R1 = self._next_3R1[:, rows]
        if self._shared:
            self._cache.keep(rows)
        else:
            self._cache.reorder_cache(rows)
