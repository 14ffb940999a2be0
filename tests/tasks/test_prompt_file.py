"""Prompt sets in files: exact wordings, checked by key, recorded with a digest."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from vqinsight.errors import UsageError
from vqinsight.tasks.prompt_file import write_prompt_set
from vqinsight.tasks.prompt_set import PromptSet
from vqinsight.tasks.prompt_sets import prompt_set
from vqinsight.tasks.prompt_sets.released import RELEASED
from vqinsight.tasks.types import Clip, Dimension, Question, Score, Verdict

GUIDE = Path(__file__).parents[2] / "docs" / "guides" / "models_and_baselines.md"
NATURAL, YESNO = Question("natural", (Clip("c.mp4"),)), Question("yesno", (Clip("c.mp4"),), "Is it sharp?")
GENERATED = Question("generated", (Clip("c.mp4", "a red ball"),))


def read(folder: Path, text: str) -> PromptSet:
    (folder / "my.toml").write_text(text, encoding="utf-8")
    return prompt_set(str(folder / "my.toml"))


def asked(prompts: PromptSet, question: Question) -> str:
    return str(prompts.messages(question)[1]["content"][-1]["text"])


def test_the_guides_example(tmp_path: Path) -> None:
    (example,) = re.findall(r"```toml\n(# my\.toml\n.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
    prompts = read(tmp_path, example)
    assert re.fullmatch(r"my\.toml [0-9a-f]{12}", prompts.name) and prompts.base == "released"
    assert prompts.system == "Think in <think> </think>, then answer in <answer> </answer>."
    assert asked(prompts, NATURAL) == 'What is the quality of this video? Answer as JSON: {"score": 71.50}'
    assert asked(prompts, YESNO) == "Is it sharp? Answer 'yes' or 'no'."
    assert asked(prompts, GENERATED).startswith("Made from: a red ball\nAnswer as JSON: ")
    assert prompts.wording["compare"] == RELEASED.wording["compare"]  # what is left out is the base's
    assert prompts.parse(NATURAL, '<answer>{"score": 62.5}</answer>') == Score({"quality": 62.5})
    scores = Score({"spatial": 1.0, "temporal": 2.0, "alignment": 3.0})
    assert prompts.format_answer(GENERATED, scores) == (
        '<answer>{"spatial": 1.00, "temporal": 2.00, "consistency": 3.00}</answer>'
    )
    assert prompts.parse(YESNO, "<answer>no</answer>") == Verdict(False)


def test_scales_of_ones_own(tmp_path: Path) -> None:
    prompts = read(tmp_path, '[[scales.natural]]\nkey = "overall"\nlow = 1\nhigh = 5\nmeaning = "how good it is"\n')
    assert prompts.dimensions(NATURAL) == (Dimension("overall", 1.0, 5.0, "how good it is"),)
    assert prompts.parse(NATURAL, "<answer>4.5</answer>") == Score({"overall": 4.5})
    assert prompts.scales["generated"] == prompt_set("standard").scales["generated"]


def test_the_digest_is_of_what_is_asked(tmp_path: Path) -> None:
    one = '[wording]\nnatural = "How good?"\n'
    names = [read(tmp_path, text).name for text in (one, f"# a note\n\n{one}", one.replace("good", "nice"))]
    assert names[0] == names[1] != names[2]
    assert read(tmp_path, f'base = "brief"\n{one}').name not in names


@pytest.mark.parametrize("base", ["standard", "released", "brief"])
def test_a_written_file_reads_as_the_same_set(tmp_path: Path, base: str) -> None:
    text = "quotes \" and ' \\ back\nslashes, tabs\t, ünï©ødé 🙂 \x7f, {braces}"
    system = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\x7f", "\\u007F")
    prompts = read(tmp_path, f'base = "{base}"\nsystem = "{system}"\n')
    assert prompts.system == text
    written = read(tmp_path, write_prompt_set(prompts))
    assert written == prompts
    for task, wording in prompts.wording.items():
        assert f'"{task}" = ' in write_prompt_set(prompts) and wording == written.wording[task]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("wordings = {}", r"unknown setting 'wordings'. Did you mean 'wording'"),
        ('[wording]\nnaturel = "x"', r"unknown setting 'wording.naturel'. Did you mean 'wording.natural'"),
        ('[[scales.image]]\nkee = "x"', r"unknown setting 'scales.image.0.kee'. Did you mean 'scales.image.0.key'"),
        ('base = "standart"', r"base = 'standart'"),
        ('system = ""', r"system = ''"),
        ('[wording]\nnatural = "see <|video_pad|>"', r"wording.natural = .*<\|video_pad\|> is a token"),
        ('[wording]\nyesno = "Is it so?"', r"wording.yesno = .*\{text\}"),
        ('[wording_with_prompt]\ngenerated = "Rate it."', r"wording_with_prompt.generated = .*\{text\}"),
        ('[wording]\nnatural = "From {text}"', r"wording.natural = .*stands for nothing"),
        ('[answer_keys]\nsharpness = "s"', r"answer_keys.sharpness names no dimension. There are alignment, quality"),
        ('[answer_keys]\nspatial = "temporal"', r"scales.generated must hold dimensions with different keys"),
        ('bare_number = ["generated"]', r"bare_number holds 'generated', which has 3 dimensions"),
        ('[choices]\nA = "the left one"', r"choices.A = 'the left one' would not be read"),
        ('[[scales.image]]\nkey = "q"\nlow = 5\nhigh = 1', r"scales.image.0 = .*low = 5 must be below high = 1"),
        ("system = ", r"cannot be read as TOML"),
    ],
)
def test_what_is_wrong_is_named_by_file_and_key(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(UsageError, match=f"my.toml: {said}"):
        read(tmp_path, text)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"other.toml: there is no such prompt set. Give a TOML"):
        prompt_set(str(tmp_path / "other.toml"))
