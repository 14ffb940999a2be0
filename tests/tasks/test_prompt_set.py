import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vqinsight.errors import UsageError
from vqinsight.tasks.parsing import TAG
from vqinsight.tasks.prompt_set import PromptSet, clean
from vqinsight.tasks.prompt_sets import NAMES, prompt_set
from vqinsight.tasks.types import Answer, Clip, Missing, Preference, Question, Score, TaskName, Verdict

PROMPT_SETS = {name: prompt_set(name) for name in NAMES}

PLAIN, TOLD = Clip("clip.mp4"), Clip("clip.mp4", "a red ball rolls")
QUESTIONS = [
    Question("image", (PLAIN,)),
    Question("natural", (PLAIN,)),
    Question("generated", (PLAIN,)),
    Question("generated", (TOLD,)),
    Question("compare", (PLAIN, PLAIN)),
    Question("compare", (TOLD, TOLD)),
    Question("yesno", (PLAIN,), "Is the motion smooth?"),
]
SETS = list(PROMPT_SETS.values())
EVERY = pytest.mark.parametrize(
    ("asked", "question"),
    [(asked, question) for asked in SETS for question in QUESTIONS],
    ids=lambda value: value.name if isinstance(value, PromptSet) else f"{value.task}-{bool(value.clips[0].prompt)}",
)


def texts(messages: list[dict[str, Any]]) -> list[str]:
    return [item["text"] for message in messages for item in message["content"] if item["type"] == "text"]


@st.composite
def answered(draw: st.DrawFn) -> tuple[PromptSet, Question, Answer]:
    """A prompt set, a question, and any answer that it can be given at the decimals asked for."""
    asked, question = draw(st.sampled_from(SETS)), draw(st.sampled_from(QUESTIONS))
    if question.task == "compare":
        return asked, question, Preference(draw(st.sampled_from(["A", "B", "tie"])))
    if question.task == "yesno":
        return asked, question, Verdict(draw(st.booleans()))
    values = {}
    for dim in asked.dimensions(question):
        step = 10**dim.decimals
        values[dim.key] = draw(st.integers(round(dim.low * step), round(dim.high * step))) / step
    return asked, question, Score(values)


@given(answered(), st.sampled_from(["", "<think>Sharp.</think>", '<think>{"quality": 3}</think>\n']))
def test_every_answer_survives_being_written_and_read(case: tuple[PromptSet, Question, Answer], before: str) -> None:
    asked, question, answer = case
    assert asked.parse(question, before + asked.format_answer(question, answer)) == answer


@given(st.sampled_from(SETS), st.floats(1, 5))
def test_written_scores_are_rounded_to_the_decimals_asked_for(asked: PromptSet, value: float) -> None:
    question = QUESTIONS[0]
    (dim,) = asked.dimensions(question)
    got = asked.parse(question, asked.format_answer(question, Score({"quality": value})))
    assert isinstance(got, Score)
    assert abs(got.values["quality"] - value) <= 0.5000001 * 10**-dim.decimals


@EVERY
def test_the_messages_hold_the_clips_in_order_and_only_text_besides(asked: PromptSet, question: Question) -> None:
    system, user = asked.messages(question)
    assert [system["role"], user["role"]] == ["system", "user"]
    assert system["content"] == [{"type": "text", "text": asked.system}]
    clips = [item for item in user["content"] if item["type"] != "text"]
    assert clips == [{"type": "clip", "index": i} for i in range(len(question.clips))]
    assert user["content"][-1]["type"] == "text"
    if question.task == "compare":
        assert [item.get("text") for item in user["content"][:3:2]] == list(asked.clip_names)
    assert not re.search(r"\{text\}|\{prompt\}", " ".join(texts([system, user])))


@EVERY
def test_the_prompt_is_in_the_question_where_it_matters(asked: PromptSet, question: Question) -> None:
    said = " ".join(texts(asked.messages(question)))
    told = question.clips[0].prompt is not None and (not asked.separate or question.task == "compare")
    assert ("a red ball rolls" in said) == told
    if question.text:
        assert question.text in said


@EVERY
def test_echoing_the_instructions_is_no_answer(asked: PromptSet, question: Question) -> None:
    for text in texts(asked.messages(question)):
        if text not in asked.clip_names:
            assert isinstance(asked.parse(question, f"<think>x</think><answer>{text}</answer>"), Missing)
    said = "".join(texts(asked.messages(question)))
    assert isinstance(asked.parse(question, said), Missing)


@EVERY
def test_the_wording_names_the_keys_that_the_parser_wants(asked: PromptSet, question: Question) -> None:
    said = " ".join(texts(asked.messages(question)))
    if asked.name in ("brief", "separate") or question.task in asked.bare_number:
        return
    for dim in asked.dimensions(question):
        assert f'"{asked.answer_keys.get(dim.key, dim.key)}"' in said
        assert f"{dim.low:g}" in said and f"{dim.high:g}" in said


@pytest.mark.parametrize("asked", SETS, ids=lambda asked: asked.name)
def test_alignment_is_asked_only_with_a_prompt(asked: PromptSet) -> None:
    def keys(prompt: str | None) -> list[str]:
        return [dim.key for dim in asked.dimensions(Question("generated", (Clip("clip.mp4", prompt),)))]

    assert keys("a red ball") == ["spatial", "temporal", "alignment"]
    for nothing in (None, "", " \n"):
        assert keys(nothing) == ["spatial", "temporal"]
    assert asked.dimensions(QUESTIONS[4]) == asked.dimensions(QUESTIONS[6]) == ()


