"""The questions in words, and back: every task owns its wording and the parser that goes with it.

A ``PromptSet`` is plain data: one wording for each task. Three are known, see ``PROMPT_SETS``.

Text that comes from outside (a clip's prompt, a yes/no question) cannot break the chat format or the answer format: its
angle brackets become ``‹ ›``, so no special token (``<|im_end|>``, ``<|video_pad|>``, ``<image>``) and no ``<answer>``
tag survives, its line breaks become blanks, and half surrogates, which no tokenizer takes, are dropped.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from vqinsight.errors import UsageError
from vqinsight.tasks import parsing
from vqinsight.tasks.types import Answer, Choice, Dimension, Missing, Preference, Question, Score, TaskName, Verdict

_HARMLESS = str.maketrans("<>", "‹›")


@dataclass(frozen=True)
class PromptSet:
    """One way to ask all five tasks.

    Attributes:
        name: the key in ``PROMPT_SETS``.
        system: the system message; it asks for ``<think>…</think><answer>…</answer>``.
        scales: the dimensions that each scoring task can ask for.
        wording: the text behind the clips, by task; ``{text}`` is the place of the yes/no question.
        wording_with_prompt: the text instead when the clips' own prompt is known; ``{text}`` is its place.
        clip_names: what introduces the two clips of a comparison.
        choices: how an answer names each clip.
        answer_keys: the JSON key of a dimension where it is not the dimension's own.
        bare_number: scoring tasks whose answer is one number without JSON.
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

    def dimensions(self, question: Question) -> tuple[Dimension, ...]:
        """What the question asks to be scored; empty for ``compare`` and ``yesno``. No prompt, no alignment."""
        asked = self.scales.get(question.task, ())
        return asked if shared_prompt(question) else tuple(dim for dim in asked if dim.key != "alignment")

    def messages(self, question: Question) -> list[dict[str, Any]]:
        """The question in transformers' chat format; ``{"type": "clip", "index": i}`` is the place of clip i."""
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
        """What the completion answers to the question, on the question's own scales. Never raises."""
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
        return Score({dim.key: values[key] for key, dim in dims.items()})

    def format_answer(self, question: Question, answer: Answer) -> str:
        """How a perfect completion writes this answer, ``<answer>`` tags included: what ``parse`` reads back.

        Raises:
            ValueError: the answer is not one to this question (wrong kind, other dimensions, out of range).
        """
        match question.task, answer:
            case "compare", Preference(choice):
                text = self.choices[choice]
            case "yesno", Verdict(yes):
                text = "yes" if yes else "no"
            case "image" | "natural" | "generated", Score(values):
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


def clean(text: str) -> str:
    """Text from outside on one line, harmless to every chat template (see the top of this file)."""
    printable = text.encode("utf-8", "ignore").decode("utf-8")
    return " ".join(printable.translate(_HARMLESS).split())


def shared_prompt(question: Question) -> str | None:
    """The text that the clips were generated from, cleaned; ``None`` when there is none, or the clips' texts differ."""
    prompts = {clean(clip.prompt or "") for clip in question.clips}
    return prompts.pop() or None if len(prompts) == 1 else None


def prompt_set(name: str) -> PromptSet:
    """The prompt set of that name.

    Raises:
        UsageError: there is none; the message names the nearest.
    """
    if name not in PROMPT_SETS:
        nearest = difflib.get_close_matches(name, PROMPT_SETS, n=1, cutoff=0.0)[0]
        raise UsageError(f"unknown prompt set {name!r}: did you mean {nearest!r}? Known: {', '.join(PROMPT_SETS)}")
    return PROMPT_SETS[name]


def _hundred(key: str, meaning: str, decimals: int = 2) -> Dimension:
    return Dimension(key, 0.0, 100.0, meaning, decimals)


_SPATIAL = "sharp, clean and well-formed frames"
_TEMPORAL = "smooth and consistent motion"
_ALIGNMENT = "agreement with the text prompt"

