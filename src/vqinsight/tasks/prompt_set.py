"""Prompt sets: the wording of every task and its parser.

A ``PromptSet`` is plain data: one wording per task. ``tasks/prompt_sets`` holds the known ones.

External text (a clip's prompt, a yes/no question) cannot break the chat format or the answer format: its angle brackets
become ``‹ ›``, so it contains no special token (``<|im_end|>``, ``<|video_pad|>``, ``<image>``) and no ``<answer>``
tag, its line breaks become spaces, and lone surrogates, which no tokenizer accepts, are dropped.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from vqinsight.tasks import parsing
from vqinsight.tasks.types import Answer, Choice, Dimension, Missing, Preference, Question, Score, TaskName, Verdict

MOTION = "temporal"  # the dimension that takes two frames
ONE_FRAME = "one frame cannot show motion"
_HARMLESS = str.maketrans("<>", "‹›")


@dataclass(frozen=True)
class PromptSet:
    """The prompts of all five tasks.

    Attributes:
        name: one of ``prompt_sets.NAMES``, or of a file its name and a digest of what it asks.
        system: the system message; it asks for ``<think>…</think><answer>…</answer>``.
        scales: the dimensions of each scoring task.
        wording: the text after the clips, by task; ``{text}`` is the yes/no question.
        wording_with_prompt: the text where the prompt of the clips is known; ``{text}`` is that prompt.
        clip_names: the names that introduce the two clips of a comparison.
        choices: the names of the clips in an answer.
        answer_keys: the JSON key of a dimension where it differs from the dimension's key.
        bare_number: scoring tasks whose answer is one number without JSON.
        base: the known prompt set that a file changes; empty for a known one.
        separate: what is seen is asked without the text, and agreement with it by itself: ``tasks.separate``.
    """

    name: str
    system: str
    scales: Mapping[TaskName, tuple[Dimension, ...]]
    wording: Mapping[TaskName, str]
    wording_with_prompt: Mapping[TaskName, str]
    clip_names: tuple[str, str]
    choices: Mapping[Choice, str]
    answer_keys: Mapping[str, str] = field(default_factory=dict)
    bare_number: frozenset[TaskName] = frozenset()
    base: str = ""
    separate: bool = False

    def dimensions(self, question: Question) -> tuple[Dimension, ...]:
        """The dimensions of a question; empty for ``compare`` and ``yesno``. Alignment needs a prompt."""
        asked = self.scales.get(question.task, ())
        return asked if shared_prompt(question) else tuple(dim for dim in asked if dim.key != "alignment")

    def messages(self, question: Question) -> list[dict[str, Any]]:
        """The question in transformers' chat format; ``{"type": "clip", "index": i}`` stands for clip i."""
        prompt = shared_prompt(question)
        if question.text is not None:
            text = self.wording[question.task].replace("{text}", clean(question.text))
        elif prompt and question.task in self.wording_with_prompt:
            text = self.wording_with_prompt[question.task].replace("{text}", prompt)
        else:
            text = self.wording[question.task]
        content: list[dict[str, Any]] = []
        for index in range(len(question.clips)):
            if question.task == "compare":
                content.append({"type": "text", "text": self.clip_names[index]})
            content.append({"type": "clip", "index": index})
        content.append({"type": "text", "text": text})
        return [
            {"role": "system", "content": [{"type": "text", "text": self.system}]},
            {"role": "user", "content": content},
        ]

    def parse(self, question: Question, completion: str) -> Answer | Missing:
        """The completion's answer to the question, on the question's scales. Never raises.

        A scoring answer is ``Missing`` where no dimension has a value; else each dimension has a value or a reason.
        """
        text = parsing.answer_text(completion)
        if isinstance(text, Missing):
            return text
        if question.task == "compare":
            return parsing.parse_choice(text)
        if question.task == "yesno":
            return parsing.parse_yes_no(text)
        dims = {self.answer_keys.get(dim.key, dim.key): dim for dim in self.dimensions(question)}
        values = parsing.parse_scores(text, {key: (dim.low, dim.high) for key, dim in dims.items()})
        if isinstance(values, Missing):
            return values
        return known_scores({dim.key: values[key] for key, dim in dims.items()})

    def format_answer(self, question: Question, answer: Answer) -> str:
        """The text of this answer with ``<answer>`` tags, the inverse of ``parse``.

        Raises:
            ValueError: the answer is not one to this question (wrong kind, other dimensions, out of range).
        """
        match question.task, answer:
            case "compare", Preference(choice):
                text = self.choices[choice]
            case "yesno", Verdict(yes):
                text = "yes" if yes else "no"
            case "image" | "natural" | "generated" | "alignment", Score(values):
                text = self._format_scores(question, values)
            case _:
                raise ValueError(f"{answer!r} does not answer a question of task {question.task!r}")
        return f"<answer>{text}</answer>"

    def _format_scores(self, question: Question, values: Mapping[str, float]) -> str:
        dims = self.dimensions(question)
        if set(values) != {dim.key for dim in dims}:
            raise ValueError(f"wanted a value for each of {[dim.key for dim in dims]}, got {sorted(values)}")
        for dim in dims:
            if not dim.low <= values[dim.key] <= dim.high:
                raise ValueError(f"{dim.key} {values[dim.key]:g} is outside {dim.low:g}–{dim.high:g}")
        numbers = {dim.key: f"{values[dim.key]:.{dim.decimals}f}" for dim in dims}
        if question.task in self.bare_number:
            return numbers[dims[0].key]
        members = (f'"{self.answer_keys.get(key, key)}": {number}' for key, number in numbers.items())
        return "{" + ", ".join(members) + "}"


def known_scores(values: Mapping[str, float | Missing]) -> Score | Missing:
    """A score of the dimensions that have a value; ``Missing`` with all reasons where none has."""
    reasons = {key: value.reason for key, value in values.items() if isinstance(value, Missing)}
    if len(reasons) == len(values):
        return Missing("; ".join(dict.fromkeys(reasons.values())))
    return Score({key: value for key, value in values.items() if not isinstance(value, Missing)}, reasons)


def without_motion(answer: Answer | Missing) -> Answer | Missing:
    """An answer about one frame: a value of its temporal dimension is no answer, as one frame cannot show motion."""
    if not isinstance(answer, Score) or MOTION not in answer.by_dimension:
        return answer
    return known_scores(answer.by_dimension | {MOTION: Missing(ONE_FRAME)})


def clean(text: str) -> str:
    """External text on one line, safe in every chat template (see the top of this file)."""
    printable = text.encode("utf-8", "ignore").decode("utf-8")
    return " ".join(printable.translate(_HARMLESS).split())


def shared_prompt(question: Question) -> str | None:
    """The prompt of the clips, cleaned; ``None`` when there is none, or the clips' prompts differ."""
    prompts = {clean(clip.prompt or "") for clip in question.clips}
    return prompts.pop() or None if len(prompts) == 1 else None
