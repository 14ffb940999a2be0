"""Rollout: samples answers to questions about clips, and computes their rewards and advantages.

Each clip is encoded once, each prompt prefilled once; answers about the shuffled clip (Eq. 4) are sampled in the same
call. The rule ``likelihood`` has no such answers: it needs the log-probabilities of the N answers under the shuffled
clip.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch

from vqinsight.assessor.assessor import Assessor
from vqinsight.assessor.generate import batches
from vqinsight.assessor.prompting import Prompt
from vqinsight.assessor.vision import EncodedClip, EncodedView, shuffled
from vqinsight.common.seeds import seed_of
from vqinsight.grpo.advantage import advantages
from vqinsight.grpo.dataset import LoadedQuestion
from vqinsight.rewards.rubric import Completion, Group, RewardBreakdown, Rubric
from vqinsight.tasks.labels import rescale_label
from vqinsight.tasks.types import Answer, Question
from vqinsight.video.shuffle import shuffled_order


@dataclass(frozen=True)
class SampledAnswer:
    """One answer of a group, in the form that is gathered across processes."""

    position: int
    number: int
    completion: Completion
    shuffled: bool


@dataclass(frozen=True)
class SampledGroup:
    """The answers that one process samples to one question.

    Attributes:
        views: the encoded views of the question's clips.
        ids: token ids of the answers, end token included, in the order of ``asked.numbers``.
        moved: the views shuffled in time, where the rule of Eq. 4 is ``likelihood`` and applies; else empty.
    """

    asked: LoadedQuestion
    prompt: Prompt
    views: tuple[EncodedView, ...]
    ids: tuple[tuple[int, ...], ...]
    moved: tuple[EncodedView, ...] = ()

    def only(self, numbers: Sequence[int]) -> SampledGroup:
        """The same question with these of its answers, in order."""
        ids = dict(zip(self.asked.numbers, self.ids, strict=True))
        asked = replace(self.asked, numbers=tuple(numbers))
        return replace(self, asked=asked, ids=tuple(ids[number] for number in numbers))


@dataclass(frozen=True)
class GradedGroup:
    """A complete graded group, the same on every process: one entry per answer, in order of number."""

    group: Group
    parts: list[RewardBreakdown]
    totals: list[float]
    advantages: list[float]


@dataclass(frozen=True)
class _Row:
    """One prompt of the batch: which answers of which question, about the clip in order or shuffled."""

    asked: LoadedQuestion
    numbers: tuple[int, ...]
    prompt: Prompt
    views: tuple[EncodedView, ...]
    moved: tuple[EncodedView, ...] = ()
    shuffled: bool = False


def sample(
    assessor: Assessor,
    rubric: Rubric,
    questions: Sequence[LoadedQuestion],
    *,
    temperature: float,
    seed: int,
    max_new_tokens: int,
    batch_tokens: int,
) -> tuple[list[SampledGroup], list[SampledAnswer]]:
    """Sample this process's answers; those about shuffled clips are one per even-numbered answer, N / 2 in all.

    With the rule ``likelihood`` none are about shuffled clips, and the groups hold the shuffled views instead.

    Args:
        seed: of the run; it fixes an answer with its position and number, for any number of processes.
        max_new_tokens: longest answer.
        batch_tokens: most tokens sampled at once, prompts and answers.
    """
    clips: dict[str, EncodedClip] = {}
    rows: list[_Row] = []
    for asked in questions:
        for clip in asked.clips:
            if clip.path not in clips:
                clips[clip.path] = assessor.encode(clip)
        encoded = [clips[clip.path] for clip in asked.clips]
        prompt = assessor.build(assessor.prompt_set.messages(asked.example.question), encoded)
        views = tuple(view for clip in encoded for view in clip.views)
        even = tuple(number for number in asked.numbers if number % 2 == 0)
        compared = rubric.settings.rule == "likelihood"
        moved: tuple[EncodedView, ...] = ()
        if (compared or even) and rubric.wants_shuffled(asked.example.question, _label(assessor, asked)):
            moved = _shuffled_views(assessor, encoded[0], rubric.settings.shuffle, seed, asked.position)
        rows.append(_Row(asked, asked.numbers, prompt, views, moved if compared else ()))
        if moved and not compared:
            rows.append(_Row(asked, even, prompt, moved, shuffled=True))
    seeds = [[_seed(seed, row.asked.position, number, row.shuffled) for number in row.numbers] for row in rows]
    said: list[list[list[int]]] = []
    for part in batches([row.prompt for row in rows], max_new_tokens, batch_tokens, [len(row.numbers) for row in rows]):
        said += assessor.generate(
            [rows[i].prompt for i in part],
            [rows[i].views for i in part],
            [seeds[i] for i in part],
            temperature,
            max_new_tokens=max_new_tokens,
        )
    groups, answered = [], []
    for row, answers in zip(rows, said, strict=True):
        for number, tokens in zip(row.numbers, answers, strict=True):
            completion = _attempt(assessor, row.asked.example.question, tokens)
            answered.append(SampledAnswer(row.asked.position, number, completion, row.shuffled))
        if not row.shuffled:
            groups.append(SampledGroup(row.asked, row.prompt, row.views, tuple(map(tuple, answers)), row.moved))
    return groups, answered


def with_gaps(
    answered: Sequence[SampledAnswer],
    groups: Sequence[SampledGroup],
    in_order_AT: torch.Tensor,
    shuffled_AT: torch.Tensor,
    mask_AT: torch.Tensor,
) -> list[SampledAnswer]:
    """The answers of these groups with d_i of Eq. 4, see ``Completion.gap``; others as they are.

    Args:
        in_order_AT, shuffled_AT: log-probabilities of all answers of ``groups`` under the clip in order and shuffled.
        mask_AT: 1 for tokens of the answer, 0 for padding.
    """
    gap_A = ((in_order_AT - shuffled_AT) * mask_AT).sum(1) / mask_AT.sum(1)
    names = [(group.asked.position, number) for group in groups for number in group.asked.numbers]
    gaps = dict(zip(names, gap_A.tolist(), strict=True))
    return [
        replace(each, completion=replace(each.completion, gap=gaps[each.position, each.number]))
        if (each.position, each.number) in gaps
        else each
        for each in answered
    ]


def grade(assessor: Assessor, rubric: Rubric, asked: LoadedQuestion, answered: Sequence[SampledAnswer]) -> GradedGroup:
    """Rewards and advantages (Eq. 1) of a question's whole group, gathered from all processes."""
    mine = sorted((a for a in answered if a.position == asked.position), key=lambda a: (a.shuffled, a.number))
    group = Group(
        asked.example.question,
        _label(assessor, asked),
        assessor.prompt_set.dimensions(asked.example.question),
        tuple(a.completion for a in mine if not a.shuffled),
        tuple(a.completion for a in mine if a.shuffled),
    )
    parts = rubric.grade(group)
    totals = [rubric.total(each) for each in parts]
    return GradedGroup(group, parts, totals, advantages(totals))


