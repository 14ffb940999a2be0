"""The rubric: what applies to which task, and what a dead reward looks like."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vqinsight.grpo.monitor import IDLE_AT_END, IDLE_FIRST, IDLE_NEXT, RewardMonitor
from vqinsight.rewards.format import format_reward
from vqinsight.rewards.rubric import Completion, Group, Rubric
from vqinsight.settings.train import RewardSettings
from vqinsight.tasks.labels import rescale_label
from vqinsight.tasks.prompt_sets import NAMES, prompt_set
from vqinsight.tasks.types import Answer, Clip, Dimension, Missing, Preference, Question, Score, Verdict

PROMPT_SETS = {name: prompt_set(name) for name in NAMES}

PAPER = RewardSettings()
BRIEF = PROMPT_SETS["brief"]
GENERATED = Question("generated", (Clip("a.mp4", "a cat"),))
PAIR = Question("compare", (Clip("a.mp4"), Clip("b.mp4")))


def _attempt(answer: Answer | Missing, tokens: int = 400, truncated: bool = False) -> Completion:
    text = "no answer" if isinstance(answer, Missing) else "<think>so</think><answer>x</answer>"
    return Completion(text, answer, tokens, truncated)


def _scores(spatial: float, temporal: float, alignment: float) -> Score:
    return Score({"spatial": spatial, "temporal": temporal, "alignment": alignment})


def test_a_scored_clip() -> None:
    group = Group(
        GENERATED,
        _scores(80, 60, 100),
        BRIEF.dimensions(GENERATED),
        (_attempt(_scores(80, 60, 100)), _attempt(_scores(50, 30, 70), tokens=600), _attempt(Missing("no answer"))),
        (_attempt(_scores(20, 0, 40)),),
    )
    rubric = Rubric(PAPER)
    parts = rubric.grade(group)
    assert parts[0] == {
        "format": 1.0, "score": 1.0, "comparison": None, "temporal": 0.3, "length": 0.1,
    }  # fmt: skip
    # Of 60 its temporal score is 30 off, more than a tenth of the range.
    assert parts[1] == pytest.approx({"format": 1.0, "score": 0.7, "temporal": 0.0, "length": 0.0, "comparison": None})
    # Silence earns nothing at all, whatever its length.
    assert parts[2] == {"format": 0.0, "score": 0.0, "comparison": None, "temporal": 0.0, "length": 0.0}
    assert rubric.total(parts[0]) == pytest.approx(2.4)


def test_an_answer_without_one_dimension() -> None:
    """It earns nothing of that dimension's share, nor the temporal reward without a temporal score; the rest stays."""
    label = _scores(80, 60, 100)
    partly = [Score({key: label.values[key] for key in keys}) for keys in (("spatial", "temporal"), ("spatial",))]
    group = Group(
        GENERATED,
        label,
        BRIEF.dimensions(GENERATED),
        tuple(map(_attempt, partly)),
        (_attempt(_scores(20, 0, 40)),),
    )
    first, second = Rubric(PAPER).grade(group)
    assert first == pytest.approx({"format": 1.0, "score": 2 / 3, "comparison": None, "temporal": 0.3, "length": 0.1})
    assert second == pytest.approx({"format": 1.0, "score": 1 / 3, "comparison": None, "temporal": 0.0, "length": 0.1})


def test_the_weights_of_the_parts_and_of_the_dimensions_act() -> None:
    """By hand: spatial off by 50 with weight 3, the others right: 1 - 3 * 0.5 / 5; then 2 + 4 * 0.7 + 0.5 * 0.1."""
    settings = RewardSettings(format=2, score=4, temporal=0, length=0.5, dimension_weights={"spatial": 3.0})
    group = Group(
        GENERATED,
        _scores(80, 60, 100),
        BRIEF.dimensions(GENERATED),
        (_attempt(_scores(30, 60, 100)), _attempt(Missing("?"))),
    )
    rubric = Rubric(settings)
    parts = rubric.grade(group)
    assert parts[0] == pytest.approx({"format": 1.0, "score": 0.7, "comparison": None, "length": 0.1})
    assert [rubric.total(each) for each in parts] == pytest.approx([4.85, 0.0])
    choice = Rubric(RewardSettings(format=0, comparison=3, length=0))
    graded = choice.grade(Group(PAIR, Preference("B"), (), (_attempt(Preference("B")), _attempt(Preference("A")))))
    assert [choice.total(each) for each in graded] == [3.0, 0.0]


