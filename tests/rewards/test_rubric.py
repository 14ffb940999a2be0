"""The rubric: what applies to which task, and what a dead reward looks like."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vqinsight.grpo.monitor import IDLE, RewardMonitor
from vqinsight.rewards.format import format_reward
from vqinsight.rewards.rubric import Completion, Group, Rubric
from vqinsight.settings.train import RewardSettings
from vqinsight.tasks.labels import rescale_label
from vqinsight.tasks.prompt_sets import NAMES, prompt_set
from vqinsight.tasks.types import Answer, Clip, Missing, Preference, Question, Score, Verdict

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
    assert parts[1] == pytest.approx({"format": 1.0, "score": 0.7, "temporal": 0.3, "length": 0.0, "comparison": None})
    # Silence earns nothing at all, whatever its length.
    assert parts[2] == {"format": 0.0, "score": 0.0, "comparison": None, "temporal": 0.0, "length": 0.0}
    assert rubric.total(parts[0]) == pytest.approx(2.4)


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


@pytest.mark.parametrize(("correct", "earned"), [(0.1, [0.3, 0.3]), (0.9, [0.3, 0.0])])
def test_who_shares_in_the_temporal_reward(correct: float, earned: list[float]) -> None:
    """What all answers get cancels in Eq. 1, and a run that goes on like this says so."""
    completions = (_attempt(_scores(80, 60, 100)), _attempt(_scores(50, 30, 70)))
    group = Group(GENERATED, _scores(80, 60, 100), BRIEF.dimensions(GENERATED), completions, completions[1:])
    rubric = Rubric(RewardSettings(correct=correct))
    parts = rubric.grade(group)
    assert [each["temporal"] for each in parts] == earned
    monitor = RewardMonitor()
    said = []
    for _ in range(IDLE):
        monitor.add(group, parts, [rubric.total(each) for each in parts])
        said += [alarm for alarm in monitor.alarms() if "rewards.correct" in alarm]
        monitor.clear()
    assert len(said) == (earned[0] == earned[1])  # once, not in every window


def test_a_pair_has_no_score_and_no_temporal_reward() -> None:
    group = Group(PAIR, Preference("B"), (), (_attempt(Preference("B")), _attempt(Preference("tie"))))
    rubric = Rubric(PAPER)
    assert not rubric.wants_shuffled(PAIR)
    parts = rubric.grade(group)
    assert [p["comparison"] for p in parts] == [1.0, 0.0]
    assert all(p["score"] is None and p["temporal"] is None for p in parts)


def test_which_questions_are_shuffled() -> None:
    rubric = Rubric(PAPER)
    assert rubric.wants_shuffled(GENERATED)
    assert rubric.wants_shuffled(Question("natural", (Clip("a.mp4"),)))
    assert not rubric.wants_shuffled(Question("image", (Clip("a.png"),)))
    assert not rubric.wants_shuffled(Question("yesno", (Clip("a.mp4"),), "Is it good?"))
    assert not Rubric(RewardSettings(temporal=0)).wants_shuffled(GENERATED)


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
