"""Lessons tell the truth, in words that are read back."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
from helpers.pictures import unpainted

from vqinsight.nano.assessor import lessons
from vqinsight.nano.assessor.lessons import (
    Exercise,
    Lesson,
    Stage,
    evidence_exercise,
    opinion,
    text_only_exercise,
)
from vqinsight.synthetic.captions import CHOICES, FACT_NAMES, NUMBER_WORDS, Facts, mismatches
from vqinsight.synthetic.describe import Defect, GroundTruth, ParsedDescription, level, read, read_pair
from vqinsight.synthetic.varied import NOT_MEASURED, defects, overall
from vqinsight.tasks.prompt_sets.separate import SEPARATE
from vqinsight.tasks.shapes import names_shapes
from vqinsight.tasks.types import Clip, Missing, Preference, Question, Score, Verdict


@cache
def lesson(seed: int, stage: Stage) -> Lesson:
    """``lessons.lesson``, drawn once for all tests of this file; not for looking at its clips."""
    with unpainted():
        return lessons.lesson(seed, stage)


def _claimed(text: str) -> Facts:
    """The facts that a caption states, in whichever wording."""
    words = {word.strip(",").removesuffix("s") for word in text.split()}
    stated = {name: [v for v in CHOICES[name] if NUMBER_WORDS.get(v, v) in words] for name in FACT_NAMES}  # type: ignore[call-overload]
    return Facts(*(values[0] for values in stated.values()))  # type: ignore[arg-type]


def _by_clip(exercise: Exercise) -> tuple[ParsedDescription, ...]:
    """What an exercise's terse answer says of each of its clips."""
    return read_pair(exercise.answer) if len(exercise.clips) == 2 else (read(exercise.given + exercise.answer),)


def _question(text: str, clips: int) -> Question:
    if clips == 2:
        return Question("compare", (Clip("a"), Clip("b")))
    if text.endswith("Yes or no?"):
        return Question("yesno", (Clip("a"),), "?")
    if text.startswith("Does it show this?"):
        return Question("alignment", (Clip("a", "x"),))
    return Question("generated" if "generated" in text else "image" if "image" in text else "natural", (Clip("a"),))


def test_every_answer_in_the_lessons_is_read_back() -> None:
    kinds = set()
    for seed in range(150):
        drawn = lesson(seed, "conversation")
        for exercise in drawn.exercises:
            text = exercise.messages[1]["content"][-1]["text"]
            if text.startswith("Describe."):
                assert all(heard.spatial is not None for heard in _by_clip(exercise))
                continue
            question = _question(text, len(exercise.clips))
            answer = SEPARATE.parse(question, exercise.answer)
            assert not isinstance(answer, Missing), (text, exercise.answer)
            kinds.add(question.task)
            if isinstance(answer, Score) and question.task != "alignment":
                truth = drawn.clips[exercise.clips[0]].truth
                heard = read(exercise.given + exercise.answer)
                said = (truth.spatial.kind, level(truth.spatial.severity)) if truth.spatial else ("none", 0)
                assert heard.spatial == said
    assert kinds == {"image", "natural", "generated", "alignment", "compare", "yesno"}


def test_what_is_measured_is_asked_only_where_it_tells_all() -> None:
    """The conclusion carries loss, shapes and the camera's motion do not; no defect is asked that has to be seen."""
    rng, asked, passed = np.random.default_rng(0), 0, 0
    for seed in range(120):
        truth = lesson(seed, "perception").clips[0].truth
        exercise = evidence_exercise(truth, False, rng)
        if exercise is None:
            passed += 1
            assert any(defect.kind in NOT_MEASURED for defect in defects(truth))
            continue
        asked += 1
        assert exercise.measured and not any(defect.kind in NOT_MEASURED for defect in defects(truth))
        heard = read(exercise.given + exercise.answer)
        assert heard.spatial is not None and heard.temporal is not None
        if exercise.given:
            assert "camera" in exercise.given and "camera" not in exercise.answer
    assert asked > 40 and passed > 20


def test_what_is_seen_is_asked_and_said_without_the_text_and_the_shapes() -> None:
    scored = 0
    for seed in range(150):
        for exercise in lesson(seed, "conversation").exercises:
            asked = exercise.messages[1]["content"][-1]["text"]
            _, told, text = asked.partition("Text: ")
            assert not told or names_shapes(text)
            if asked.startswith("Rate this"):
                scored += 1
                assert not told
                assert not any(shape in exercise.given + exercise.answer for shape in CHOICES["shape"])
    assert scored > 100


def test_a_third_of_the_questions_state_nothing_of_what_is_measured() -> None:
    measured = [each.measured for seed in range(200) for each in lesson(seed, "conversation").exercises]
    assert 0.62 < np.mean(measured) < 0.71


def test_lessons_repeat_and_perception_is_terse() -> None:
    one, same = lessons.lesson(4, "conversation"), lessons.lesson(4, "conversation")
    assert [e.answer for e in one.exercises] == [e.answer for e in same.exercises]
    for exercise in lesson(4, "perception").exercises:
        assert "<think>" not in exercise.answer


def test_every_exercise_has_a_text_of_its_own_and_wrong_facts_are_common() -> None:
    """Or "right" is a good guess about every fact."""
    wrong, facts, texts = 0, 0, []
    for seed in range(300):
        drawn = lesson(seed, "perception")
        for exercise in drawn.exercises:
            _, given, text = exercise.messages[1]["content"][-1]["text"].partition("Text: ")
            texts.append(text)
            for clip, heard in zip(exercise.clips, _by_clip(exercise), strict=True):
                truth = drawn.clips[clip].truth
                assert heard.spatial == (
                    (truth.spatial.kind, level(truth.spatial.severity)) if truth.spatial else ("none", 0)
                )
                if given:
                    assert truth.facts is not None
                    assert heard.wrong == mismatches(_claimed(text), truth.facts)
                    wrong += len(heard.wrong)
                    facts += len(FACT_NAMES)
    assert 0.3 < wrong / facts < 0.5
    told = [text for text in texts if text]
    assert len(set(told)) > 0.8 * len(told)