def reasoning_tokens(tokenizer: Any, tokens: Sequence[int]) -> int:
    """Number of reasoning tokens of an answer, the closing tag included; all its tokens if the tag is missing."""
    ends = range(len(tokens) + 1)
    return min(bisect_left(ends, True, key=lambda end: "</think>" in tokenizer.decode(tokens[:end])), len(tokens))


def _label(assessor: Assessor, asked: LoadedQuestion) -> Answer:
    """The label on the ranges of the question."""
    dimensions = assessor.prompt_set.dimensions(asked.example.question)
    return rescale_label(asked.example.answer, asked.example.scale, dimensions)


def _shuffled_views(
    assessor: Assessor, encoded: EncodedClip, shuffle: str, seed: int, position: int
) -> tuple[EncodedView, ...]:
    """A video's views shuffled in time; empty where there is nothing to shuffle.

    Args:
        shuffle: as in ``RewardSettings``.
    """
    if shuffle == "frames":
        moved = assessor.clips.shuffled(encoded.processed, seed, position)
        return assessor.encode(moved).views if moved is not None else ()
    steps = encoded.views[0].view.grid[0]
    return shuffled(encoded.views, shuffled_order(steps, seed, position)) if steps > 1 else ()


def _attempt(assessor: Assessor, question: Question, tokens: Sequence[int]) -> Completion:
    text = assessor.loaded.tokenizer.decode(tokens, skip_special_tokens=True)
    truncated = not tokens or tokens[-1] not in assessor.stop_tokens
    return Completion(text, assessor.prompt_set.parse(question, text), len(tokens), truncated)


def _seed(seed: int, position: int, number: int, is_shuffled: bool) -> int:
    return seed_of(f"{seed}/{position}/{number}/{is_shuffled}")
