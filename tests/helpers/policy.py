"""A tiny random assessor with answers to synthetic clips, for tests of what learns from them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from vqinsight.assessor.assessor import Assessor
from vqinsight.assessor.backbone import prompt_positions
from vqinsight.assessor.load import load_model
from vqinsight.assessor.packing import answer_logprobs, pack, rows_per_prompt
from vqinsight.assessor.prompting import Prompt, collate
from vqinsight.assessor.vision import EncodedView, encoder_outputs
from vqinsight.datasets.synthetic import SyntheticExamples
from vqinsight.tasks.types import Example, TaskName

from . import tiny

LOOK = {
    "template": "brief",
    "frames": 4,
    "max_pixels": 84 * 84,
    "instruments": {"rows": 1, "columns": 2},
    "max_new_tokens": 12,
}
TASKS: tuple[TaskName, ...] = ("image", "natural", "generated", "compare", "yesno")


def save(family: str, folder: Path) -> Path:
    """A model folder of the family, looking at 4 frames and two fragments of each."""
    return tiny.save(getattr(tiny, family)(), folder, **LOOK)


def assessor(folder: Path, attention: str = "sdpa") -> Assessor:
    loaded = load_model(str(folder), device="cpu", dtype="float32")
    loaded.model.set_attn_implementation(attention)
    return Assessor(loaded)


def examples(count: int = 5, start: int = 0) -> list[Example]:
    """World examples, the five tasks in turn."""
    return [SyntheticExamples(TASKS[i % 5], "train", start)[i] for i in range(count)]


def prompts(assessor: Assessor, asked: Sequence[Example]) -> list[tuple[Prompt, tuple[EncodedView, ...]]]:
    built = []
    for example in asked:
        clips = [assessor.encode(assessor.clips.load(clip.path)) for clip in example.question.clips]
        prompt = assessor.build(assessor.prompt_set.messages(example.question), clips)
        built.append((prompt, tuple(view for clip in clips for view in clip.views)))
    return built


def answers(assessor: Assessor, counts: Sequence[int], seed: int = 0) -> list[list[list[int]]]:
    """Random token ids, none of them special, of different lengths."""
    generator = torch.Generator().manual_seed(seed)
    words = torch.tensor(sorted(set(range(len(assessor.loaded.tokenizer))) - set(assessor.loaded.suppressed_tokens)))
    lengths = iter(torch.randint(1, 14, (sum(counts),), generator=generator).tolist())
    return [
        [words[torch.randint(0, len(words), (next(lengths),), generator=generator)].tolist() for _ in range(n)]
        for n in counts
    ]


def packed_logprobs(
    assessor: Assessor, built: Sequence[tuple[Prompt, tuple[EncodedView, ...]]], said: list[list[list[int]]]
) -> list[torch.Tensor]:
    """Log-probabilities of each answer's tokens, all answers of a prompt in one packed row."""
    packed = pack(assessor.loaded.model, [prompt for prompt, _ in built], said, assessor.loaded.tokenizer.pad_token_id)
    copies = rows_per_prompt(assessor.loaded.model, [len(each) for each in said])
    views = [view for (_, mine), count in zip(built, copies, strict=True) for _ in range(count) for view in mine]
    vision = {"mm_encoder_outputs": encoder_outputs(views, assessor.output_type)}
    logp_AT, _ = answer_logprobs(assessor.loaded.model, packed, **vision)
    return [row[mask.bool()] for row, mask in zip(logp_AT, packed.mask_AT, strict=True)]


def plain_logprobs(
    assessor: Assessor,
    built: Sequence[tuple[Prompt, tuple[EncodedView, ...]]],
    said: Sequence[Sequence[Sequence[int]]],
    temperature: float = 1.0,
) -> list[torch.Tensor]:
    """The same the long way: pixels, prompt and answer for every answer, with the positions of that row."""
    model = assessor.loaded.model
    found = []
    for (prompt, views), each in zip(built, said, strict=True):
        for one in each:
            inputs: dict[str, Any] = dict(
                collate([prompt], assessor.loaded.tokenizer.pad_token_id, left=False, answers=[one])
            )
            if model.config.model_type in ("qwen3_vl", "qwen3_5"):
                inputs.pop("second_per_grid_ts", None)
            for kind, name in (("image", "pixel_values"), ("video", "pixel_values_videos")):
                patches = [view.view.patches for view in views if view.view.kind == kind]
                if patches:
                    inputs[name] = torch.cat(patches)
            logits = model(**inputs, position_ids=prompt_positions(model, inputs)).logits[0, len(prompt.ids) - 1 : -1]
            found.append((logits / temperature).log_softmax(-1).gather(-1, torch.tensor(one)[:, None])[:, 0])
    return found