def _temporal(group: Group, **settings: Any) -> list[float | None]:
    return [each["temporal"] for each in Rubric(RewardSettings(**settings)).grade(group)]


def test_the_temporal_dimension_alone_counts_for_the_temporal_reward() -> None:
    """Answers that differ in the temporal dimension alone, then answers that do not differ there."""
    label, dimensions = _scores(80, 60, 100), BRIEF.dimensions(GENERATED)
    shuffled = (_attempt(_scores(80, 90, 100)), _attempt(Missing("?")))
    apart = (_attempt(_scores(80, 62, 100)), _attempt(_scores(80, 72, 100)), _attempt(Missing("?")))
    assert _temporal(Group(GENERATED, label, dimensions, apart, shuffled)) == [0.3, 0.0, 0.0]
    alike = (_attempt(_scores(80, 62, 100)), _attempt(_scores(0, 62, 0)))
    assert _temporal(Group(GENERATED, label, dimensions, alike, shuffled)) == [0.3, 0.3]
    # Without a label there it does not apply, though the other dimensions have theirs.
    bare = Score({"spatial": 80, "alignment": 100})
    assert _temporal(Group(GENERATED, bare, dimensions, apart, shuffled)) == [None] * 3
    # With tolerance .12 the second is correct too; on a range of 4 an error of .3 is within .1, one of .5 is not.
    assert _temporal(Group(GENERATED, label, dimensions, apart, shuffled), tolerance=0.12) == [0.3, 0.3, 0.0]
    natural = Question("natural", (Clip("a.mp4"),))
    four = (Dimension("quality", 1.0, 5.0, ""),)
    said = tuple(_attempt(Score({"quality": value})) for value in (3.3, 3.5))
    assert _temporal(Group(natural, Score({"quality": 3.0}), four, said, said[1:])) == [0.3, 0.0]


@pytest.mark.parametrize("rule", ["share", "answer", "released"])
def test_yes_and_no_have_a_temporal_reward(rule: str) -> None:
    """1/3 is right; of the shuffled ones 1/2 by any count, so that nothing is earned, then 1/3."""
    right, wrong, none = _attempt(Verdict(True)), _attempt(Verdict(False)), _attempt(Missing("?"))
    question = Question("yesno", (Clip("a.mp4"),), "Is it smooth?")
    group = Group(question, Verdict(True), (), (right, wrong, none), (right, none))
    assert _temporal(group, rule=rule) == [0.0, 0.0, 0.0]
    assert _temporal(Group(question, Verdict(True), (), (right, wrong, none), (none, wrong)), rule=rule) == [0.3, 0, 0]


def test_the_rules_by_name() -> None:
    """Temporal scores 2, 12 and 46 off, and one missing: each rule as in ``tests/equations/test_temporal.py``."""
    label, dimensions = _scores(80, 50, 100), BRIEF.dimensions(GENERATED)

    def said(*temporal: float) -> tuple[Completion, ...]:
        return tuple(_attempt(_scores(80, value, 100)) for value in temporal)

    def group(shuffled: tuple[Completion, ...]) -> Group:
        return Group(GENERATED, label, dimensions, said(52, 38, 96), shuffled)

    assert _temporal(group(said(55, 0))) == [0, 0, 0]
    assert _temporal(group(said(55, 0)), mu=0.6) == [0.3, 0, 0]
    assert _temporal(group(said(65, 35)), rule="answer", alpha=0.5) == [0.5, 0.5, 0]
    # A missing answer has w = 0 there: half of .61 is less than .38.
    assert _temporal(group((*said(55), _attempt(Missing("?")))), rule="answer") == [0.3, 0.3, 0]
    assert _temporal(group(said(55)), rule="answer") == [0, 0, 0]
    # Rewards .96, .76, .08, mean .6, by relative error, against 1 and 0.
    assert _temporal(group((*said(50), _attempt(Missing("?")))), rule="released", mu=1.0) == [0.3, 0.3, 0]
    assert _temporal(group(said(50)), rule="released", mu=1.0) == [0, 0, 0]
    gaps = [
        Completion(each.text, each.answer, 400, gap=gap)
        for each, gap in zip(said(52, 38, 96), (0.3, 0.2, 0), strict=True)
    ]
    likelihood = Group(GENERATED, label, dimensions, tuple(gaps))
    assert _temporal(likelihood, rule="likelihood") == [0.3, 0, 0]
    assert _temporal(likelihood) == [None] * 3  # no answers about the shuffled clip
    assert _temporal(group(()), rule="likelihood") == [None] * 3  # a clip of one frame has no gaps


