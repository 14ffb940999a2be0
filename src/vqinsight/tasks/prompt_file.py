"""Prompt sets in TOML files: exact wordings of one's own, over those of a known set."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from vqinsight.errors import UsageError
from vqinsight.settings.prompts import PromptFile, ScaleSettings
from vqinsight.settings.reader import Settings, read_toml
from vqinsight.tasks.parsing import parse_choice
from vqinsight.tasks.prompt_set import PromptSet
from vqinsight.tasks.types import Dimension, Preference


def read_prompt_set(path: Path, known: Mapping[str, PromptSet]) -> PromptSet:
    """The prompt set of a file; its name is the file's with a digest of everything the model is asked.

    Args:
        known: the sets that a file may build on, by name.

    Raises:
        UsageError: the file cannot be read, or a key of it is unknown, wrong, or does not fit the others.
    """
    if not path.is_file():
        raise UsageError(f"{path}: there is no such prompt set. Give a TOML file, or one of {', '.join(known)}.")
    given = read_toml(PromptFile, path)
    base = known[given.base]
    found = replace(
        base,
        base=given.base,
        system=given.system or base.system,
        scales={**base.scales, **{task: _dimensions(each) for task, each in _given(given.scales).items()}},
        wording={**base.wording, **_given(given.wording)},
        wording_with_prompt={**base.wording_with_prompt, **_given(given.wording_with_prompt)},
        clip_names=given.clip_names or base.clip_names,
        choices={**base.choices, **_given(given.choices)},
        answer_keys={**base.answer_keys, **given.answer_keys},
        bare_number=base.bare_number if given.bare_number is None else frozenset(given.bare_number),
    )
    _check(path, given, found)
    return replace(found, name=f"{path.name} {digest(found)}")


def write_prompt_set(asked: PromptSet) -> str:
    """The text of a file that ``read_prompt_set`` reads as this set, independent of later changes of its base."""
    parts = _parts(asked)
    lines = [f"base = {_toml(asked.base)}"]
    lines += [f"{key} = {_toml(parts[key])}" for key in ("system", "clip_names", "bare_number")]
    for group in ("wording", "wording_with_prompt", "choices", "answer_keys"):
        lines += ["", f"[{group}]", *(f"{_toml(key)} = {_toml(value)}" for key, value in parts[group].items())]
    for task, dimensions in parts["scales"].items():
        for each in dimensions:
            lines += ["", f"[[scales.{task}]]", *(f"{key} = {_toml(value)}" for key, value in each.items())]
    return "\n".join(lines) + "\n"


def digest(asked: PromptSet) -> str:
    """12 hex digits that change with anything the model is asked or its answers are read by."""
    return hashlib.sha256(json.dumps(_parts(asked), sort_keys=True).encode()).hexdigest()[:12]


def _parts(asked: PromptSet) -> dict[str, Any]:
    scales = {task: [vars(dim) for dim in dimensions] for task, dimensions in asked.scales.items()}
    return {
        "system": asked.system,
        "clip_names": list(asked.clip_names),
        "bare_number": sorted(asked.bare_number),
        "wording": dict(asked.wording),
        "wording_with_prompt": dict(asked.wording_with_prompt),
        "choices": dict(asked.choices),
        "answer_keys": dict(asked.answer_keys),
        "scales": scales,
    }


def _toml(value: Any) -> str:
    """A string, number or list of strings; JSON's way of writing them is TOML's too, but for one character."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _given(settings: Settings) -> dict[Any, Any]:
    return {key: getattr(settings, key) for key in settings.model_fields_set if getattr(settings, key) is not None}


def _dimensions(scales: tuple[ScaleSettings, ...]) -> tuple[Dimension, ...]:
    return tuple(Dimension(**scale.model_dump()) for scale in scales)


def _check(path: Path, given: PromptFile, found: PromptSet) -> None:
    """What the keys of a file must agree on among themselves and with the base."""
    keys = {dim.key for dimensions in found.scales.values() for dim in dimensions}
    for task, dimensions in found.scales.items():
        names = [found.answer_keys.get(dim.key, dim.key) for dim in dimensions]
        if not names or len(set(names)) < len(names):
            raise UsageError(f"{path}: scales.{task} must hold dimensions with different keys, it has {names}.")
        if task in found.bare_number and len(names) > 1:
            raise UsageError(f"{path}: bare_number holds {task!r}, which has {len(names)} dimensions: it needs JSON.")
    if unknown := [key for key in given.answer_keys if key not in keys]:
        raise UsageError(
            f"{path}: answer_keys.{unknown[0]} names no dimension. There are {', '.join(sorted(keys))} in scales."
        )
    for choice, name in found.choices.items():
        if parse_choice(name) != Preference(choice):
            raise UsageError(
                f"{path}: choices.{choice} = {name!r} would not be read as that choice in an answer. "
                "Names that are read: A, B, Video A, Video B, tie."
            )
