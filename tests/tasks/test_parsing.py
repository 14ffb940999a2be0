import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vqinsight.tasks.parsing import TAG, answer_text, parse_choice, parse_scores, parse_yes_no, reasoning
from vqinsight.tasks.prompt_set import ONE_FRAME, without_motion
from vqinsight.tasks.prompt_sets import NAMES, prompt_set
from vqinsight.tasks.types import Clip, Missing, Preference, Question, Score, Verdict

PROMPT_SETS = {name: prompt_set(name) for name in NAMES}

CLIP = Clip("clip.mp4", "a red ball")
QUESTIONS = [
    Question("image", (CLIP,)),
    Question("natural", (CLIP,)),
    Question("generated", (CLIP,)),
    Question("generated", (Clip("clip.mp4"),)),
    Question("compare", (CLIP, CLIP)),
    Question("yesno", (CLIP,), "Is it sharp?"),
]
# Text made of what parsers stumble over, so that hypothesis meets the hard cases often.
TAGS = ["<think>", "</think>", "<answer>", "</answer>", "<ANSWER >"]
SIGNS = ["{", "}", "[", '"', "'", ":", ",", "\n", " ", "```json", "/100", "%", ".", "\ud83d", "\x00", "\\", "“"]
WORDS = ["quality", "spatial", "temporal", "alignment", "rating", "62", "-1", "1e3", "６２", "nan", "null"]
CHOICES = ["A", "B", "Video A", "video b", "tie", "yes", "no", "not", "is better"]
HOSTILE = st.one_of(st.text(), st.lists(st.sampled_from(TAGS + SIGNS + WORDS + CHOICES), max_size=30).map("".join))
# What a thought may hold without ending: anything but the tag that closes it.
THOUGHT = HOSTILE.filter(lambda text: not any(tag[1] + tag[2].lower() == "/think" for tag in TAG.finditer(text)))


@given(HOSTILE, st.sampled_from(QUESTIONS), st.sampled_from(sorted(PROMPT_SETS)))
def test_no_completion_raises(completion: str, question: Question, name: str) -> None:
    got = PROMPT_SETS[name].parse(question, completion)
    if isinstance(got, Score):
        assert got.values
        for dim in PROMPT_SETS[name].dimensions(question):
            assert (dim.key in got.values) != bool(got.missing.get(dim.key))
            assert dim.low <= got.values.get(dim.key, dim.low) <= dim.high
    elif isinstance(got, Missing):
        assert got.reason
    assert isinstance(reasoning(completion), str)


@given(HOSTILE)
def test_no_answer_text_raises(text: str) -> None:
    for verdict in (parse_scores(text, {"quality": (0.0, 100.0)}), parse_choice(text), parse_yes_no(text)):
        assert isinstance(verdict, dict | Preference | Verdict | Missing)


@given(THOUGHT)
def test_the_reasoning_is_never_read(thought: str) -> None:
    """A thought without tags changes nothing; one with tags of its own leaves no answer."""
    got = answer_text(f"<think>{thought}</think><answer>62</answer>")
    assert isinstance(got, Missing) if TAG.search(thought) else got == "62"
    if not TAG.search(thought):
        assert answer_text(f"{thought}</think><answer>62</answer>") == "62", "opened by the chat template"


@given(st.lists(st.sampled_from(["<think>", "</think>", "<answer>", "</answer>"]), max_size=7))
def test_repeated_tags_and_tags_out_of_order_give_no_answer(tags: list[str]) -> None:
    whole = ["<think>", "</think>", "<answer>", "</answer>"]
    good = tags in (whole, whole[1:], whole[2:])
    assert answer_text("62".join(["", *tags, ""])) == ("62" if good else answer_text("".join(tags)))
    assert isinstance(answer_text("".join(tags)), Missing)


@given(st.text(alphabet=st.characters(exclude_characters="<>"), min_size=1), st.integers(1, 30))
def test_a_cut_completion_is_missing(thought: str, cut: int) -> None:
    whole = f'<think>{thought}</think><answer>{{"quality": 62}}</answer>'
    assert isinstance(answer_text(whole[:-cut]), Missing)


@pytest.mark.parametrize(
    ("completion", "expected"),
    [
        ("<think> sharp </think><answer>62</answer>", "sharp"),
        ("sharp <answer>62</answer>", "sharp"),
        ("sharp</think><answer>62</answer>", "sharp"),
        ("<think>sharp, but", "sharp, but"),
        ("<think>a</think>b<think>c</think><answer>62</answer>", "a\nc"),
        ("<think>a</think><answer>62</answer>", "a"),
        ("first <answer>1</answer> second <answer>62</answer>", "first <answer>1</answer> second"),
        ("no tags at all", "no tags at all"),
        ("<think></think><answer>62</answer>", ""),
        ("", ""),
    ],
)
def test_reasoning(completion: str, expected: str) -> None:
    assert reasoning(completion) == expected


