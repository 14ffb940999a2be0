"""Varied synthetic clips as a dataset, for a model that is asked separately and told what is measured."""

from __future__ import annotations

import numpy as np

from vqinsight.datasets.synthetic import SCALE, SeededExamples, preference
from vqinsight.synthetic import perception
from vqinsight.synthetic.clips import SIBLINGS, VARIED, clip_name
from vqinsight.synthetic.questions import ask
from vqinsight.synthetic.varied import overall, varied_siblings
from vqinsight.tasks.types import Clip, Example, Question, Score, Verdict

UNMEASURED = 1 / 3  # share of the examples that state nothing of what is measured


class VariedExamples(SeededExamples):
    """Clips with several defects of any kind, and quality as perceived; arguments as for ``SeededExamples``.

    * ``image``: the middle frame of a clip, with its spatial quality.
    * ``natural``: a clip, with the quality of what is seen.
    * ``generated``: spatial and temporal.
    * ``alignment``: agreement with the text, of clips with shapes.
    * ``compare``: two clips of the same scene; with a text if it has shapes.
    * ``yesno``: a question about a defect or the content.

    The clips of ``held_out`` also have kinds of defects that ``train`` has none of.
    """

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
                better = preference(overall(first.truth), overall(clips[1].truth))
                return Example(identity, Question("compare", pair), better, group=str(seed))
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
