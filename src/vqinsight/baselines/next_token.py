"""Next-token probabilities of a vision-language model: one forward pass over questions, no sampling.

VQAScore, Q-Align and VisionReward compute a score from the probabilities of a few words.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch

from vqinsight.assessor.assessor import Assessor
from vqinsight.assessor.backbone import has_only_attention, keep_accepted_kwargs, language_backbone, language_head
from vqinsight.assessor.packing import pack
from vqinsight.assessor.prompting import Prompt
from vqinsight.assessor.vision import EncodedClip, encoder_outputs
from vqinsight.common.device import cpu_threads
from vqinsight.errors import ModelError


def about_one(text: str) -> list[dict[str, Any]]:
    """A chat message with one clip and then a text."""
    return [{"role": "user", "content": [{"type": "clip", "index": 0}, {"type": "text", "text": text}]}]


def encode(assessor: Assessor, path: str) -> EncodedClip:
    """An encoded clip; raises ``UnreadableVideo``."""
    return assessor.encode(assessor.clips.load(path))


def begun(assessor: Assessor, prompt: Prompt, text: str) -> Prompt:
    """The prompt followed by the beginning of the answer."""
    ids = assessor.loaded.tokenizer(text, add_special_tokens=False)["input_ids"]
    return replace(prompt, ids=(*prompt.ids, *ids), kinds=(*prompt.kinds, *([0] * len(ids))))


@torch.no_grad()
def next_logits(assessor: Assessor, prompts: Sequence[Prompt], clips: Sequence[EncodedClip]) -> torch.Tensor:
    """(prompts, vocabulary) float32 logits of the token after each of several prompts about the same clips.

    What all of them begin with, the clips included, is forwarded once; a model with layers of linear attention gets a
    row for each prompt.
    """
    model, settings = assessor.loaded.model, assessor.loaded.settings
    views = [view for clip in clips for view in clip.views]
    cut = _common(prompts)
    start = replace(prompts[0], ids=prompts[0].ids[:cut], kinds=prompts[0].kinds[:cut])
    tails = [prompt.ids[cut:] for prompt in prompts]
    longest = max(len(prompt.ids) for prompt in prompts)
    most = len(tails) if has_only_attention(model) else max(1, settings.batch_tokens // longest)
    found = []
    for first in range(0, len(tails), most):
        some = tails[first : first + most]
        packed = pack(model, [start], [some], assessor.loaded.tokenizer.pad_token_id).to(model.device)
        copies = len(packed.inputs["input_ids"])
        with cpu_threads(assessor.loaded.threads):
            hidden_BSC = language_backbone(model)(
                **keep_accepted_kwargs(language_backbone(model).forward, packed.inputs),
                mm_encoder_outputs=encoder_outputs(views * copies, assessor.output_type),
                use_cache=False,
            ).last_hidden_state
            last_A = torch.tensor([_last(start, some, number, copies) for number in range(len(some))])
            found.append(language_head(model)(hidden_BSC[packed.row_A, last_A]).float().cpu())
    return torch.cat(found)


def _common(prompts: Sequence[Prompt]) -> int:
    """How many tokens all prompts begin with; at least one token follows in each."""
    shortest = min(len(prompt.ids) for prompt in prompts) - 1
    for place, tokens in enumerate(zip(*(prompt.ids[:shortest] for prompt in prompts), strict=True)):
        if len(set(tokens)) > 1:
            return place
    return shortest


def _last(start: Prompt, tails: Sequence[Sequence[int]], number: int, rows: int) -> int:
    """The place of a tail's last token in its packed row: behind those of the tails before it, where they share one."""
    before = sum(map(len, tails[:number])) if rows == 1 else 0
    return len(start.ids) + before + len(tails[number]) - 1


def first_tokens(tokenizer: Any, words: Sequence[str]) -> list[int]:
    """The first token of each word, which identifies it.

    Raises:
        ModelError: two of them begin with the same token.
    """
    ids = [tokenizer(word, add_special_tokens=False)["input_ids"][0] for word in words]
    if len(set(ids)) < len(ids):
        raise ModelError(f"this tokenizer cannot tell {', '.join(map(repr, words))} apart by their first token.")
    return ids
