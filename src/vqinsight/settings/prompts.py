"""A prompt set of one's own: ``--template my.toml``. Imports no torch."""

from __future__ import annotations

import re
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from vqinsight.settings.reader import Settings

PLACE = "{text}"
_SPECIAL = re.compile(r"<\|.*?\|>")


def _harmless(text: str) -> str:
    if found := _SPECIAL.search(text):
        raise ValueError(f"{found[0]} is a token of the chat format, which the chat template writes itself")
    return text


def _without_place(text: str) -> str:
    if PLACE in text:
        raise ValueError(
            f"{PLACE} stands for nothing here: it is the prompt in wording_with_prompt, the question in yesno"
        )
    return text


def _with_place(text: str) -> str:
    if PLACE not in text:
        raise ValueError(f"write {PLACE} where the clip's prompt goes, or the yes/no question")
    return text


Text = Annotated[str, Field(min_length=1), AfterValidator(_harmless)]
Plain = Annotated[Text, AfterValidator(_without_place)]
WithPlace = Annotated[Text, AfterValidator(_with_place)]


class WordingSettings(Settings):
    """``[wording]``: the text after the clips, by task.

    Attributes:
        image, natural, generated, compare: where no prompt of the clips is known.
        yesno: with ``{text}`` for the question.
    """

    image: Plain | None = None
    natural: Plain | None = None
    generated: Plain | None = None
    compare: Plain | None = None
    yesno: WithPlace | None = None


class PromptedSettings(Settings):
    """``[wording_with_prompt]``: the text where the prompt of the clips is known, with ``{text}`` for it.

    Attributes:
        image, natural, generated, compare: by task.
    """

    image: WithPlace | None = None
    natural: WithPlace | None = None
    generated: WithPlace | None = None
    compare: WithPlace | None = None


class ChoiceSettings(Settings):
    """``[choices]``: the names of the clips in an answer.

    Attributes:
        A, B, tie: of the first clip, of the second, and of neither.
    """

    A: Text | None = None
    B: Text | None = None
    tie: Text | None = None


Key = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_ ]*$")]  # answers are read in lower case


class ScaleSettings(Settings):
    """One ``[[scales.TASK]]``: a dimension that is scored.

    Attributes:
        key: its name in results. ``alignment`` is asked only where the prompt of the clips is known.
        low, high: its range, inclusive. Higher is better.
        meaning: a phrase for reports.
        decimals: of the numbers in answers.
    """

    key: Key
    low: float = 0.0
    high: float = 100.0
    meaning: str = ""
    decimals: int = Field(default=2, ge=0, le=6)

    @model_validator(mode="after")
    def _ascends(self) -> Self:
        if self.low >= self.high:
            raise ValueError(f"low = {self.low:g} must be below high = {self.high:g}")
        return self


class ScalesSettings(Settings):
    """``[scales]``: the dimensions of scored tasks.

    Attributes:
        image, natural, generated: by task.
    """

    image: tuple[ScaleSettings, ...] = ()
    natural: tuple[ScaleSettings, ...] = ()
    generated: tuple[ScaleSettings, ...] = ()


class PromptFile(Settings):
    """A file of wordings; what it leaves out is that of ``base``.

    Attributes:
        base: the prompt set it changes. With ``released`` clips are also shown as the released weights were taught.
        system: the system message; it should ask for ``<think>…</think><answer>…</answer>``.
        wording, wording_with_prompt: texts by task.
        clip_names: the texts that introduce the two clips of a comparison.
        choices: what the clips are called in an answer.
        answer_keys: the JSON key of a dimension, where an answer names it differently.
        bare_number: tasks whose answer is one number without JSON.
        scales: dimensions by task.
    """

    base: Literal["standard", "released", "brief"] = "standard"
    system: Text | None = None
    wording: WordingSettings = WordingSettings()
    wording_with_prompt: PromptedSettings = PromptedSettings()
    clip_names: tuple[Text, Text] | None = None
    choices: ChoiceSettings = ChoiceSettings()
    answer_keys: dict[Key, Key] = Field(default_factory=dict)
    bare_number: tuple[Literal["image", "natural", "generated"], ...] | None = None
    scales: ScalesSettings = ScalesSettings()
