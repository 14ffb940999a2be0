"""The generated parts of the reference: a hook of mkdocs (mkdocs.yml) that fills them in when the site is built.

``<!-- command line -->`` becomes every verb with its options, from typer; ``<!-- configuration -->`` every setting with
its type, default and meaning, from the pydantic models and the Attributes sections of their docstrings.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import griffe
from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from vqinsight.settings.align import AlignSettings
from vqinsight.settings.inference import InferenceSettings
from vqinsight.settings.prompts import PromptFile
from vqinsight.settings.train import TrainSettings

ROOTS: dict[str, type[BaseModel]] = {
    "Training: stages 1 and 2, supervised baseline": TrainSettings,
    "Alignment: stage 3": AlignSettings,
    "A model's vqinsight.json": InferenceSettings,
    "A prompt set in a file": PromptFile,
}


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Fill the marked places of a page."""
    for mark, make in (("<!-- command line -->", command_line), ("<!-- configuration -->", configuration)):
        if mark in markdown:
            markdown = markdown.replace(mark, make())
    return markdown


def command_line() -> str:
    """Every verb: usage, arguments, options."""
    command = [sys.executable, "-m", "typer", "vqinsight.cli.main", "utils", "docs", "--name", "vqinsight"]
    shown = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return shown.partition("\n")[2]  # without its title: the page has one


def configuration() -> str:
    """A table of settings for each file, and one for each group in it."""
    parts = []
    for title, root in ROOTS.items():
        parts.append(f"## {title}\n")
        for path, kind in groups(root):
            if path:
                parts.append(f"### `{path}`\n")
            summary = (kind.__doc__ or "").split("Attributes:")[0].strip()
            parts += [summary.replace("``", "`"), "", table(kind), ""]
    return "\n".join(parts)


def groups(kind: type[BaseModel], path: str = "") -> Iterator[tuple[str, type[BaseModel]]]:
    """A model of settings, then those inside it, each with its key in the file."""
    yield path, kind
    for name, field in kind.model_fields.items():
        for inner, many in inner_models(field.annotation):
            yield from groups(inner, ".".join(part for part in (path, name + ("[]" if many else "")) if part))


def inner_models(annotation: Any) -> Iterator[tuple[type[BaseModel], bool]]:
    """Models of settings in an annotation, and whether there may be several."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation, False
        return
    for part in get_args(annotation):
        for inner, many in inner_models(part):
            yield inner, many or getattr(annotation, "__origin__", None) is tuple


def table(kind: type[BaseModel]) -> str:
    """Key, type, default and meaning of every setting of a model."""
    explained = meanings(kind)
    lines = ["| key | type | default | meaning |", "|---|---|---|---|"]
    for name, field in kind.model_fields.items():
        inner = list(inner_models(field.annotation))
        beside = next((other for other, text in explained.items() if f"``{name}``" in text), None)
        meaning = explained.get(name) or (f"see `{beside}`" if beside else f"see `{name}` below" if inner else "")
        kinds = "group" if inner else type_name(field.annotation)
        lines.append(f"| `{name}` | {cell(kinds)} | {default_of(field)} | {cell(meaning)} |")
    return "\n".join(lines)


def meanings(kind: type[BaseModel]) -> dict[str, str]:
    """The text of each setting in the Attributes section; ``alpha, mu: of Eq. 4`` describes both."""
    found: dict[str, str] = {}
    docstring = griffe.Docstring(kind.__doc__ or "")
    for section in griffe.parse_google(docstring, warnings=False):
        if section.kind is griffe.DocstringSectionKind.attributes:
            for attribute in section.value:
                # griffe parses the text after the first name and its comma as a type.
                more = str(attribute.annotation) if attribute.name.endswith(",") else ""
                names = f"{attribute.name} {more}".replace(",", " ").split()
                found |= dict.fromkeys(names, attribute.description)
    return found


def type_name(annotation: Any) -> str:
    """A type in the terms of TOML."""
    if annotation is type(None):
        return "nothing"
    if isinstance(annotation, type) and not get_args(annotation):
        plain = {str: "text", int: "whole number", float: "number", bool: "true or false", Path: "path"}
        return plain.get(annotation, annotation.__name__)
    inside = get_args(annotation)
    origin = getattr(annotation, "__origin__", None)
    if origin is tuple:
        return f"list of {type_name(inside[0])}"
    if origin is dict:
        return "table"
    if all(isinstance(each, str) for each in inside):  # Literal
        return ", ".join(f"`{each}`" for each in inside)
    return " or ".join(type_name(each) for each in inside if each not in (type(None), Any))


def default_of(field: Any) -> str:
    """The default value."""
    if field.default_factory is not None:
        return "empty"
    if field.default is PydanticUndefined:
        return "required"
    if field.default is None or isinstance(field.default, BaseModel):
        return "–"
    value = json.dumps(list(field.default) if isinstance(field.default, tuple) else field.default)
    return f"`{cell(value)}`"


def cell(text: str) -> str:
    """Text inside a table."""
    return " ".join(text.replace("``", "`").replace("|", "\\|").split())
