"""Next-token probabilities of a vision-language model: one forward pass over a question, no sampling.

VQAScore and Q-Align compute a score from the probabilities of a few words.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch

from vqinsight.assessor.assessor import Assessor
from vqinsight.assessor.backbone import keep_accepted_kwargs
from vqinsight.assessor.prompting import Prompt, collate
from vqinsight.assessor.vision import EncodedClip, encoder_outputs
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
def next_logits(assessor: Assessor, prompt: Prompt, clips: Sequence[EncodedClip]) -> torch.Tensor:
    """(vocabulary,) float32 logits of the token after the prompt."""
    model = assessor.loaded.model
    batch = keep_accepted_kwargs(model.forward, collate([prompt], assessor.loaded.tokenizer.pad_token_id))
    inputs = {key: value.to(model.device) for key, value in batch.items()}
    outputs = encoder_outputs([view for clip in clips for view in clip.views], assessor.output_type)
    logits: torch.Tensor = model(**inputs, mm_encoder_outputs=outputs, use_cache=False, logits_to_keep=1).logits
    return logits[0, -1].float().cpu()


def first_tokens(tokenizer: Any, words: Sequence[str]) -> list[int]:
    """The first token of each word, which identifies it.

    Raises:
        ModelError: two of them begin with the same token.
    """
    ids = [tokenizer(word, add_special_tokens=False)["input_ids"][0] for word in words]
    if len(set(ids)) < len(ids):
        raise ModelError(f"this tokenizer cannot tell {', '.join(map(repr, words))} apart by their first token.")
    return ids