def test_the_strength_of_a_defect_in_time_is_told_roughly_its_kind_exactly() -> None:
    """As often a level too low as too high in the middle; of the far end the neighbour is told now and then."""
    told: dict[int, list[int]] = {strength: [] for strength in range(1, 6)}
    for seed in range(1500):
        drawn = lesson(seed, "perception")
        for exercise in drawn.exercises:
            for clip, heard in zip(exercise.clips, _by_clip(exercise), strict=True):
                defect = drawn.clips[clip].truth.temporal
                if drawn.still or defect is None:
                    continue
                assert heard.temporal is not None
                assert heard.temporal[0] == defect.kind
                told[level(defect.severity)].append(heard.temporal[1])
    means = [np.mean(told[strength]) for strength in range(1, 6)]
    assert means == sorted(means)
    assert abs(means[2] - 3) < 0.15
    assert means[4] < 4.7
    assert 0.2 < np.mean(np.array(told[5]) == 4) < 0.45
    assert 0.3 < np.mean(np.array(told[3]) == 3) < 0.7


def test_a_score_is_of_the_clip_and_not_of_the_words_before_it() -> None:
    """Words are rough about time, and now and then given wrong: what they leave open, the score has to see."""
    mistaken, told = [], []
    for seed in range(700):
        drawn = lesson(seed, "conversation")
        for exercise in drawn.exercises:
            asked = exercise.messages[1]["content"][-1]["text"]
            if drawn.still or "Describe." in asked or "<answer>" not in exercise.answer or len(exercise.clips) == 2:
                continue
            answer = SEPARATE.parse(_question(asked, 1), exercise.answer)
            if not isinstance(answer, Score) or "alignment" in answer.values:
                continue
            heard = read(exercise.given + exercise.answer).temporal
            truth = drawn.clips[exercise.clips[0]].truth
            assert heard is not None
            mistaken.append(bool(exercise.given))
            if exercise.given:  # a miss, or a false alarm; not to be learned
                assert (heard == ("none", 0)) == (truth.temporal is not None)
                assert exercise.given.endswith("</think>")
                assert "think" not in exercise.answer
            elif heard[1] == 3 and "temporal" in answer.values:
                assert truth.temporal is not None
                told.append((truth.temporal.severity, answer.values["temporal"]))
    assert 0.1 < np.mean(mistaken) < 0.2
    assert np.corrcoef(np.array(told).T)[0, 1] < -0.3


def test_yes_and_no_are_both_common_and_answers_follow_the_picture() -> None:
    said = []
    for seed in range(300):
        for exercise in lesson(seed, "conversation").exercises:
            answer = SEPARATE.parse(Question("yesno", (Clip(""),), "?"), exercise.answer)
            if isinstance(answer, Verdict):
                said.append(answer.yes)
    assert 0.35 < np.mean(said) < 0.65


def test_the_opinion_is_biased_on_purpose() -> None:
    """Squeezed and generous: the worst clip still gets about a third, the best far from a hundred."""
    rng = np.random.default_rng(0)
    bad = GroundTruth(None, "left", Defect("blur", 1.0), Defect("jitter", 1.0), None)
    good = GroundTruth(None, "left", None, None, None)
    for truth, low, high in ((bad, 38, 50), (good, 84, 92)):
        mean = np.mean([opinion(truth, False, rng)["spatial"] for _ in range(200)])
        assert low < mean < high


def test_the_judge_of_pairs_is_right_more_often_than_not_and_partial_to_the_first() -> None:
    first, right, clear, total = 0, 0, 0, 0
    for seed in range(600):
        drawn = lesson(seed, "conversation")
        for exercise in drawn.exercises:
            if "<answer>" in exercise.answer and len(exercise.clips) == 2:
                answer = SEPARATE.parse(Question("compare", (Clip("a"), Clip("b"))), exercise.answer)
                assert isinstance(answer, Preference)
                total += 1
                first += answer.choice == "A"
                _, given, text = exercise.messages[1]["content"][-1]["text"].partition("Text: ")
                claim = _claimed(text) if given else None
                a, b = (replace(drawn.clips[i].truth, claim=claim) for i in exercise.clips)
                if overall(a) != overall(b):
                    clear += 1
                    right += (answer.choice == "A") == (overall(a) > overall(b))
    assert total > 100
    assert first / total > 0.5
    assert 0.6 < right / clear < 0.98


def test_a_text_only_exercise_gives_what_was_seen_and_teaches_what_follows() -> None:
    rng = np.random.default_rng(0)
    learned = {"Against the text": 0, "text": 0, "A</answer>": 0}
    for _ in range(200):
        exercise = text_only_exercise(rng)
        assert not exercise.clips
        assert all(item["type"] == "text" for message in exercise.messages for item in message["content"])
        heard = read(exercise.given + exercise.answer)
        assert len(exercise.given) > len("<think>I see a")
        assert not any(word in exercise.answer for word in ("defect", "shows", "camera"))  # those need frames
        if exercise.given.endswith("; text"):
            learned["text"] += 1
            assert heard.wrong is not None
        for end in ("Against the text", "A</answer>"):
            learned[end] += end in exercise.answer
    assert min(learned.values()) > 5
