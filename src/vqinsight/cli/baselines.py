"""``vqinsight baselines``: the known baselines and their requirements."""

from __future__ import annotations

import json
import textwrap
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from vqinsight.baselines.base import System

_WIDTH = 110


def baselines(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line instead of text.")] = False,
) -> None:
    """List other systems that can judge clips."""
    from vqinsight.baselines.catalog import SYSTEMS

    if as_json:
        for system in SYSTEMS.values():
            print(json.dumps(system.as_dict()))
        return
    states = list(dict.fromkeys(system.state for system in SYSTEMS.values()))
    for state in states:
        of_state = [system for system in SYSTEMS.values() if system.state == state]
        print(f"{state} ({len(of_state)})")
        for system in of_state:
            _show(system)
        print()
    print(
        "runs here: nothing to fetch. needs weights: the calling code is here and tested as said, the weights are not."
    )
    print(
        "published numbers only: no code here, a row is read from a file. More in docs/guides/models_and_baselines.md."
    )


def _show(system: System) -> None:
    scores = ", ".join(system.dimensions) or "compares only"
    extra = f"vqinsight[{system.extra}]" if system.extra else "none"
    print(f"  {system.name:20} {system.title}: {scores}")
    rows = (("licence", system.licence), ("extra", extra), ("get it", system.command), ("source", system.source))
    for label, text in (*rows, ("note", system.note)):
        lines = textwrap.wrap(text, _WIDTH - 32, break_long_words=False, break_on_hyphens=False)
        for number, line in enumerate(lines):
            print(f"  {'':20} {label if number == 0 else '':8} {line}")
