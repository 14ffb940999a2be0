"""The synthetic set as a dataset: any number of clips with exact labels, without files."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from typing import overload

import numpy as np

from vqinsight.synthetic.clips import SIBLINGS, clip_name
from vqinsight.synthetic.foreign_prompts import draw_outside
from vqinsight.synthetic.generate import Split, SyntheticClip, draw_siblings, overall, quality, without_prompt
from vqinsight.synthetic.questions import ask
from vqinsight.tasks.types import Choice, Clip, Example, Preference, Question, Score, TaskName, Verdict

SCALE = (0.0, 100.0)
TASKS: tuple[TaskName, ...] = ("image", "natural", "generated", "compare", "yesno")


class SeededExamples(Sequence[Example], ABC):
    """Examples of one task, generated on access; index i always gives the same example.

    Args:
        task: one of those of the set.
        split: ``train`` and ``held_out`` have no background in common.
        start, count: seeds of the clips.
    """

    def __init__(self, task: TaskName, split: Split = "train", start: int = 0, count: int = 1_000_000) -> None:
        self._task, self._split, self._start, self._count = task, split, start, count

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, index: int) -> Example: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Example]: ...
    def __getitem__(self, index: int | slice) -> Example | Sequence[Example]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(self._count))]
        if not 0 <= index < self._count:
            raise IndexError(index)
        return self._draw(self._start + index)

    @abstractmethod
    def _draw(self, seed: int) -> Example:
        """The example of a seed."""


def preference(first: float, second: float) -> Preference:
    """Which of two clips of these qualities is better."""
    choice: Choice = "tie" if first == second else "A" if first > second else "B"
    return Preference(choice)


class SyntheticExamples(SeededExamples):
    """Clips with one defect of each dimension at most, and quality by its strength.

    * ``image``: the middle frame of a clip, with its spatial quality.
    * ``natural``: a clip without its text, quality the mean of spatial and temporal.
    * ``generated``: spatial and temporal, and alignment for clips made from a text.
    * ``compare``: two clips of the same prompt, the better one by the mean of all dimensions.
    * ``yesno``: a question about a defect or the content.

    Args:
        task, split, start, count: as for ``SeededExamples``; the task is one of these.
        outside: share of the clips with a prompt that get an unrelated prompt instead, as users write them; their label
            has no alignment.
    """

    def __init__(
        self,
        task: TaskName,
        split: Split = "train",
        start: int = 0,
        count: int = 1_000_000,
        *,
        outside: float = 0.0,
    ) -> None:
        super().__init__(task, split, start, count)
        self._outside = outside

    def _draw(self, seed: int) -> Example:
        still = self._task == "image"
        clips = draw_siblings(seed, SIBLINGS, self._split, prompt=False if still else None)
        names = [clip_name(self._split, seed, sibling, still=still) for sibling in range(SIBLINGS)]
        identity = f"{names[0]}:{self._task}"
        match self._task:
            case "compare":
                clips = self._told(clips, seed)
                pair = (Clip(names[0], clips[0].prompt), Clip(names[1], clips[1].prompt))
                better = preference(overall(clips[0].truth), overall(clips[1].truth))
                return Example(identity, Question("compare", pair), better, group=str(seed))
            case "yesno":
                text, yes, _ = ask(clips[0].truth, np.random.default_rng((11, seed)))
                return Example(identity, Question("yesno", (Clip(names[0]),), text), Verdict(yes), group=str(seed))
        shown = self._told(clips, seed)[0] if self._task == "generated" else without_prompt(clips[0])
        question = Question(self._task, (Clip(names[0], shown.prompt),))
        return Example(identity, question, Score(self._label(shown)), SCALE, group=str(seed), source=shown.kind)

    def _told(self, clips: list[SyntheticClip], seed: int) -> list[SyntheticClip]:
        """The clips with the prompt of the question: their own, or an unrelated one."""
        rng = np.random.default_rng((19, seed))
        if clips[0].prompt is None or rng.random() >= self._outside:
            return clips
        text = draw_outside(rng)
        return [replace(without_prompt(clip), prompt=text) for clip in clips]

    def _label(self, clip: SyntheticClip) -> dict[str, float]:
        exact = quality(clip.truth)
        match self._task:
            case "image":
                return {"quality": exact["spatial"]}
            case "natural":
                return {"quality": overall(clip.truth)}
        return exact
