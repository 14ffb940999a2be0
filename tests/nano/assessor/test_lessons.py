"""Lessons tell the truth, in words that are read back."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import get_args

import numpy as np
from helpers.pictures import unpainted

from vqinsight.nano.assessor import lessons
from vqinsight.nano.assessor.lessons import Exercise, Lesson, Stage, opinion, recital
from vqinsight.synthetic.captions import CHOICES, FACT_NAMES, NUMBER_WORDS, Facts, mismatches
from vqinsight.synthetic.describe import OUTSIDE, Defect, GroundTruth, ParsedDescription, level, read, read_pair
from vqinsight.synthetic.generate import overall
from vqinsight.tasks.prompt_sets.brief import BRIEF
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


def _time(exercise: Exercise, clip: int) -> int:
    """The clip whose self-similarity is shown with ``clip``."""
    return clip if exercise.time is None else exercise.time[exercise.clips.index(clip)]


def _question(text: str, clips: int) -> Question:
    if clips == 2:
        return Question("compare", (Clip("a"), Clip("b")))
    if text.endswith("Yes or no?"):
        return Question("yesno", (Clip("a"),), "?")
    if text.startswith("Rate this generated"):
        return Question("generated", (Clip("a", "x" if "Text:" in text else None),))
    return Question("image" if "image" in text else "natural", (Clip("a"),))


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
            answer = BRIEF.parse(question, exercise.answer)
            assert not isinstance(answer, Missing), (text, exercise.answer)
            kinds.add(question.task)
            if isinstance(answer, Score):
                truth = drawn.clips[exercise.clips[0]].truth
                heard = read(exercise.given + exercise.answer)
                said = (truth.spatial.kind, level(truth.spatial.severity)) if truth.spatial else ("none", 0)
                assert heard.spatial == said
    assert kinds == {"image", "natural", "generated", "compare", "yesno"}


def test_lessons_repeat_and_perception_is_terse() -> None:
    one, same = lessons.lesson(4, "conversation"), lessons.lesson(4, "conversation")
    assert [e.answer for e in one.exercises] == [e.answer for e in same.exercises]
    for exercise in lesson(4, "perception").exercises:
        assert "<think>" not in exercise.answer


def test_every_exercise_has_a_text_of_its_own_and_wrong_facts_are_common() -> None:
    """Or "right" is a good guess about every fact; and a text about other things is told apart."""
    wrong, facts, outside, texts = 0, 0, 0, []
    for seed in range(300):
        drawn = lesson(seed, "perception")
        for exercise in drawn.exercises:
            _, given, text = exercise.messages[1]["content"][-1]["text"].partition("Text: ")
            texts.append(text)
            outside += (unknown := exercise.answer.endswith("; text unknown"))
            for clip, heard in zip(exercise.clips, _by_clip(exercise), strict=True):
                truth = drawn.clips[clip].truth
                assert heard.spatial == (
                    (truth.spatial.kind, level(truth.spatial.severity)) if truth.spatial else ("none", 0)
                )
                if unknown:
                    assert heard.wrong is None
                    assert given
                elif given:
                    assert truth.facts is not None
                    assert heard.wrong == mismatches(_claimed(text), truth.facts)
                    wrong += len(heard.wrong)
                    facts += len(FACT_NAMES)
    assert 0.3 < wrong / facts < 0.5
    assert 0.1 < outside / len(texts) < 0.3
    assert len(set(texts)) > 0.5 * len(texts)


def test_the_strength_of_a_defect_in_time_is_told_roughly_its_kind_exactly() -> None:
    """As often a level too low as too high in the middle; of the far end the neighbour is told now and then."""
    told: dict[int, list[int]] = {strength: [] for strength in range(1, 6)}
    for seed in range(1500):
        drawn = lesson(seed, "perception")
        for exercise in drawn.exercises:
            for clip, heard in zip(exercise.clips, _by_clip(exercise), strict=True):
                defect = drawn.clips[_time(exercise, clip)].truth.temporal
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
            answer = BRIEF.parse(_question(asked, 1), exercise.answer)
            if not isinstance(answer, Score):
                continue
            heard = read(exercise.given + exercise.answer).temporal
            truth = drawn.clips[_time(exercise, exercise.clips[0])].truth
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


def test_of_a_borrowed_time_is_told_what_that_shows() -> None:
    """And not what the other views show: what they tell on scenes like these alone must not outweigh it."""
    for stage in get_args(Stage):
        borrowed: dict[int, list[bool]] = {1: [], 2: []}
        for seed in range(150):
            drawn = lesson(seed, stage)
            for exercise in drawn.exercises:
                asked = exercise.messages[1]["content"][-1]["text"]
                if drawn.still or asked.endswith("Yes or no?"):
                    assert exercise.time is None
                    continue
                borrowed[len(exercise.clips)].append(exercise.time is not None)
                assert exercise.time in (None, tuple(1 - clip for clip in exercise.clips))
                for clip, heard in zip(exercise.clips, _by_clip(exercise), strict=True):
                    own, shown = drawn.clips[clip].truth, drawn.clips[_time(exercise, clip)].truth.temporal
                    if heard.spatial is None or heard.temporal is None:  # one score of natural clips says less
                        continue
                    assert heard.spatial[0] == (own.spatial.kind if own.spatial else "none")
                    if not exercise.given:
                        assert heard.temporal[0] == (shown.kind if shown else "none")
        assert all(0.25 < np.mean(times) < 0.45 for times in borrowed.values())


def test_a_text_about_other_things_is_said_to_be_so() -> None:
    heard = {
        answer
        for seed in range(200)
        for exercise in lesson(seed, "conversation").exercises
        if OUTSIDE in (answer := exercise.answer)
    }
    assert any('"alignment"' in answer for answer in heard)
    assert any("A: " in answer for answer in heard)


def test_yes_and_no_are_both_common_and_answers_follow_the_picture() -> None:
    said = []
    for seed in range(300):
        for exercise in lesson(seed, "conversation").exercises:
            answer = BRIEF.parse(Question("yesno", (Clip(""),), "?"), exercise.answer)
            if isinstance(answer, Verdict):
                said.append(answer.yes)
    assert 0.35 < np.mean(said) < 0.65


def test_the_opinion_is_biased_on_purpose() -> None:
    """Squeezed and generous: the worst clip still gets about a third, the best far from a hundred."""
    rng = np.random.default_rng(0)
    bad = GroundTruth(None, "left", Defect("blur", 1.0), Defect("jitter", 1.0), None)
    good = GroundTruth(None, "left", None, None, None)
    for truth, low, high in ((bad, 30, 42), (good, 78, 90)):
        mean = np.mean([opinion(truth, False, rng)["spatial"] for _ in range(200)])
        assert low < mean < high


def test_the_judge_of_pairs_is_right_more_often_than_not_and_partial_to_the_first() -> None:
    """About what is shown: of two clips that borrow each other's time, the one that borrowed less damage is better."""
    first, right, clear, total, borrowed = 0, 0, 0, 0, []
    for seed in range(600):
        drawn = lesson(seed, "conversation")
        for exercise in drawn.exercises:
            if "<answer>" in exercise.answer and len(exercise.clips) == 2:
                answer = BRIEF.parse(Question("compare", (Clip("a"), Clip("b"))), exercise.answer)
                assert isinstance(answer, Preference)
                total += 1
                first += answer.choice == "A"
                _, given, text = exercise.messages[1]["content"][-1]["text"].partition("Text: ")
                claim = _claimed(text) if given and OUTSIDE not in exercise.answer else None
                a, b = (
                    replace(drawn.clips[i].truth, temporal=drawn.clips[_time(exercise, i)].truth.temporal, claim=claim)
                    for i in exercise.clips
                )
                if overall(a) != overall(b):
                    clear += 1
                    right += (chosen := (answer.choice == "A") == (overall(a) > overall(b)))
                    if exercise.time is not None and abs(overall(a) - overall(b)) > 30:
                        borrowed.append(chosen)
    assert total > 100
    assert len(borrowed) > 10
    assert np.mean(borrowed) > 0.85
    assert first / total > 0.5
    assert 0.6 < right / clear < 0.98


def test_a_recital_gives_what_was_seen_and_teaches_what_follows() -> None:
    rng = np.random.default_rng(0)
    learned = {"Against the text": 0, "text": 0, "A</answer>": 0}
    for _ in range(200):
        exercise = recital(rng)
        assert not exercise.clips
        assert all(item["type"] == "text" for message in exercise.messages for item in message["content"])
        heard = read(exercise.given + exercise.answer)
        assert len(exercise.given) > len("<think>I see a")
        assert not any(word in exercise.answer for word in ("defect", "shows", "camera"))  # eyes are needed for that
        if exercise.given.endswith("; text"):
            learned["text"] += 1
            assert heard.wrong is not None or exercise.answer == " unknown"
        for end in ("Against the text", "A</answer>"):
            learned[end] += end in exercise.answer
    assert min(learned.values()) > 10
