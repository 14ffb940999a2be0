"""Packing: the answers to one prompt in one sequence, the prompt once, then every answer as its own segment.

An answer attends to the prompt and to itself, never to other answers, and its positions continue the prompt's, so its
log-probabilities equal those of a forward pass over the prompt and that answer alone (tests/invariant/test_packed.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from vqinsight.assessor.generate import keep_accepted_kwargs, language_backbone
from vqinsight.assessor.prompting import Prompt, collate, pad

_PADDING, _PROMPT = -1, 0


@dataclass(frozen=True)
class Packed:
    """A batch of packed sequences.

    Attributes:
        inputs: arguments of the model's ``forward``, without the views' pixels or features.
        row_A: (A,) the packed row of each answer, answers of all prompts in order.
        place_AT: (A, T) index, among the kept logits of its row, of the logits that predict each answer token.
        ids_AT: (A, T) the answer tokens, padded with 0.
        mask_AT: (A, T) 1 for answer tokens, 0 for padding.
    """

    inputs: dict[str, Any]
    row_A: torch.Tensor
    place_AT: torch.Tensor
    ids_AT: torch.Tensor
    mask_AT: torch.Tensor

    def to(self, device: torch.device) -> Packed:
        """The same batch on a device."""
        inputs = {key: v.to(device) if isinstance(v, torch.Tensor) else v for key, v in self.inputs.items()}
        tensors = (self.row_A, self.place_AT, self.ids_AT, self.mask_AT)
        return Packed(inputs, *(tensor.to(device) for tensor in tensors))


def pack(model: Any, prompts: Sequence[Prompt], answers: Sequence[Sequence[Sequence[int]]], pad_id: int) -> Packed:
    """Pack one row per prompt, with all its answers.

    Args:
        model: the unwrapped model; only its position computation is used.
        answers: for each prompt the token ids of its answers, none of them empty.
    """
    batch = collate(prompts, pad_id, left=False)
    lengths = [len(prompt.ids) for prompt in prompts]
    rows = [[*p.ids, *(t for one in said for t in one)] for p, said in zip(prompts, answers, strict=True)]
    segments = [
        [_PROMPT] * length + [number for number, one in enumerate(said, 1) for _ in one]
        for length, said in zip(lengths, answers, strict=True)
    ]
    kinds = [[*p.kinds, *([0] * (len(row) - len(p.ids)))] for p, row in zip(prompts, rows, strict=True)]
    segment_BS = pad(segments, _PADDING, left=False)
    first = min(lengths) - 1  # the earliest logits that are needed
    inputs = {
        "input_ids": pad(rows, pad_id, left=False),
        "attention_mask": _mask(segment_BS, model),
        "position_ids": _positions(language_backbone(model), batch, lengths, answers, segment_BS.shape[1]),
        "mm_token_type_ids": pad(kinds, 0, left=False),
        "logits_to_keep": torch.arange(first, segment_BS.shape[1]),
        **{key: value for key, value in batch.items() if key.endswith("grid_thw")},
    }
    row_A, places, tokens = [], [], []
    for row, (length, said) in enumerate(zip(lengths, answers, strict=True)):
        start = length
        for one in said:
            # The prompt's last token predicts the first token of every answer.
            places.append([length - 1 - first, *range(start - first, start - first + len(one) - 1)])
            tokens.append(one)
            row_A.append(row)
            start += len(one)
    mask_AT = pad([[1] * len(one) for one in tokens], 0, left=False)
    return Packed(inputs, torch.tensor(row_A), pad(places, 0, left=False), pad(tokens, 0, left=False), mask_AT)


def _mask(segment_BS: torch.Tensor, model: Any) -> torch.Tensor:
    """(B, 1, S, S): causal attention to the prompt and the token's own answer; padding attends to padding.

    ``sdpa`` takes a boolean mask, which fits every precision; ``eager`` adds its mask and needs floats.
    """
    length = segment_BS.shape[1]
    earlier = torch.ones(length, length, dtype=torch.bool).tril()
    mine, theirs = segment_BS[:, :, None], segment_BS[:, None, :]
    seen = (earlier & ((mine == theirs) | ((theirs == _PROMPT) & (mine != _PADDING))))[:, None]
    if model.config._attn_implementation == "sdpa":
        return seen
    return torch.zeros(seen.shape, dtype=model.dtype).masked_fill_(~seen, torch.finfo(model.dtype).min)


def _positions(
    vision_language: Any,
    batch: dict[str, torch.Tensor],
    lengths: Sequence[int],
    answers: Sequence[Sequence[Sequence[int]]],
    width: int,
) -> torch.Tensor:
    """(3, B, S): the model's positions for the prompts; every answer continues from its prompt's last position."""
    wanted = keep_accepted_kwargs(vision_language.get_rope_index, batch)
    if any(key.endswith("grid_thw") for key in wanted):
        prompt_positions, _ = vision_language.get_rope_index(**wanted)
    else:
        plain = torch.arange(batch["input_ids"].shape[1])
        prompt_positions = plain.expand(3, len(lengths), -1)
    positions = torch.zeros(3, len(lengths), width, dtype=torch.long)
    for row, (length, said) in enumerate(zip(lengths, answers, strict=True)):
        positions[:, row, :length] = prompt_positions[:, row, :length]
        last = positions[:, row, length - 1 : length]
        steps = torch.cat([torch.arange(1, len(one) + 1) for one in said])
        positions[:, row, length : length + len(steps)] = last + steps
    return positions


def answer_logprobs(
    model: Any, packed: Packed, *, temperature: float = 1.0, **vision: Any
) -> tuple[torch.Tensor, torch.Tensor]:
    """Log-probability of every answer token, (A, T) float32, and the entropy there, (A, T) without gradient.

    Args:
        model: wrapped or not; it is called once.
        vision: ``mm_encoder_outputs`` with the views' features, or their pixels (``pixel_values_videos``, …).
        temperature: of the distribution that the answers are sampled from.
    """
    logits = model(**packed.inputs, **vision, use_cache=False).logits
    logits_ATV = logits[packed.row_A[:, None], packed.place_AT].float() / temperature
    total_AT = logits_ATV.logsumexp(-1)
    chosen_AT = logits_ATV.gather(-1, packed.ids_AT[..., None])[..., 0]
    with torch.no_grad():
        entropy_AT = total_AT - (logits_ATV.softmax(-1) * logits_ATV).sum(-1)
    return chosen_AT - total_AT, entropy_AT
