"""Attention functions of our own for the language model, beside transformers' ``sdpa``.

* Decoding the 8 answers of a group reads the prompt's keys and values 8 times a token when every answer has its own
  copy. In an ``AnswerCache`` a prompt has one copy, and the queries of its answers go through it as one matrix product;
  each answer's own keys and values lie in memory that is allocated once.
* Packed answers need a mask that no flash attention takes. As a ``BlockMask`` it goes to flex attention, which skips
  the blocks in which nothing is seen. Its backward pass exists on accelerators only. Elsewhere each segment is attended
  by itself: a dense mask over a prompt of 735 tokens and 8 answers of 512 computes 4 times the pairs that are seen.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch.nn.attention.flex_attention import BlockMask, flex_attention
from torch.nn.functional import scaled_dot_product_attention
from transformers import AttentionInterface, AttentionMaskInterface, Cache
from transformers.integrations.flex_attention import flex_attention_forward
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

from vqinsight.assessor.backbone import language_backbone

BLOCKS = "vqinsight_blocks"  # sdpa, and flex attention where the mask is a BlockMask
SEGMENTS = "vqinsight_segments"  # sdpa, and segment by segment where the mask is the segment of each token
_DECODING = "vqinsight_decoding"  # transformers builds no mask for it: an AnswerCache knows what is seen


class AnswerCache(Cache):
    """Keys and values of prompts, one copy each, and of their answers, one token after the other.

    Args:
        prompts: the cache of a forward pass over the prompts, (B, heads, P, width) a layer.
        seen_BP: 1 where a prompt has a token, 0 for its padding.
        counts: answers of each prompt; rows are the answers of all prompts in order.
        room: most tokens of an answer.
    """

    def __init__(self, prompts: Any, seen_BP: torch.Tensor, counts: Sequence[int], room: int) -> None:
        super().__init__(layers=[])
        self._prompts = [(layer.keys, layer.values) for layer in prompts.layers]
        self._hidden_BP = ~seen_BP.bool()
        self._room, self._length = room, 0
        self._answers: list[tuple[torch.Tensor, torch.Tensor]] = []
        self._own(torch.arange(len(counts)).repeat_interleave(torch.tensor(counts)).to(seen_BP.device))

    def _own(self, prompt_R: torch.Tensor) -> None:
        """Note the prompt of each row, and the row's place among the rows of that prompt."""
        self._prompt_R = prompt_R
        counts_B = torch.bincount(prompt_R, minlength=len(self._hidden_BP))
        first_B = counts_B.cumsum(0) - counts_B
        self._place_R = torch.arange(len(prompt_R), device=prompt_R.device) - first_B[prompt_R]
        self._group = int(counts_B.max())

    def get_seq_length(self, layer_idx: int = 0) -> int:  # noqa: ARG002
        """Number of tokens of prompt and answer."""
        return self._hidden_BP.shape[1] + self._length

    def step(self) -> None:
        """Make place for one more token of every answer."""
        self._length += 1

    def keep(self, rows: torch.Tensor) -> None:
        """Go on with these rows only."""
        for layer, (keys, values) in enumerate(self._answers):  # one layer's copy at a time
            self._answers[layer] = (keys[rows], values[rows])
        self._own(self._prompt_R[rows])

    def update(self, key_states: torch.Tensor, value_states: torch.Tensor, layer_idx: int, *_: Any, **__: Any) -> Any:
        """Write the newest token's keys and values; those of the answers so far, (R, heads, t, width) each."""
        if layer_idx == len(self._answers):
            shape = (*key_states.shape[:2], self._room, key_states.shape[-1])
            self._answers.append((key_states.new_empty(shape), value_states.new_empty(shape)))
        keys, values = self._answers[layer_idx]
        keys[:, :, self._length - 1] = key_states[:, :, 0]
        values[:, :, self._length - 1] = value_states[:, :, 0]
        return keys[:, :, : self._length], values[:, :, : self._length]

    def attend(
        self, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, layer: int, scaling: float
    ) -> torch.Tensor:
        """One token of every answer attends to its prompt and to its answer so far.

        Args:
            query: (R, heads, 1, width).
            key, value: (R, key heads, t, width) of the answers.

        Returns:
            (R, 1, heads, width).
        """
        prompt_keys, prompt_values = self._prompts[layer]
        rows, heads, _, width = query.shape
        few, length = prompt_keys.shape[1], prompt_keys.shape[2]
        query = (query * scaling).view(rows, few, heads // few, width)
        # (B, key heads, answers of a prompt x heads of a key head, width): one product with the prompt's keys.
        asked = query.new_zeros(len(prompt_keys), self._group, few, heads // few, width)
        asked[self._prompt_R, self._place_R] = query
        asked = asked.permute(0, 2, 1, 3, 4).flatten(2, 3)
        weights = asked @ prompt_keys.transpose(-1, -2)
        weights = weights.view(len(prompt_keys), few, self._group, heads // few, length).transpose(1, 2)
        weights = weights[self._prompt_R, self._place_R]
        weights = weights.masked_fill(self._hidden_BP[self._prompt_R][:, None, None], float("-inf"))
        weights = torch.cat([weights, query @ key.transpose(-1, -2)], -1).float().softmax(-1).to(query.dtype)
        theirs = weights.new_zeros(len(prompt_keys), self._group, few, heads // few, length)
        theirs[self._prompt_R, self._place_R] = weights[..., :length]
        found = theirs.transpose(1, 2).flatten(2, 3) @ prompt_values
        found = found.view(len(prompt_keys), few, self._group, heads // few, width).transpose(1, 2)
        found = found[self._prompt_R, self._place_R] + weights[..., length:] @ value
        return found.reshape(rows, 1, heads, width)


def _attention(
    module: Any,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: Any,
    *,
    scaling: float,
    answer_cache: AnswerCache | None = None,
    **options: Any,
) -> tuple[torch.Tensor, Any]:
    if answer_cache is not None:
        return answer_cache.attend(query, key, value, module.layer_idx, scaling), None
    if isinstance(attention_mask, BlockMask):
        if query.device.type == "cpu":  # transformers' function would compile it, which takes half a minute
            found = flex_attention(query, key, value, block_mask=attention_mask, scale=scaling, enable_gqa=True)
            return found.transpose(1, 2), None
        return flex_attention_forward(module, query, key, value, attention_mask, scaling=scaling, **options)[0], None
    if attention_mask is not None and attention_mask.dtype == torch.long:
        return _by_segment(query, key, value, attention_mask[:, 0, 0], scaling), None
    return sdpa_attention_forward(module, query, key, value, attention_mask, scaling=scaling, **options)


def _by_segment(
    query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, segment_BS: torch.Tensor, scaling: float
) -> torch.Tensor:
    """Each answer attends to its prompt and, causally, to itself: only what is seen is computed.

    Args:
        query: (B, heads, S, width).
        key, value: (B, key heads, S, width).
        segment_BS: (B, S) ascending in a row, the prompt first; what is negative, at the end, is padding.

    Returns:
        (B, S, heads, width), 0 in the padding.
    """
    rows = []
    for row, segment_S in enumerate(segment_BS):
        lengths = segment_S[segment_S >= 0].unique_consecutive(return_counts=True)[1].tolist()
        keys, values = (each[row].split([*lengths, key.shape[2] - sum(lengths)], 1) for each in (key, value))
        queries = query[row].split([*lengths, query.shape[2] - sum(lengths)], 1)
        found = [_causal(queries[0], keys[0], values[0], scaling)]
        for place in range(1, len(lengths)):
            seen, theirs = torch.cat([keys[0], keys[place]], 1), torch.cat([values[0], values[place]], 1)
            found.append(_causal(queries[place], seen, theirs, scaling))
        rows.append(torch.cat([*found, torch.zeros_like(queries[-1])], 1))
    return torch.stack(rows).transpose(1, 2)


def _causal(query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, scaling: float) -> torch.Tensor:
    """Attention of the last tokens, (heads, T, width), to all keys before and at each, (key heads, K, width)."""
    heads, width = query.shape[0], query.shape[-1]
    few, before = key.shape[0], key.shape[1] - query.shape[1]
    # The heads that share keys are a dimension of their own, along which keys are not copied.
    found = scaled_dot_product_attention(
        query.view(few, heads // few, -1, width),
        key[:, None].expand(-1, heads // few, -1, -1),
        value[:, None].expand(-1, heads // few, -1, -1),
        attn_mask=query.new_ones(query.shape[1], key.shape[1], dtype=torch.bool).tril(before) if before else None,
        is_causal=not before,
        scale=scaling,
    )
    return found.reshape(heads, -1, width)


for _name in (BLOCKS, SEGMENTS, _DECODING):
    AttentionInterface.register(_name, _attention)
for _name in (BLOCKS, SEGMENTS):
    AttentionMaskInterface.register(_name, sdpa_mask)


def text_attention(model: Any) -> str:
    """The attention function of the language model."""
    name: str = language_backbone(model).language_model.config._attn_implementation
    return name


def set_text_attention(model: Any, name: str) -> None:
    """Choose the attention function of the language model; the vision tower keeps its own."""
    language_backbone(model).language_model.config._attn_implementation = name


@contextmanager
def decoding(model: Any) -> Iterator[None]:
    """Inside, the language model takes ``past_key_values=cache, answer_cache=cache`` with an ``AnswerCache``."""
    before = text_attention(model)
    set_text_attention(model, _DECODING)
    try:
        yield
    finally:
        set_text_attention(model, before)