@given(st.floats(-1e6, 1e6), st.floats(0, 50), st.floats(50, 100))
def test_a_value_is_inside_its_range_or_missing_and_never_clipped(value: float, low: float, high: float) -> None:
    got = parse_scores(f'{{"quality": {value!r}}}', {"quality": (low, high)})
    assert isinstance(got, dict)
    assert got == {"quality": value} if low <= value <= high else isinstance(got["quality"], Missing)


@given(st.floats(0, 100), st.floats(0, 100))
def test_two_values_for_one_key_agree_or_contradict(first: float, second: float) -> None:
    got = parse_scores(f"quality: {first!r}\nquality: {second!r}", {"quality": (0.0, 100.0)})
    assert isinstance(got, dict)
    assert got == {"quality": first} if first == second else isinstance(got["quality"], Missing)


@pytest.mark.parametrize("denominator", [1, 5, 10, 99, 100, 1000])
def test_a_denominator_must_be_the_highest_value(denominator: int) -> None:
    got = parse_scores(f"0.5/{denominator}", {"quality": (0.0, 100.0)})
    assert isinstance(got, dict)
    assert got == {"quality": 0.5} if denominator == 100 else isinstance(got["quality"], Missing)


def test_each_dimension_has_a_value_or_its_reason() -> None:
    ranges = {"spatial": (0.0, 100.0), "temporal": (0.0, 100.0)}
    assert parse_scores("spatial: 5", ranges) == {"spatial": 5.0, "temporal": Missing("temporal is missing")}
    assert parse_scores("spatial: 5, spatial: 6, temporal: 7", ranges) == {
        "spatial": Missing("contradictory: spatial is both 5 and 6"),
        "temporal": 7.0,
    }
    took_back = parse_scores("spatial: 5, temporal: 7, wait, I was wrong", ranges)
    assert isinstance(took_back, Missing), "what is taken back is taken back whole"


def test_an_answer_without_any_value_tells_every_reason() -> None:
    said = '<answer>{"spatial": "good", "temporal": 181}</answer>'
    got = PROMPT_SETS["standard"].parse(Question("generated", (Clip("clip.mp4"),)), said)
    assert got == Missing("spatial is not a number: 'good'; temporal is outside 0–100: '181'")


def test_one_frame_shows_no_motion() -> None:
    assert without_motion(Score({"spatial": 5.0, "temporal": 7.0})) == Score({"spatial": 5.0}, {"temporal": ONE_FRAME})
    assert without_motion(Score({"temporal": 7.0})) == Missing(ONE_FRAME)
    for other in (Score({"quality": 5.0}), Preference("A"), Verdict(True), Missing("cut off")):
        assert without_motion(other) == other


@given(st.sampled_from(["Video A", "a", "(A)", "A.", "The answer is Video A", "video a is better"]))
def test_swapping_the_names_swaps_the_choice(text: str) -> None:
    swapped = text.replace("Video A", "Video B").replace("video a", "video b").replace("(A)", "(B)")
    swapped = {"a": "b", "A.": "B."}.get(swapped, swapped)
    assert parse_choice(text) == Preference("A")
    assert parse_choice(swapped) == Preference("B")


@pytest.mark.parametrize("tag", ["</think>", "</think><think>", "<answer></answer>"])
def test_many_tags_take_linear_time(tag: str) -> None:
    """Ten times as many take about ten times as long; with a copy of the text for each tag it would be a hundred."""

    def seconds(tags: int) -> float:
        completion = tag * (tags // tag.count("<")) + "<answer>62</answer>"
        started = time.process_time()
        answer_text(completion)
        return time.process_time() - started

    assert seconds(200_000) < 40 * min(seconds(20_000) for _ in range(3))


@given(st.sampled_from(["A", "Video B", "clip a"]), st.sampled_from(["A", "Video B", "clip a"]), st.booleans())
def test_a_comparison_read_backwards(first: str, second: str, worse: bool) -> None:
    """What is better than the other is chosen, whichever is named first; a clip is not better than itself."""
    got = parse_choice(f"{first} is {'worse' if worse else 'better'} than {second}")
    if first[-1].upper() == second[-1].upper():
        assert isinstance(got, Missing)
    else:
        chosen = second if worse else first
        assert got == Preference("A" if chosen[-1].upper() == "A" else "B")