def _watched(temporal: Sequence[Sequence[float | None]], *, last: bool = False) -> list[str]:
    """The alarms of groups with these temporal rewards, after each group in a window of its own."""
    monitor = RewardMonitor()
    group = Group(GENERATED, _scores(80, 60, 100), (), (_attempt(_scores(80, 60, 100)), _attempt(_scores(0, 0, 0))))
    said = []
    for number, values in enumerate(temporal, 1):
        monitor.add(group, [{"temporal": value} for value in values], [0.0, 1.0])
        said += monitor.alarms(last=last and number == len(temporal))
        monitor.clear()
    return said


def test_a_temporal_reward_that_cancels_is_noticed() -> None:
    """It looks at all groups, not at those in a row, and at the end of a run that is shorter than its window."""
    alike, apart, without = (0.3, 0.3), (0.3, 0.0), (None, None)
    [alarm] = _watched([alike] * IDLE_FIRST)
    assert f"in {IDLE_FIRST} of {IDLE_FIRST} groups" in alarm
    for name in ("rewards.rule", "rewards.tolerance", "rewards.mu", "rewards.shuffle", "rewards.temporal"):
        assert name in alarm
    assert _watched([alike] * (IDLE_FIRST - 1)) == [] != _watched([alike] * (IDLE_FIRST - 1), last=True)
    assert _watched([alike] * (IDLE_AT_END - 1), last=True) == [] != _watched([alike] * IDLE_AT_END, last=True)
    assert _watched([*[alike] * 5, apart, *[alike] * (IDLE_FIRST - 6)])  # one in ten differs
    assert _watched([apart, apart, *[alike] * (IDLE_FIRST - 2)]) == []
    assert _watched([without] * 20, last=True) == []  # it does not apply
    # Not in every window: again after many more groups, and at the end no third time.
    assert len(_watched([alike] * (IDLE_FIRST + IDLE_NEXT - 1), last=True)) == 1
    assert len(_watched([alike] * (IDLE_FIRST + IDLE_NEXT), last=True)) == 2
    # What goes wrong later is noticed too, whatever came before.
    assert len(_watched([*[apart] * IDLE_FIRST, *[alike] * IDLE_NEXT])) == 1


def test_a_pair_has_no_score_and_no_temporal_reward() -> None:
    group = Group(PAIR, Preference("B"), (), (_attempt(Preference("B")), _attempt(Preference("tie"))))
    rubric = Rubric(PAPER)
    assert not rubric.wants_shuffled(PAIR, Preference("B"))
    parts = rubric.grade(group)
    assert [p["comparison"] for p in parts] == [1.0, 0.0]
    assert all(p["score"] is None and p["temporal"] is None for p in parts)


def test_which_questions_are_shuffled() -> None:
    rubric, quality = Rubric(PAPER), Score({"quality": 50.0})
    assert rubric.wants_shuffled(GENERATED, _scores(1, 2, 3))
    assert not rubric.wants_shuffled(GENERATED, Score({"spatial": 1, "alignment": 3}))
    assert rubric.wants_shuffled(Question("natural", (Clip("a.mp4"),)), quality)
    assert rubric.wants_shuffled(Question("yesno", (Clip("a.mp4"),), "Is it good?"), Verdict(False))
    assert not rubric.wants_shuffled(Question("image", (Clip("a.png"),)), quality)
    assert not Rubric(RewardSettings(temporal=0)).wants_shuffled(GENERATED, _scores(1, 2, 3))
    assert not Rubric(PAPER, ["format", "score"]).wants_shuffled(GENERATED, _scores(1, 2, 3))


def test_a_sum_of_dimensions() -> None:
    """Errors of 30 each: 1 - .9; a missing answer earns what the farthest would, over the labelled dimensions."""
    label, asked = _scores(80, 60, 100), (_attempt(_scores(50, 30, 70)), _attempt(Missing("?")))
    rubric = Rubric(RewardSettings(combine="sum", dimension_weights={"spatial": 2.0}), ["score"])
    graded = rubric.grade(Group(GENERATED, label, BRIEF.dimensions(GENERATED), asked))
    assert [each["score"] for each in graded] == pytest.approx([1 - 4 * 0.3, 1 - 4])
    two = rubric.grade(Group(GENERATED, Score({"spatial": 80, "temporal": 60}), BRIEF.dimensions(GENERATED), asked))
    assert [each["score"] for each in two] == pytest.approx([1 - 3 * 0.3, 1 - 3])


