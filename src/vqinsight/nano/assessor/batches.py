"""Batches of lessons: clips as views, exercises as token ids, each clip encoded once for all its exercises."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch.utils.data import Dataset

from vqinsight.assessor.prompting import Prompt, PromptBuilder, collate
from vqinsight.nano.assessor.architecture import INFERENCE, PIXELS, VIEWS
from vqinsight.nano.assessor.lessons import Exercise, Stage, lesson, recital
from vqinsight.nano.assessor.tower import CLASSES, targets
from vqinsight.synthetic import clips
from vqinsight.synthetic.generate import Split, SyntheticClip
from vqinsight.video.views import View

IGNORED = -100  # labels with this value carry no loss
RECITALS = 4  # text-only exercises per lesson


def nano_prompts(tokenizer: Any) -> PromptBuilder:
    """The prompt builder of the embedded model: one placeholder for every visual token."""
    merged = PIXELS.merge_size**2

    def placeholder(view: View) -> str:
        return f"<|{view.kind}_pad|>" * (int(np.prod(view.grid)) // merged)

    return PromptBuilder(tokenizer, "<|image_pad|>", "<|video_pad|>", placeholder)


def synthetic_views(clip: SyntheticClip, *, still: bool = False) -> tuple[View, ...]:
    """The embedded model's views of a synthetic clip, the same as for a file of it."""
    sampling = clips.sample_clip(clip, INFERENCE, still=still)
    return clips.synthetic_views(clip, PIXELS, VIEWS, sampling, still=still)


@dataclass(frozen=True)
class LessonItem:
    """One tokenised lesson: views and attributes per clip, prompts with their clips, and answer ids.

    The first ``given`` ids of an answer carry no loss. ``wanted`` are attributes of the clips, ``asked`` of
    what each answer's prompt shows.
    """

    views: list[tuple[View, ...]]
    wanted: list[list[float]]
    prompts: list[Prompt]
    clips: list[tuple[int, ...]]
    answers: list[list[int]]
    given: list[int]
    asked: list[list[list[float]]]


@dataclass(frozen=True)
class _Row:
    """One exercise in a batch; ``wanted`` are the attributes of each of its clips as shown."""

    prompt: Prompt
    answer: list[int]
    given: int
    wanted: list[list[float]]


class _Pages:
    """Tokenises exercises."""

    def __init__(self, tokenizer: Any) -> None:
        self._prompts = nano_prompts(tokenizer)
        self._tokenizer = tokenizer

    def _page(
        self, exercises: Sequence[Exercise], views: list[tuple[View, ...]], wanted: list[list[float]]
    ) -> LessonItem:
        prompts, answers, given, asked = [], [], [], []
        for exercise in exercises:
            shown, told = [views[i] for i in exercise.clips], [wanted[i] for i in exercise.clips]
            if exercise.time is not None:
                shown = [(*own[:-1], views[i][-1]) for own, i in zip(shown, exercise.time, strict=True)]
                told = [_with_time_of(wanted[i], own) for own, i in zip(told, exercise.time, strict=True)]
            prompts.append(self._prompts.build(exercise.messages, shown))
            asked.append(told)
            known, learned = self._tokenizer(
                [exercise.given, exercise.answer + "<|im_end|>"], add_special_tokens=False
            )["input_ids"]
            answers.append(known + learned)
            given.append(len(known))
        return LessonItem(views, wanted, prompts, [exercise.clips for exercise in exercises], answers, given, asked)


def _with_time_of(other: list[float], own: list[float]) -> list[float]:
    return [b if name.startswith("temporal") else a for name, a, b in zip(CLASSES, own, other, strict=True)]


class TextOnlyDataset(_Pages, Dataset[LessonItem]):
    """Text-only exercises ``start`` to ``start + count``."""

    def __init__(self, tokenizer: Any, count: int, start: int = 0) -> None:
        super().__init__(tokenizer)
        self._count, self._start = count, start

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, index: int) -> LessonItem:
        return self._page([recital(np.random.default_rng((17, self._start + index)))], [], [])


class Lessons(_Pages, Dataset[LessonItem]):
    """Lessons ``start`` to ``start + count``; the first ``perception`` of them are perception lessons."""

    def __init__(self, tokenizer: Any, count: int, perception: int, start: int = 0, split: Split = "train") -> None:
        super().__init__(tokenizer)
        self._count, self._perception, self._start, self._split = count, perception, start, split

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, index: int) -> LessonItem:
        stage: Stage = "perception" if index < self._perception else "conversation"
        drawn = lesson(self._start + index, stage, self._split)
        views = [synthetic_views(clip, still=drawn.still) for clip in drawn.clips]
        rng = np.random.default_rng((13, self._start + index))
        exercises = [*drawn.exercises, *(recital(rng) for _ in range(RECITALS))]
        wanted = [targets(clip.truth, still=drawn.still) for clip in drawn.clips]
        return self._page(exercises, views, wanted)


class Collator:
    """Collates lessons: patches of every clip once, and for every prompt the indices of its views among them."""

    def __init__(self, pad_id: int) -> None:
        self._pad_id = pad_id

    def __call__(self, items: Sequence[LessonItem]) -> dict[str, Any]:
        rows = [
            _Row(prompt, answer, given, asked)
            for item in items
            for prompt, answer, given, asked in zip(item.prompts, item.answers, item.given, item.asked, strict=True)
        ]
        encoded = {
            kind: [v for item in items for views in item.views for v in views if v.kind == kind]
            for kind in ("image", "video")
        }
        batch: dict[str, Any] = {"encode": {}, "parts": []}
        for kind, views in encoded.items():
            if views:
                grids = torch.tensor([view.grid for view in views])
                wanted = [
                    w for item in items for w, v in zip(item.wanted, item.views, strict=True) if v[0].kind == kind
                ]
                batch["encode"][kind] = (torch.cat([view.patches for view in views]), grids, torch.tensor(wanted))
        places = {id(view): place for views in encoded.values() for place, view in enumerate(views)}
        # Comparisons are twice as long as the rest, text alone half as long: separate batches avoid padding.
        for number in (2, 3, 4, 6, 0):  # views: of images and clips, one and two of them
            if part := [row for row in rows if len(row.prompt.views) == number]:
                batch["parts"].append(self._part(part, places))
        return batch

    def _part(self, rows: list[_Row], places: dict[int, int]) -> dict[str, Any]:
        prompts, answers = [row.prompt for row in rows], [row.answer for row in rows]
        inputs: dict[str, Any] = dict(collate(prompts, self._pad_id, left=False, answers=answers))
        labels = torch.full_like(inputs["input_ids"], IGNORED)
        for number, row in enumerate(rows):
            first = len(row.prompt.ids)
            labels[number, first + row.given : first + len(row.answer)] = torch.tensor(row.answer[row.given :])
        if "second_per_grid_ts" in inputs:  # this model counts time in steps, independent of the clip's length
            inputs["second_per_grid_ts"] = torch.ones_like(inputs["second_per_grid_ts"])
        order = {
            kind: [places[id(v)] for prompt in prompts for v in prompt.views if v.kind == kind]
            for kind in ("image", "video")
        }
        wanted = torch.tensor([row.wanted for row in rows])  # (rows, clips, attributes); no clips for text alone
        views = len(prompts[0].views) // max(wanted.shape[1], 1)  # of each clip
        return {"inputs": inputs, "labels": labels, "order": order, "wanted": wanted, "views": views}
