"""Prompts: chat template, one placeholder per visual token, padding and batches."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from vqinsight.video.views import View


@dataclass(frozen=True)
class Prompt:
    """One tokenised prompt.

    Attributes:
        ids: token ids, one placeholder per visual token.
        kinds: for each token 0 text, 1 image, 2 video (transformers' ``mm_token_type_ids``).
        views: the views of the placeholders, in order, each with the index of its clip.
    """

    ids: tuple[int, ...]
    kinds: tuple[int, ...]
    views: tuple[View, ...]


Placeholder = Callable[[View], str]


class PromptBuilder:
    """Builds a ``Prompt`` from chat messages and views.

    Args:
        tokenizer: a transformers tokenizer with a chat template that knows image and video content.
        image_token, video_token: the placeholder texts of the model family.
        placeholder: the text of one view, e.g. the token repeated for every visual token.
    """

    def __init__(self, tokenizer: Any, image_token: str, video_token: str, placeholder: Placeholder) -> None:
        self.tokenizer = tokenizer
        self._tokens = {"image": image_token, "video": video_token}
        self._placeholder = placeholder
        self._ids = {kind: tokenizer.convert_tokens_to_ids(token) for kind, token in self._tokens.items()}

    def build(
        self,
        messages: Sequence[dict[str, Any]],
        views: Sequence[Sequence[View]],
        evidence: Sequence[str | None] = (),
    ) -> Prompt:
        """``messages`` hold ``{"type": "clip", "index": i}`` where the views of clip i go.

        Args:
            evidence: of each clip what was measured, which stands behind its views; ``None`` and nothing at all state
                nothing.
        """
        flat: list[View] = []

        def expand(item: dict[str, Any]) -> list[dict[str, Any]]:
            if item["type"] != "clip":
                return [item]
            index = item["index"]
            flat.extend(views[index])
            told = evidence[index] if evidence else None
            return [{"type": view.kind} for view in views[index]] + ([{"type": "text", "text": told}] if told else [])

        expanded = [
            {
                "role": message["role"],
                "content": message["content"]
                if isinstance(message["content"], str)
                else [piece for item in message["content"] for piece in expand(item)],
            }
            for message in messages
        ]
        text = self.tokenizer.apply_chat_template(expanded, tokenize=False, add_generation_prompt=True)
        # verbose: the tokenizer's own remark on long texts; ``Assessor.check`` refuses them
        ids = self.tokenizer(self._fill(text, flat), add_special_tokens=False, verbose=False)["input_ids"]
        kinds = tuple({self._ids["image"]: 1, self._ids["video"]: 2}.get(i, 0) for i in ids)
        return Prompt(tuple(ids), kinds, tuple(flat))

    def _fill(self, text: str, views: Sequence[View]) -> str:
        """Replace the template's placeholders, in order, by the text of each view."""
        done = []
        for view in views:
            before, token, text = text.partition(self._tokens[view.kind])
            if not token:
                raise ValueError(f"the chat template left no place for a {view.kind}")
            done += [before, self._placeholder(view)]
        return "".join([*done, text])


def pad(sequences: Sequence[Sequence[int]], value: int, *, left: bool) -> torch.Tensor:
    """(rows, longest) int64, padded with ``value`` on the left or on the right."""
    longest = max(map(len, sequences))
    rows = [
        [value] * (longest - len(s)) * left + list(s) + [value] * (longest - len(s)) * (not left) for s in sequences
    ]
    return torch.tensor(rows)


def collate(
    prompts: Sequence[Prompt], pad_id: int, *, left: bool = True, answers: Sequence[Sequence[int]] | None = None
) -> dict[str, torch.Tensor]:
    """A batch for ``forward`` or ``generate``: ids, mask, token kinds, and the grids of all views in order.

    ``answers`` are appended to the prompts; the views' pixels or features are passed separately.
    """
    tails: Sequence[Sequence[int]] = answers if answers is not None else [()] * len(prompts)
    rows = [(*prompt.ids, *tail) for prompt, tail in zip(prompts, tails, strict=True)]
    kinds = [(*prompt.kinds, *([0] * len(tail))) for prompt, tail in zip(prompts, tails, strict=True)]
    batch = {
        "input_ids": pad(rows, pad_id, left=left),
        "attention_mask": pad([[1] * len(row) for row in rows], 0, left=left),
        "mm_token_type_ids": pad(kinds, 0, left=left),
    }
    for kind in ("image", "video"):
        grids = [view.grid for prompt in prompts for view in prompt.views if view.kind == kind]
        if grids:
            batch[f"{kind}_grid_thw"] = torch.tensor(grids)
    seconds = [view.seconds_per_grid for prompt in prompts for view in prompt.views if view.kind == "video"]
    if seconds:
        # Always given: transformers' default fails when a batch has more rows than a sequence has tokens.
        batch["second_per_grid_ts"] = torch.tensor(seconds)
    return batch
