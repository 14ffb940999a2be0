"""The synthetic set as a dataset: what a question shows and what its label holds."""

from __future__ import annotations

from vqinsight.datasets.synthetic import SyntheticExamples
from vqinsight.synthetic.clips import named_clip
from vqinsight.synthetic.generate import overall, without_prompt
from vqinsight.tasks.types import Preference, Score

PROMPTED = [seed for seed in range(60) if SyntheticExamples("generated")[seed].question.clips[0].prompt]


def test_an_outside_text_takes_alignment_out_of_the_label() -> None:
    own, other = SyntheticExamples("generated"), SyntheticExamples("generated", outside=1)
    for seed in PROMPTED[:10]:
        before, after = own[seed], other[seed]
        assert isinstance(before.answer, Score) and isinstance(after.answer, Score)
        assert set(before.answer.values) == {"spatial", "temporal", "alignment"}
        assert after.answer.values == {key: before.answer.values[key] for key in ("spatial", "temporal")}
        assert before.question.clips[0].path == after.question.clips[0].path
        assert after.question.clips[0].prompt not in (None, before.question.clips[0].prompt)
        assert other[seed] == after  # the same each time


def test_under_an_outside_text_the_better_clip_is_better_without_alignment() -> None:
    examples = SyntheticExamples("compare", outside=1)
    for seed in PROMPTED[:20]:
        example = examples[seed]
        one, two = example.question.clips
        assert one.prompt == two.prompt is not None
        a, b = (overall(without_prompt(named_clip(clip.path)[0]).truth) for clip in (one, two))
        assert example.answer == Preference("tie" if a == b else "A" if a > b else "B")


def test_clips_without_a_text_stay_without() -> None:
    bare = next(seed for seed in range(60) if seed not in PROMPTED)
    assert SyntheticExamples("generated", outside=1)[bare] == SyntheticExamples("generated")[bare]


def test_a_share_of_the_texts_is_from_outside() -> None:
    some, own = SyntheticExamples("compare", outside=0.3), SyntheticExamples("compare")
    changed = [some[seed].question.clips[0].prompt != own[seed].question.clips[0].prompt for seed in PROMPTED]
    assert 0 < sum(changed) < len(PROMPTED) / 2
