"""Varied synthetic clips as a dataset, for a model that is asked separately and told what is measured."""

from __future__ import annotations

from collections.abc import Sequence
from typing import overload

import numpy as np

from vqinsight.synthetic import perception
from vqinsight.synthetic.clips import SIBLINGS, VARIED, clip_name
from vqinsight.synthetic.generate import Split
from vqinsight.synthetic.questions import ask
from vqinsight.synthetic.varied import overall, varied_siblings
from vqinsight.tasks.types import Choice, Clip, Example, Preference, Question, Score, TaskName, Verdict

SCALE = (0.0, 100.0)
UNMEASURED = 1 / 3  # share of the examples that state nothing of what is measured


class VariedExamples(Sequence[Example]):
    """Examples of one task, generated on access; index i always gives the same example.

    * ``image``: the middle frame of a clip, with its spatial quality.
    * ``natural``: a clip, with the quality of what is seen.
    * ``generated``: spatial and temporal.
    * ``alignment``: agreement with the text, of clips with shapes.
    * ``compare``: two clips of the same scene; with a text if it has shapes.
    * ``yesno``: a question about a defect or the content.

    Args:
        task: one of these.
        split: ``held_out`` has other pictures and further kinds of defects.
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

    def _draw(self, seed: int) -> Example:
        still, texts = self._task == "image", {"image": False, "alignment": True}.get(self._task)
        clips = varied_siblings(seed, SIBLINGS, self._split, prompt=texts)
        rng = np.random.default_rng((43, seed))
        marks = (":text" * (texts is True), ":still" * still, ":unmeasured" * (rng.random() < UNMEASURED))
        names = [clip_name(VARIED[self._split], seed, i) + "".join(marks) for i in range(SIBLINGS)]
        identity, first = f"{names[0]}:{self._task}", clips[0]
        match self._task:
            case "compare":
                pair = tuple(Clip(name, clip.prompt) for name, clip in zip(names, clips, strict=True))
                margin = overall(first.truth) - overall(clips[1].truth)
                choice: Choice = "tie" if margin == 0 else "A" if margin > 0 else "B"
                return Example(identity, Question("compare", pair), Preference(choice), group=str(seed))
            case "yesno":
                varied = first.truth.facts is None or rng.random() < 0.5
                text, yes, _ = ask(first.truth, rng, varied=varied)
                return Example(identity, Question("yesno", (Clip(names[0]),), text), Verdict(yes), group=str(seed))
        shown = Clip(names[0], first.prompt if self._task == "alignment" else None)
        question = Question(self._task, (shown,))
        return Example(identity, question, Score(self._label(first.quality)), SCALE, group=str(seed), source=first.kind)

    def _label(self, exact: dict[str, float]) -> dict[str, float]:
        match self._task:
            case "image":
                return {"quality": exact["spatial"]}
            case "natural":
                return {"quality": perception.overall(exact["spatial"], exact["temporal"])}
            case "alignment":
                return {"alignment": exact["alignment"]}
        return {key: exact[key] for key in ("spatial", "temporal")}