STANDARD = PromptSet(
    name="standard",
    system=(
        "You judge the quality of images and videos from what you see in them. "
        "First think inside <think> </think>: describe what is shown, what is good about it and which defects you see. "
        "Then give your final answer inside <answer> </answer>, and nothing else there."
    ),
    scales={
        "image": (_hundred("quality", "overall quality of the image"),),
        "natural": (_hundred("quality", "overall quality of the video"),),
        "generated": (
            _hundred("spatial", _SPATIAL),
            _hundred("temporal", _TEMPORAL),
            _hundred("alignment", _ALIGNMENT),
        ),
    },
    wording={
        "image": (
            "How good is the quality of this image? Look at sharpness, noise, compression, exposure and colour. "
            'Answer with a JSON object whose one key is "quality": a number from 0 (worst) to 100 (best), two decimals.'
        ),
        "natural": (
            "How good is the quality of this video? Look at sharpness, noise, compression, exposure, and at how steady "
            "and smooth it is over time. "
            'Answer with a JSON object whose one key is "quality": a number from 0 (worst) to 100 (best), two decimals.'
        ),
        "generated": (
            "This video was made by a generative model. Rate it on two dimensions: spatial quality (are the frames "
            "sharp, clean and well-formed?) and temporal quality (is the motion smooth, consistent and plausible?). "
            'Answer with a JSON object with the keys "spatial" and "temporal": for each a number from 0 (worst) to '
            "100 (best), two decimals."
        ),
        "compare": (
            "Which of the two videos is better overall? Weigh the quality of the frames and of the motion. "
            "Answer Video A or Video B."
        ),
        "yesno": "{text} Answer yes or no.",
    },
    wording_with_prompt={
        "generated": (
            "This video was made by a generative model from the text: “{text}”\n"
            "Rate it on three dimensions: spatial quality (are the frames sharp, clean and well-formed?), temporal "
            "quality (is the motion smooth, consistent and plausible?) and alignment (does it show what the text "
            "says?). "
            'Answer with a JSON object with the keys "spatial", "temporal" and "alignment": for each a number from '
            "0 (worst) to 100 (best), two decimals."
        ),
        "compare": (
            "Both videos were made from the text: “{text}”\n"
            "Which of the two is better overall? Weigh the quality of the frames and of the motion, and how well each "
            "shows what the text says. Answer Video A or Video B."
        ),
    },
    clip_names=("Video A:", "Video B:"),
    choices={"A": "Video A", "B": "Video B", "tie": "tie"},
)

# What the released 7B weights were taught to answer: keys, ranges and options are theirs, the words are ours.
RELEASED = PromptSet(
    name="released",
    system=(
        "You assess images and videos for the user. First reason about the question inside <think> </think>, "
        "then give the final answer inside <answer> </answer>."
    ),
    scales={
        "image": (Dimension("quality", 1.0, 5.0, "overall quality of the image"),),
        "natural": STANDARD.scales["natural"],
        "generated": STANDARD.scales["generated"],
    },
    wording={
        "image": (
            "Rate the quality of this image. The rating is a number from 1 (very poor) to 5 (excellent) with two "
            'decimals. Give the final answer as JSON with the one key "rating".'
        ),
        "natural": (
            "Rate the quality of this video. The rating is a number from 0 (very poor) to 100 (excellent). "
            "Give only that number as the final answer."
        ),
        "generated": (
            "Rate this AI-generated video on its spatial quality (the look of single frames) and its temporal quality "
            "(the flow of the motion). Each rating is a number from 0 to 100 with two decimals. "
            'Give the final answer as JSON with the keys "spatial" and "temporal".'
        ),
        "compare": (
            "Judge both videos on visual quality, temporal consistency, dynamic degree and authenticity. Which one is "
            "better overall? The final answer is 'Video A' or 'Video B'."
        ),
        "yesno": "{text} The final answer is 'yes' or 'no'.",
    },
    wording_with_prompt={
        "generated": (
            "Rate this AI-generated video on its spatial quality (the look of single frames), its temporal quality "
            "(the flow of the motion) and its consistency with the text it was made from. The text: “{text}”\n"
            "Each rating is a number from 0 to 100 with two decimals. "
            'Give the final answer as JSON with the keys "spatial", "temporal" and "consistency".'
        ),
        "compare": (
            "Both videos were generated from the text: “{text}”\n"
            "Judge them on visual quality, temporal consistency, dynamic degree and authenticity. Which one is better "
            "overall? The final answer is 'Video A' or 'Video B'."
        ),
    },
    clip_names=("Video A:", "Video B:"),
    choices={"A": "Video A", "B": "Video B", "tie": "tie"},
    answer_keys={"quality": "rating", "alignment": "consistency"},
    bare_number=frozenset({"natural"}),
)

# Few words, for the embedded model, whose context is short.
BRIEF = PromptSet(
    name="brief",
    system="Judge the quality. First <think>, then <answer>.",
    scales={
        "image": (_hundred("quality", "overall quality of the image", 0),),
        "natural": (_hundred("quality", "overall quality of the video", 0),),
        "generated": (
            _hundred("spatial", _SPATIAL, 0),
            _hundred("temporal", _TEMPORAL, 0),
            _hundred("alignment", _ALIGNMENT, 0),
        ),
    },
    wording={
        "image": "Rate this image.",
        "natural": "Rate this video.",
        "generated": "Rate this generated video.",
        "compare": "Which video is better?",
        "yesno": "{text} Yes or no?",
    },
    wording_with_prompt={
        "generated": "Rate this generated video. Text: {text}",
        "compare": "Which video is better? Text: {text}",
    },
    clip_names=("A:", "B:"),
    choices={"A": "A", "B": "B", "tie": "tie"},
)

PROMPT_SETS: dict[str, PromptSet] = {"standard": STANDARD, "released": RELEASED, "brief": BRIEF}
