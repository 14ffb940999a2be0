"""Perception of the embedded model: accuracy of its descriptions of held-out clips, by attribute."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from itertools import islice
from typing import TypeVar

import numpy as np

from vqinsight.assessor.assessor import Assessor
from vqinsight.assessor.vision import EncodedClip
from vqinsight.nano.assessor.lessons import describe_messages
from vqinsight.synthetic.clips import sample_clip, synthetic_views
from vqinsight.synthetic.describe import GroundTruth, ParsedDescription, level, read, read_pair
from vqinsight.synthetic.generate import Split, SyntheticClip, draw_clip, draw_siblings, without_prompt
from vqinsight.tasks.types import Clip, Question
from vqinsight.video.preprocess import ProcessedClip
from vqinsight.video.record import ClipInput

_NO_INPUT = ClipInput("video", 0, 0, 0, 0.0, 0.0, (), (), "", (0, 0), ())

_FIRST = 10**12  # first seed that is in no lesson

Mark = Callable[[GroundTruth, ParsedDescription], bool | None]
Item = TypeVar("Item")


def _fact(name: str) -> Mark:
    return lambda truth, heard: getattr(heard, name) == getattr(truth.facts, name) if truth.facts else None


def _kind(family: str) -> Mark:
    """Whether the kind of defect, or its absence, is correct."""

    def mark(truth: GroundTruth, heard: ParsedDescription) -> bool:
        defect, said = getattr(truth, family), getattr(heard, family)
        return said is not None and said[0] == (defect.kind if defect else "none")

    return mark


def _strength(family: str, slack: int) -> Mark:
    """Where the kind is correct: whether the level, 1 to 5, is correct within ``slack``."""

    def mark(truth: GroundTruth, heard: ParsedDescription) -> bool | None:
        defect, said = getattr(truth, family), getattr(heard, family)
        if defect is None or said is None or said[0] != defect.kind:
            return None
        return bool(abs(said[1] - level(defect.severity)) <= slack)

    return mark


MARKS: dict[str, Mark] = {
    "count": _fact("count"),
    "colour": _fact("colour"),
    "shape": _fact("shape"),
    "direction": _fact("direction"),
    "spatial defect": _kind("spatial"),
    "temporal defect": _kind("temporal"),
    "spatial strength, exact": _strength("spatial", 0),
    "spatial strength, within one": _strength("spatial", 1),
    "temporal strength, exact": _strength("temporal", 0),
    "temporal strength, within one": _strength("temporal", 1),
    "text facts": lambda truth, heard: heard.wrong == truth.wrong if truth.claim else None,
}
COMPARED = ("spatial defect", "temporal defect", "text facts")  # attributes in the reasoning of a comparison


def probe(
    assessor: Assessor, clips: int, *, split: Split = "held_out", sentences: bool = False, start: int = 0
) -> tuple[dict[str, list[bool]], dict[str, list[bool]]]:
    """Describe ``clips`` synthetic clips and check every attribute.

    Args:
        split: ``"held_out"``: kinds of scene that are not in training.
        sentences: parse the reasoning of the scoring task instead of the short description.

    Returns:
        Marks by attribute; and marks of the kinds of defects by the true kind and by the background. Half of the clips
        have no prompt, so that content cannot be copied from it.
    """
    marks: dict[str, list[bool]] = defaultdict(list)
    parts: dict[str, list[bool]] = defaultdict(list)
    for group in _groups((draw_clip(_FIRST + start + i, split) for i in range(clips)), 16):
        taken = [without_prompt(clip) if clip.seed % 2 else clip for clip in group]
        encoded = [shown(assessor, clip) for clip in taken]
        if sentences:
            questions = [Question("generated", (Clip("", clip.prompt),)) for clip in taken]
            said = [
                replies[0].text
                for replies in assessor.ask([(q, (e,)) for q, e in zip(questions, encoded, strict=True)])
            ]
        else:
            asked = [(describe_messages(clip.prompt), (e,)) for clip, e in zip(taken, encoded, strict=True)]
            said = [texts[0] for texts in assessor.complete(asked)]
        for clip, text in zip(taken, said, strict=True):
            heard = read(text)
            for name, mark in MARKS.items():
                if (right := mark(clip.truth, heard)) is not None:
                    marks[name].append(right)
            for family in ("spatial", "temporal"):
                defect = getattr(clip.truth, family)
                right = bool(_kind(family)(clip.truth, heard))
                parts[defect.kind if defect else f"no {family} defect"].append(right)
                parts[f"{family} defect on {clip.kind}"].append(right)
    return dict(marks), dict(parts)


def exam_of_pairs(
    assessor: Assessor, pairs: int, *, split: Split = "held_out", start: int = 0
) -> dict[str, list[bool]]:
    """Compare ``pairs`` of clips of one prompt and check the reasoning about the first and the second.

    Every pair is shown in one order; the attributes are ``COMPARED``.
    """
    marks: dict[str, list[bool]] = defaultdict(list)
    drawn = (draw_siblings(_FIRST + start + i, 2, split) for i in range(pairs))
    for group in _groups(drawn, 8):
        asked = []
        for clips in group:
            question = Question("compare", tuple(Clip("", clip.prompt) for clip in clips))
            asked.append((question, tuple(shown(assessor, clip) for clip in clips)))
        for clips, (reply,) in zip(group, assessor.ask(asked), strict=True):
            for side, clip, said in zip(("first", "second"), clips, read_pair(reply.text), strict=True):
                for name in COMPARED:
                    if (right := MARKS[name](clip.truth, said)) is not None:
                        marks[f"{name}, {side}"].append(right)
    return dict(marks)


def shown(assessor: Assessor, clip: SyntheticClip) -> EncodedClip:
    """The encoded clip, the same as for a file of it."""
    sampling = sample_clip(clip, assessor.loaded.settings, still=False)
    views = synthetic_views(clip, assessor.loaded.spec, assessor.loaded.views, sampling, still=False)
    return assessor.encode(ProcessedClip("", "video", views, _NO_INPUT))


def _groups(items: Iterator[Item], size: int) -> Iterator[list[Item]]:
    while group := list(islice(items, size)):
        yield group


def interval(marks: list[bool], draws: int = 2000) -> tuple[float, float, float]:
    """Share of correct marks with its 95 % bootstrap interval."""
    values = np.asarray(marks, dtype=float)
    means = np.random.default_rng(0).choice(values, (draws, len(values))).mean(1)
    low, high = np.percentile(means, (2.5, 97.5))
    return float(values.mean()), float(low), float(high)
