"""A benchmark's questions as rows and messages of lmms-eval.

A row is one question as it is asked. A pair is two rows, (a, b) and (b, a), since lmms-eval asks a row once;
``figures`` joins them again.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from vqinsight.errors import UsageError
from vqinsight.evaluation.benchmarks import load_benchmark
from vqinsight.tasks.mixture import swapped
from vqinsight.tasks.prompt_set import PromptSet
from vqinsight.tasks.prompt_sets import prompt_set
from vqinsight.tasks.types import Answer, Clip, Example, Preference, Question, Score

Doc = Mapping[str, Any]
TEMPLATE = "VQINSIGHT_TEMPLATE"  # environment variable: the wording of the questions
UNPACK = "VQINSIGHT_UNPACK"  # environment variable: where GenAI-Bench's clips are unpacked to
SPLIT = "test"  # lmms-eval's name of the split that is asked
# lmms-eval loads a data set before a task may name its own: one empty row, which ``docs`` replaces.
DATASET = {"data_files": {SPLIT: str(Path(__file__).parent / "tasks" / "placeholder.json")}}


def folder_variable(benchmark: str) -> str:
    """The environment variable that says where a benchmark was downloaded to."""
    return f"VQINSIGHT_DATA_{benchmark.upper()}"


def docs(benchmark: str, split: str | None = None) -> Callable[[Any], Any]:
    """lmms-eval's ``process_docs``: puts the rows of a benchmark in the place of the data set that it gets.

    A download that is not there or is another ends the program with the reason.
    """

    def process_docs(_: Any) -> Any:
        from datasets import Dataset

        try:
            return Dataset.from_list(rows(benchmark, split))
        except UsageError as error:
            raise SystemExit(str(error)) from None  # lmms-eval tries again after any other error

    return process_docs


def rows(benchmark: str, split: str | None = None) -> list[dict[str, Any]]:
    """The rows of a benchmark, read from the folder that its environment variable names.

    Raises:
        UsageError: the variable is not set, or as for ``load_benchmark``.
    """
    variable = folder_variable(benchmark)
    place, unpack = os.environ.get(variable), os.environ.get(UNPACK)
    if not place:
        raise UsageError(f"Where is {benchmark}? Set {variable} to the folder that it was downloaded to.")
    options = {"unpack": Path(unpack)} if unpack and benchmark == "genai_bench" else {}
    found = load_benchmark(benchmark, Path(place), split, options=options)
    for what, names in (("clips are not on the disk", found.not_on_disk), ("label rows are left out", found.left_out)):
        if names:
            print(f"{benchmark}: {len(names)} {what}, such as {names[0]}")
    return [row for example in found.examples for row in _rows(example)]


def _rows(example: Example) -> list[dict[str, Any]]:
    if isinstance(example.answer, Preference):
        return [_row(example, "ab"), _row(swapped(example), "ba")]
    return [_row(example, "")]


def _row(example: Example, order: str) -> dict[str, Any]:
    clips = example.question.clips
    label = example.answer.values if isinstance(example.answer, Score) else getattr(example.answer, "choice", None)
    return {
        "id": example.id,
        "order": order,
        "task": example.question.task,
        "paths": [clip.path for clip in clips],
        "prompt": clips[0].prompt,
        "label": json.dumps(label),
        "low": example.scale[0] if example.scale else None,
        "high": example.scale[1] if example.scale else None,
        "group": example.group,
        "source": example.source,
    }


def example_of(doc: Doc) -> Example:
    """The labelled question of a row, in the order in which it is asked."""
    question = Question(doc["task"], tuple(Clip(path, doc["prompt"]) for path in doc["paths"]))
    label = json.loads(doc["label"])
    answer: Answer = Score(label) if isinstance(label, dict) else Preference(label)
    scale = (doc["low"], doc["high"]) if doc["low"] is not None else None
    return Example(doc["id"], question, answer, scale, doc["group"], doc["source"])


_named = cache(prompt_set)


def wording() -> PromptSet:
    """The wording of the questions: what ``VQINSIGHT_TEMPLATE`` names, by default ``standard``.

    Raises:
        UsageError: there is no such template.
    """
    return _named(os.environ.get(TEMPLATE) or "standard")


def messages(doc: Doc) -> list[dict[str, Any]]:
    """A question for lmms-eval's chat models: the system message, and the clips where they stand in the text."""

    def piece(part: dict[str, Any]) -> dict[str, Any]:
        return {"type": "video", "url": doc["paths"][part["index"]]} if part["type"] == "clip" else part

    asked = wording().messages(example_of(doc).question)
    return [{"role": turn["role"], "content": [piece(part) for part in turn["content"]]} for turn in asked]


def text(doc: Doc) -> str:
    """A question for its simple models, which get one text and the clips apart: ``[video 1]`` stands for the first."""
    parts = [part for turn in wording().messages(example_of(doc).question) for part in turn["content"]]
    return "\n".join(part.get("text") or f"[video {part['index'] + 1}]" for part in parts)


def visuals(doc: Doc) -> list[str]:
    """The paths of the clips, in the order in which they are shown."""
    return list(doc["paths"])


def target(doc: Doc) -> str:
    """The label, for lmms-eval's log."""
    return str(doc["label"])
