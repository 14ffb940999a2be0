"""``vqinsight models``: the known models."""

from __future__ import annotations

import json
import textwrap
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from vqinsight.inference.models import ModelInfo

_WIDTH = 100


def models(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line instead of text.")] = False,
) -> None:
    """List the models to judge with."""
    from vqinsight.inference.models import list_models

    found = list_models()
    if as_json:
        for model in found:
            print(json.dumps(model.as_dict()))
        return
    for model in found:
        _show(model)
    print("Higher is better on every dimension. Any other model of these families works too: --model DIR or a hub id.")


def _show(model: ModelInfo) -> None:
    print(f"{model.name} ({model.state}, {model.family})")
    scored = [
        f"{task}: " + ", ".join(f"{each.key} {each.low:g}–{each.high:g}" for each in dimensions)
        for task, dimensions in model.scores.items()
    ]
    answered = [task for task in model.tasks if task not in model.scores]
    rows = (
        ("scores", "; ".join(scored)),
        ("answers", ", ".join(answered)),
        ("licence", model.licence),
        ("get it", model.command),
        ("source", model.source),
        ("note", model.note),
    )
    for label, text in rows:
        if not text:
            continue
        for line in textwrap.wrap(
            text, _WIDTH, initial_indent=f"  {label:8} ", subsequent_indent=" " * 11, break_long_words=False,
            break_on_hyphens=False,
        ):  # fmt: skip
            print(line)
    print()
