"""Batches of lessons: clips as views, exercises as token ids, each clip encoded once for all its exercises."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch.utils.data import Dataset

from vqinsight.assessor.prompting import Prompt, PromptBuilder, collate
from vqinsight.measure.evidence import evidence
from vqinsight.measure.types import MeasuredClip
from vqinsight.nano.assessor.architecture import PIXELS
from vqinsight.nano.assessor.exercise import Exercise, without_clips
from vqinsight.nano.assessor.lessons import Stage, evidence_exercise, lesson, text_only_exercise
from vqinsight.nano.assessor.rendered import RenderedClips
from vqinsight.nano.assessor.tower import targets
from vqinsight.synthetic.generate import Split
from vqinsight.tasks.types import Missing
from vqinsight.video.views import View

IGNORED = -100  # labels with this value carry no loss
TEXT_ONLY = 4  # text-only exercises per lesson
MEASURED_TEXT = 0.7  # share of those before lessons that are about what is measured
# Of what is measured, as lessons state it, so that no value is simply copied: relative error, and share left out.
NOISE, LEFT_OUT = 0.15, 0.1


def nano_prompts(tokenizer: Any) -> PromptBuilder:
    """The prompt builder of the embedded model: one placeholder for every visual token."""
    merged = PIXELS.merge_size**2

    def placeholder(view: View) -> str:
        return f"<|{view.kind}_pad|>" * (int(np.prod(view.grid)) // merged)

    return PromptBuilder(tokenizer, "<|image_pad|>", "<|video_pad|>", placeholder)


def stated(measured: MeasuredClip, rng: np.random.Generator) -> str:
    """What a lesson states of a clip: inexact, and not everything."""
    values = {}
    for key, each in measured.values.items():
        if rng.random() < LEFT_OUT:
            continue
        value = each.value
        values[key] = each if isinstance(value, Missing) else replace(each, value=value * np.exp(rng.normal(0, NOISE)))
    return evidence(replace(measured, values=values)).text


@dataclass(frozen=True)
class LessonItem:
    """One tokenised lesson: view and attributes of each clip, prompts with their clips, and answer ids.

    The first ``given`` ids of an answer carry no loss.
    """

    views: list[View]
    wanted: list[list[float]]
    prompts: list[Prompt]
    clips: list[tuple[int, ...]]
    answers: list[list[int]]
    given: list[int]


@dataclass(frozen=True)
class _Row:
    """One exercise in a batch; ``wanted`` are the attributes of each of its clips."""

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
        self,
        exercises: Sequence[Exercise],
        views: list[View],
        measured: list[MeasuredClip],
        wanted: list[list[float]],
        rng: np.random.Generator,
    ) -> LessonItem:
        prompts, answers, given = [], [], []
        for exercise in exercises:
            told = [stated(measured[i], rng) for i in exercise.clips] if exercise.measured else []
            prompts.append(self._prompts.build(exercise.messages, [[views[i]] for i in exercise.clips], told))
            known, learned = self._tokenizer(
                [exercise.given, exercise.answer + "<|im_end|>"], add_special_tokens=False
            )["input_ids"]
            answers.append(known + learned)
            given.append(len(known))
        return LessonItem(views, wanted, prompts, [exercise.clips for exercise in exercises], answers, given)


class TextOnlyDataset(_Pages, Dataset[LessonItem]):
    """Text-only exercises: about descriptions, and about what is measured on a clip that is not shown.

    Args:
        kept: the clips of lessons, of which the first ``clips`` are asked about.
        start: fixes the exercises, and is the number of the first lesson.
    """

    def __init__(self, tokenizer: Any, count: int, kept: RenderedClips, clips: int, start: int = 0) -> None:
        super().__init__(tokenizer)
        self._count, self._kept, self._clips, self._start = count, kept, clips, start

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, index: int) -> LessonItem:
        rng = np.random.default_rng((17, self._start + index))
        if rng.random() >= MEASURED_TEXT:
            return self._page([text_only_exercise(rng)], [], [], [], rng)
        while True:
            place, which = int(rng.integers(self._clips)), int(rng.integers(2))
            clip = self._kept[place][which]
            exercise = evidence_exercise(clip.truth, clip.still, rng)
            if exercise is not None:
                told = stated(clip.measured, rng)
                return self._page([without_clips(exercise, told)], [], [], [], rng)


class Lessons(_Pages, Dataset[LessonItem]):
    """Lessons from ``start`` on, of which the first ``perception`` are perception lessons.

    Args:
        kept: the clips.
        clips: lessons with clips of their own; those after them ask other things about the same clips.
    """

    def __init__(
        self,
        tokenizer: Any,
        count: int,
        perception: int,
        kept: RenderedClips,
        clips: int,
        start: int = 0,
        split: Split = "train",
    ) -> None:
        super().__init__(tokenizer)
        self._count, self._perception, self._start, self._split = count, perception, start, split
        self._kept, self._clips = kept, clips

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, index: int) -> LessonItem:
        stage: Stage = "perception" if index < self._perception else "conversation"
        epoch, place = divmod(index, self._clips)
        drawn = lesson(self._start + place, stage, self._split, epoch)
        seen = self._kept[place]
        rng = np.random.default_rng((13, self._start + index))
        exercises = [*drawn.exercises, *(text_only_exercise(rng) for _ in range(TEXT_ONLY))]
        wanted = [targets(clip.truth, still=drawn.still) for clip in drawn.clips]
        return self._page(exercises, [each.view for each in seen], [each.measured for each in seen], wanted, rng)


class Collator:
    """Collates lessons: patches of every clip once, and for every prompt the indices of its views among them."""

    def __init__(self, pad_id: int) -> None:
        self._pad_id = pad_id

    def __call__(self, items: Sequence[LessonItem]) -> dict[str, Any]:
        rows = [
            _Row(prompt, answer, given, [item.wanted[clip] for clip in shown])
            for item in items
            for prompt, answer, given, shown in zip(item.prompts, item.answers, item.given, item.clips, strict=True)
        ]
        batch: dict[str, Any] = {"encode": {}, "parts": []}
        places: dict[int, int] = {}
        for kind in ("image", "video"):
            shown = [
                (view, wanted)
                for item in items
                for view, wanted in zip(item.views, item.wanted, strict=True)
                if view.kind == kind
            ]
            if shown:
                places |= {id(view): place for place, (view, _) in enumerate(shown)}
                grids = torch.tensor([view.grid for view, _ in shown])
                wanted = torch.tensor([wanted for _, wanted in shown])
                batch["encode"][kind] = (torch.cat([view.patches for view, _ in shown]), grids, wanted)
        # Comparisons are twice as long as the rest, text alone half as long: separate batches avoid padding.
        for kind, count in (("image", 1), ("video", 1), ("video", 2), ("", 0)):
            part = [row for row in rows if [view.kind for view in row.prompt.views] == [kind] * count]
            for chosen in _alike(part):
                batch["parts"].append(self._part(chosen, places))
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
        return {"inputs": inputs, "labels": labels, "order": order, "wanted": wanted}


def _alike(rows: list[_Row]) -> list[list[_Row]]:
    """Rows parted in those with a short prompt and those with a long one, which states what is measured."""
    if not rows:
        return []
    middle = (min(len(row.prompt.ids) for row in rows) + max(len(row.prompt.ids) for row in rows)) / 2
    parts = [
        [row for row in rows if len(row.prompt.ids) <= middle],
        [row for row in rows if len(row.prompt.ids) > middle],
    ]
    return [part for part in parts if part]
