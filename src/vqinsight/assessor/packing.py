"""Packing: the answers to one prompt in one sequence, the prompt once, then every answer as its own segment.

An answer attends to the prompt and to itself, never to other answers, and its positions continue the prompt's, so its
log-probabilities equal those of a forward pass over the prompt and that answer alone (tests/invariant/test_packed.py).
A model with layers of linear attention, which no mask can branch, gets a row with the whole prompt for each answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch.nn.attention.flex_attention import create_block_mask

from vqinsight.assessor.attention import BLOCKS, SEGMENTS, text_attention
from vqinsight.assessor.backbone import check_window, has_only_attention, prompt_positions
from vqinsight.assessor.log_probs import head_returns_log_probs
from vqinsight.assessor.prompting import Prompt, collate, pad

_PADDING, _PROMPT = -1, 0


@dataclass(frozen=True)
class Packed:
    """A batch of packed sequences.

    Attributes:
        inputs: arguments of the model's ``forward``, without the views' pixels or features.
        row_A: (A,) the packed row of each answer, answers of all prompts in order.
        place_AT: (A, T) position, in its row, of the token whose output predicts each answer token.
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

    Raises:
        ModelError: the model's attention window is shorter than a prompt with an answer.
    """
    check_window(model, max(len(p.ids) + max(map(len, said)) for p, said in zip(prompts, answers, strict=True)))
    copies = rows_per_prompt(model, [len(said) for said in answers])
    if copies != [1] * len(prompts):
        prompts = [prompt for prompt, count in zip(prompts, copies, strict=True) for _ in range(count)]
        answers = [[one] for said in answers for one in said]
    batch = collate(prompts, pad_id, left=False)
    lengths = [len(prompt.ids) for prompt in prompts]
    rows = [[*p.ids, *(t for one in said for t in one)] for p, said in zip(prompts, answers, strict=True)]
    segments = [
        [_PROMPT] * length + [number for number, one in enumerate(said, 1) for _ in one]
        for length, said in zip(lengths, answers, strict=True)
    ]
    kinds = [[*p.kinds, *([0] * (len(row) - len(p.ids)))] for p, row in zip(prompts, rows, strict=True)]
    segment_BS = pad(segments, _PADDING, left=False)
    inputs = {
        "input_ids": pad(rows, pad_id, left=False),
        "attention_mask": _mask(segment_BS, model),
        "position_ids": _positions(model, batch, lengths, answers, segment_BS.shape[1]),
        "mm_token_type_ids": pad(kinds, 0, left=False),
        **{key: value for key, value in batch.items() if key.endswith("grid_thw")},
    }
    row_A, places, tokens = [], [], []
    for row, (length, said) in enumerate(zip(lengths, answers, strict=True)):
        start = length
        for one in said:
            # The prompt's last token predicts the first token of every answer.
            places.append([length - 1, *range(start, start + len(one) - 1)])
            tokens.append(one)
            row_A.append(row)
            start += len(one)
    mask_AT = pad([[1] * len(one) for one in tokens], 0, left=False)
    return Packed(inputs, torch.tensor(row_A), pad(places, 0, left=False), pad(tokens, 0, left=False), mask_AT)


def rows_per_prompt(model: Any, answers: Sequence[int]) -> list[int]:
    """How many packed rows each prompt takes, given its number of answers; each needs the views of the prompt."""
    return [1] * len(answers) if has_only_attention(model) else list(answers)


def _mask(segment_BS: torch.Tensor, model: Any) -> Any:
    """Causal attention to the prompt and the token's own answer; padding attends to padding.

    (B, 1, S, S) for ``sdpa``, boolean, which fits every precision, and for ``eager``, which adds it; a ``BlockMask`` of
    that shape for flex attention; (B, 1, 1, S), the segments, for attention segment by segment; (B, S), 1 for tokens,
    where each answer has its row.
    """
    if not has_only_attention(model):
        return (segment_BS != _PADDING).long()
    attention = text_attention(model)
    if attention == SEGMENTS:
        return segment_BS[:, None, None]  # transformers hands a mask of four dimensions to the attention as it is
    if attention == BLOCKS:
        segment_BS = segment_BS.to(model.device)
        rows, length = segment_BS.shape
        return create_block_mask(
            lambda b, h, q, k: _sees(q, k, segment_BS[b, q], segment_BS[b, k]),  # noqa: ARG005
            rows,
            None,
            length,
            length,
            device=segment_BS.device,
        )
    place_S = torch.arange(segment_BS.shape[1])
    seen = _sees(place_S[:, None], place_S, segment_BS[:, :, None], segment_BS[:, None, :])[:, None]
    if attention == "sdpa":
        return seen
    return torch.zeros(seen.shape).masked_fill_(~seen, torch.finfo(model.dtype).min)


def _sees(query: torch.Tensor, key: torch.Tensor, mine: torch.Tensor, theirs: torch.Tensor) -> torch.Tensor:
    """Whether the token at ``query`` attends to that at ``key``, given the segments of both."""
    return (key <= query) & ((mine == theirs) | ((theirs == _PROMPT) & (mine != _PADDING)))


def _positions(
    model: Any,
    batch: dict[str, torch.Tensor],
    lengths: Sequence[int],
    answers: Sequence[Sequence[Sequence[int]]],
    width: int,
) -> torch.Tensor:
    """(3, B, S): the model's positions for the prompts; every answer continues from its prompt's last position."""
    prompts_3BP = prompt_positions(model, batch)
    positions = torch.zeros(3, len(lengths), width, dtype=torch.long)
    for row, (length, said) in enumerate(zip(lengths, answers, strict=True)):
        positions[:, row, :length] = prompts_3BP[:, row, :length]
        last = positions[:, row, length - 1 : length]
        steps = torch.cat([torch.arange(1, len(one) + 1) for one in said])
        positions[:, row, length : length + len(steps)] = last + steps
    return positions


def answer_logprobs(
    model: Any, packed: Packed, *, temperature: float = 1.0, **vision: Any
) -> tuple[torch.Tensor, torch.Tensor]:
    """Log-probability of every answer token, (A, T) float32, and the entropy there, (A, T) without gradient.

    Both are 0 in the padding. Memory does not grow with the vocabulary (``assessor/log_probs.py``).

    Args:
        model: wrapped or not; it is called once.
        vision: ``mm_encoder_outputs`` with the views' features, or their pixels (``pixel_values_videos``, …).
        temperature: of the distribution that the answers are sampled from.
    """
    with head_returns_log_probs(
        model, packed.row_A, packed.place_AT, packed.ids_AT, packed.mask_AT, temperature=temperature
    ):
        found_AT2 = model(**packed.inputs, **vision, use_cache=False).logits
    return found_AT2[..., 0], found_AT2[..., 1].detach()