def test_parts_without_a_weight_are_not_computed() -> None:
    group = Group(PAIR, Preference("B"), (), (_attempt(Preference("B")),))
    assert Rubric(RewardSettings(format=0.5), ["format"]).grade(group) == [{"format": 1.0}]
    with pytest.raises(ValueError, match="fromat"):
        Rubric(PAPER, ["fromat"])


def test_labels_come_to_the_question_s_scale() -> None:
    natural = Question("natural", (Clip("a.mp4"),))
    assert rescale_label(Score({"quality": 3.0}), (1.0, 5.0), BRIEF.dimensions(natural)) == Score({"quality": 50.0})
    # Without a prompt nobody asks for alignment.
    bare = Question("generated", (Clip("a.mp4"),))
    assert rescale_label(_scores(10, 20, 30), (0.0, 100.0), BRIEF.dimensions(bare)) == Score(
        {"spatial": 10.0, "temporal": 20.0}
    )
    assert rescale_label(Verdict(True), None, ()) == Verdict(True)


@pytest.mark.parametrize(
    ("completion", "reward"),
    [
        ("<think>a</think><answer>b</answer>", 1),
        ("\n<think>\na\n</think>\n\n<answer> b </answer>\n", 1),
        ("<Think>a</Think><Answer>b</Answer>", 1),
        ("<think>a</think><answer> </answer>", 0),
        ("<think>a</think> so <answer>b</answer>", 0),
        ("<think>a</think><answer>b</answer> indeed", 0),
        ("<answer>b</answer>", 0),
        ("<answer>b</answer><think>a</think>", 0),
        ("<think>a</think><answer>b</answer><answer>c</answer>", 0),
        ("<think>a<think>b</think></think><answer>c</answer>", 0),
        ("", 0),
    ],
)
def test_format(completion: str, reward: int) -> None:
    assert format_reward(completion) == reward


@pytest.mark.parametrize("name", PROMPT_SETS)
def test_a_prompt_set_s_own_answers_have_the_form(name: str) -> None:
    """Released code has prompts whose own example fails the reward."""
    for question, answer in ((PAIR, Preference("A")), (Question("yesno", (Clip("a"),), "Good?"), Verdict(True))):
        assert format_reward("<think>Why.</think>" + PROMPT_SETS[name].format_answer(question, answer)) == 1


@given(st.text(alphabet="<>/thinkaswer \n", max_size=80))
def test_format_never_fails(text: str) -> None:
    assert format_reward(text) in (0.0, 1.0)


def _tally(groups: int, answers: list[Completion], rubric: Rubric) -> RewardMonitor:
    monitor = RewardMonitor()
    group = Group(PAIR, Preference("A"), (), tuple(answers))
    for _ in range(groups):
        parts = rubric.grade(group)
        monitor.add(group, parts, [rubric.total(each) for each in parts])
    return monitor


def test_alarms() -> None:
    rubric = Rubric(PAPER, ["format", "comparison"])
    good, bad, none = _attempt(Preference("A")), _attempt(Preference("B")), _attempt(Missing("?"), truncated=True)
    assert _tally(5, [good, bad], rubric).alarms() == []
    assert "earn the same" in _tally(5, [good, good], rubric).alarms()[0]
    silent = " ".join(_tally(5, [none, good, good], rubric).alarms())
    assert "could not be read" in silent and "max_new_tokens" in silent
    ill_formed = Completion("so: B", Preference("B"), 3)
    assert "only the format" in " ".join(_tally(5, [bad, ill_formed], rubric).alarms())


def test_summary_counts_every_part() -> None:
    rubric = Rubric(PAPER, ["format", "comparison"])
    summary = _tally(2, [_attempt(Preference("A")), _attempt(Missing("?"), tokens=200)], rubric).summary()
    assert summary["missing"] == 0.5
    assert summary["reward_comparison"] == 0.5
    assert summary["tokens"] == 300
    assert RewardMonitor().summary() == {} and RewardMonitor().alarms() == []
