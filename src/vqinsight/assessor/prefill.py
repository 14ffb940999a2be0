"""The first pass over the prompts of a batch. What several prompts begin with is forwarded once.

The pairs (A, B), (A, C), … of a ranking have the same tokens and features up to the second clip, and so have several
questions about one clip up to the question. Keys and values of a token depend on what stands before it alone, so those
of the common start serve every prompt that begins with it. Positions are those of the whole prompts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

import torch

from vqinsight.assessor.backbone import bare, has_only_attention, keep_accepted_kwargs, prompt_positions
from vqinsight.assessor.prompting import Prompt, collate, pad
from vqinsight.assessor.vision import EncodedView, encoder_outputs

_WORTH = 0.9  # of the tokens forwarded one by one: a second pass has a cost of its own


@dataclass(frozen=True)
class Prefilled:
    """What generation goes on from.

    Attributes:
        logits_BV: after the last token of each prompt.
        cache: keys and values of every prompt, (B, heads, P, width) a layer.
        seen_BP: 1 where the cache has a token of the prompt, 0 for padding, which may stand between tokens.
        last_3B1: position of the last token of each prompt.
    """

    logits_BV: torch.Tensor
    cache: Any
    seen_BP: torch.Tensor
    last_3B1: torch.Tensor


@dataclass(frozen=True)
class Starts:
    """Starts of prompts, each forwarded once.

    Attributes:
        of: the number of each prompt's start.
        tokens: the length of each start; a prompt goes on with at least one token more.
    """

    of: tuple[int, ...]
    tokens: tuple[int, ...]


def prefill(
    model: Any, prompts: Sequence[Prompt], encoded: Sequence[Sequence[EncodedView]], output_type: type[Any], pad_id: int
) -> Prefilled:
    """Forward the prompts of a batch, each with its encoded views."""
    batch = {name: value.to(model.device) for name, value in collate(prompts, pad_id).items()}
    positions_3BP = prompt_positions(model, batch)
    last_3B1 = positions_3BP[:, :, -1:]
    starts = common_starts(prompts, encoded) if has_only_attention(model) else None
    if starts is None:
        inputs = keep_accepted_kwargs(bare(model).forward, batch)
        out = _forward(model, inputs, positions_3BP, [v for views in encoded for v in views], output_type)
        return Prefilled(out.logits[:, -1], out.past_key_values, batch["attention_mask"], last_3B1)
    ids = [prompt.ids for prompt in prompts]
    cuts = [starts.tokens[start] for start in starts.of]
    parts = [
        _split(views, sum(kind > 0 for kind in p.kinds[:cut]))
        for p, views, cut in zip(prompts, encoded, cuts, strict=True)
    ]

    firsts = [starts.of.index(start) for start in range(len(starts.tokens))]  # a prompt for each start
    heads = [ids[row][: cuts[row]] for row in firsts]
    seen_SH = pad([[1] * len(head) for head in heads], 0, left=True).to(model.device)
    place_SH = pad([range(len(each)) for each in heads], 0, left=True).to(model.device)
    ahead = torch.tensor([[max(map(len, ids)) - len(ids[row])] for row in firsts], device=model.device)
    rows = torch.tensor(firsts, device=model.device)[:, None]
    inputs = {"input_ids": pad(heads, pad_id, left=True).to(model.device), "attention_mask": seen_SH}
    shown = [view for row in firsts for view in parts[row][0]]
    cache = _forward(model, inputs, positions_3BP[:, rows, ahead + place_SH], shown, output_type).past_key_values

    start_B = torch.tensor(starts.of, device=model.device)
    cache.reorder_cache(start_B)
    tails = [each[cut:] for each, cut in zip(ids, cuts, strict=True)]
    seen_BT = pad([[1] * len(tail) for tail in tails], 0, left=True).to(model.device)
    seen_BP = torch.cat([seen_SH[start_B], seen_BT], -1)
    inputs = {"input_ids": pad(tails, pad_id, left=True).to(model.device), "attention_mask": seen_BP}
    shown = [view for _, after in parts for view in after]
    out = _forward(model, inputs, positions_3BP[:, :, -seen_BT.shape[1] :], shown, output_type, past_key_values=cache)
    return Prefilled(out.logits[:, -1], out.past_key_values, seen_BP, last_3B1)


def _forward(
    model: Any,
    inputs: dict[str, torch.Tensor],
    positions: torch.Tensor,
    views: Sequence[EncodedView],
    output_type: type[Any],
    **cache: Any,
) -> Any:
    outputs = encoder_outputs(views, output_type)
    return model(
        **inputs, position_ids=positions, mm_encoder_outputs=outputs, use_cache=True, logits_to_keep=1, **cache
    )


def common_starts(prompts: Sequence[Prompt], encoded: Sequence[Sequence[EncodedView]]) -> Starts | None:
    """The starts of a batch, or ``None`` where forwarding them once saves too little.

    Prompts with the same text up to the same first view have the longest start that they all share. The start of a
    prompt that begins like no other is as long as the longest of these: rows of one length have no padding.
    """
    known = [_identities(prompt, views) for prompt, views in zip(prompts, encoded, strict=True)]
    groups: dict[tuple[int, ...], list[int]] = {}
    for number, key in enumerate(map(opening, prompts, encoded)):
        groups.setdefault(key, []).append(number)
    shared = [_agree([known[number] for number in members]) for members in groups.values()]
    shortest = [min(len(known[number]) for number in members) - 1 for members in groups.values()]
    longest = max((min(n, most) for n, most in zip(shared, shortest, strict=True) if n), default=0)
    tokens = [min(n or longest, most) for n, most in zip(shared, shortest, strict=True)]
    of = {number: start for start, members in enumerate(groups.values()) for number in members}
    tails = max(len(each) - tokens[of[number]] for number, each in enumerate(known))
    plain, cut = len(prompts) * max(map(len, known)), len(groups) * max(tokens) + len(prompts) * tails
    return Starts(tuple(of[number] for number in range(len(prompts))), tuple(tokens)) if cut < _WORTH * plain else None


def _agree(several: Sequence[Sequence[int]]) -> int:
    """How many items they all begin with; 0 for a single one."""
    same = (len(set(items)) == 1 for items in zip(*several, strict=False))
    return sum(takewhile(bool, same)) if len(several) > 1 else 0


def opening(prompt: Prompt, views: Sequence[EncodedView]) -> tuple[int, ...]:
    """What two prompts have in common that show the same view first, after the same text."""
    known = _identities(prompt, views)
    return tuple(known[: next((place for place, each in enumerate(known) if each < 0), len(known)) + 1])


def _identities(prompt: Prompt, views: Sequence[EncodedView]) -> list[int]:
    """The token ids, with the view in place of a placeholder, as a negative number."""
    seen = iter([-id(view) for view in views for _ in range(len(view.pooled))])
    return [next(seen) if kind else token for token, kind in zip(prompt.ids, prompt.kinds, strict=True)]


def _split(views: Sequence[EncodedView], tokens: int) -> tuple[list[EncodedView], list[EncodedView]]:
    """The first ``tokens`` visual tokens of views, and the others."""
    before: list[EncodedView] = []
    after: list[EncodedView] = []
    for each in views:
        for side, part in ((before, slice(None, tokens)), (after, slice(tokens, None))):
            if len(each.pooled[part]):
                side.append(EncodedView(each.view, each.pooled[part], tuple(layer[part] for layer in each.deepstack)))
        tokens = max(0, tokens - len(each.pooled))
    return before, after