def test_a_pair_has_a_prompt_only_when_both_clips_share_it() -> None:
    def ask(a: str | None, b: str | None) -> str:
        return texts(PROMPT_SETS["brief"].messages(Question("compare", (Clip("a.mp4", a), Clip("b.mp4", b)))))[-1]

    assert ask("a cat", " a  cat ") == "Which video is better? Text: a cat"
    assert ask("a cat", "a dog") == ask("a cat", None) == ask(None, None) == "Which video is better?"


def test_the_brief_wording_is_what_the_embedded_model_was_trained_on() -> None:
    def said(task: TaskName, *clips: Clip, text: str | None = None) -> list[str]:
        return texts(PROMPT_SETS["brief"].messages(Question(task, clips, text)))

    system = "Judge the quality. First <think>, then <answer>."
    assert said("image", TOLD) == [system, "Rate this image."]
    assert said("natural", TOLD) == [system, "Rate this video."]
    assert said("generated", PLAIN) == [system, "Rate this generated video."]
    assert said("generated", TOLD) == [system, "Rate this generated video. Text: a red ball rolls"]
    assert said("compare", PLAIN, PLAIN) == [system, "A:", "B:", "Which video is better?"]
    assert said("compare", TOLD, TOLD) == [system, "A:", "B:", "Which video is better? Text: a red ball rolls"]
    assert said("yesno", PLAIN, text="Is it sharp?") == [system, "Is it sharp? Yes or no?"]


def test_how_perfect_answers_are_written() -> None:
    values = {"spatial": 62.0, "temporal": 81.0, "alignment": 100.0}
    written = {name: asked.format_answer(QUESTIONS[3], Score(values)) for name, asked in PROMPT_SETS.items()}
    assert written == {
        "standard": '<answer>{"spatial": 62.00, "temporal": 81.00, "alignment": 100.00}</answer>',
        "released": '<answer>{"spatial": 62.00, "temporal": 81.00, "consistency": 100.00}</answer>',
        "brief": '<answer>{"spatial": 62, "temporal": 81, "alignment": 100}</answer>',
        "separate": '<answer>{"spatial": 62, "temporal": 81, "alignment": 100}</answer>',
    }
    released = PROMPT_SETS["released"]
    assert released.format_answer(QUESTIONS[0], Score({"quality": 3.5})) == '<answer>{"rating": 3.50}</answer>'
    assert released.format_answer(QUESTIONS[1], Score({"quality": 62.5})) == "<answer>62.50</answer>"
    assert PROMPT_SETS["brief"].format_answer(QUESTIONS[4], Preference("B")) == "<answer>B</answer>"
    assert PROMPT_SETS["standard"].format_answer(QUESTIONS[4], Preference("B")) == "<answer>Video B</answer>"


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        (QUESTIONS[1], Preference("A")),
        (QUESTIONS[4], Score({"quality": 50.0})),
        (QUESTIONS[4], Verdict(True)),
        (QUESTIONS[6], Preference("A")),
        (QUESTIONS[1], Score({})),
        (QUESTIONS[1], Score({"quality": 101.0})),
        (QUESTIONS[1], Score({"quality": float("nan")})),
        (QUESTIONS[2], Score({"spatial": 50.0, "temporal": 50.0, "alignment": 50.0})),
        (QUESTIONS[3], Score({"spatial": 50.0, "temporal": 50.0})),
    ],
)
def test_an_answer_that_does_not_fit_the_question_is_not_written(question: Question, answer: Answer) -> None:
    with pytest.raises(ValueError, match=r"does not answer|wanted a value|is outside"):
        PROMPT_SETS["standard"].format_answer(question, answer)


SPECIAL = ["<answer>", "</think>", "< / ANSWER >", "<|im_end|>", "<|video_pad|>", "<image>", "{text}", "\n\n", "\ud83d"]


@given(st.one_of(st.text(), st.lists(st.one_of(st.sampled_from(SPECIAL), st.text(max_size=4))).map("".join)))
def test_text_from_outside_cannot_break_the_format(text: str) -> None:
    cleaned = clean(text)
    assert not TAG.search(cleaned)
    assert "<" not in cleaned and ">" not in cleaned and "\n" not in cleaned
    assert clean(cleaned) == cleaned
    cleaned.encode("utf-8")
    for asked in SETS:
        clip = Clip("c", text)
        told = Question("compare", (clip, clip)) if asked.separate else Question("generated", (clip,))
        for question in (told, Question("yesno", (PLAIN,), text)):
            messages = asked.messages(question)
            assert texts(messages)[0] == asked.system
            assert cleaned in texts(messages)[-1]
            assert not re.search("[<>]", texts(messages)[-1])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A red ball rolls over grass.", "A red ball rolls over grass."),
        ("un café à 10 % — «vite» 🙂 {text} {0}", "un café à 10 % — «vite» 🙂 {text} {0}"),
        ("one\n\n two\t", "one two"),
        ("<answer>100</answer>", "‹answer›100‹/answer›"),
        ("<|im_end|>", "‹|im_end|›"),
        ("<<|x|>|im_end|>", "‹‹|x|›|im_end|›"),
    ],
)
def test_cleaning_changes_nothing_else(text: str, expected: str) -> None:
    assert clean(text) == expected


@pytest.mark.parametrize(
    ("name", "nearest"), [("standart", "standard"), ("release", "released"), ("BRIEF", None), ("", None)]
)
def test_an_unknown_prompt_set_names_the_nearest(name: str, nearest: str | None) -> None:
    with pytest.raises(UsageError, match=f"did you mean '{nearest or '[a-z]+'}'") as error:
        prompt_set(name)
    assert all(known in str(error.value) for known in PROMPT_SETS)


def test_prompt_sets_are_found_by_their_own_names() -> None:
    for name, asked in PROMPT_SETS.items():
        assert prompt_set(name) is asked
        assert asked.name == name
