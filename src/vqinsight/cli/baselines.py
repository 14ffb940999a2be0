"""``vqinsight baselines``: the known systems, their requirements, and whether these are met."""

from __future__ import annotations

import json
import sys
import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from vqinsight.baselines.foreign.home import SYSTEMS_FOLDER
from vqinsight.cli import options as opt
from vqinsight.errors import UsageError

if TYPE_CHECKING:
    from vqinsight.baselines.base import System
    from vqinsight.baselines.foreign.recipe import Recipe

_WIDTH = 110
_PROMPT = "a cat"
NOT_READY = 1  # exit code


def baselines(
    name: Annotated[str | None, typer.Argument(help="One system; by default all are listed.")] = None,
    recipe: Annotated[
        bool, typer.Option("--recipe", help="Print the commands that fetch and install the system.")
    ] = False,
    check: Annotated[
        bool, typer.Option("--check", help="Look for its environment, code and weights, and score one clip.")
    ] = False,
    clip: Annotated[str, typer.Option(help="The clip of --check.")] = "examples/cat.mp4",
    baseline_option: opt.BaselineOptions = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line instead of text.")] = False,
) -> None:
    """List other systems that can judge clips."""
    from vqinsight.report.output import plain_endings

    with plain_endings("Interrupted."):
        if recipe or check:
            _prepare(name, baseline_option or [], clip if check else None, recipe=recipe)
        else:
            _list(name, as_json=as_json)


def _prepare(name: str | None, options: Sequence[str], clip: str | None, *, recipe: bool) -> None:
    if name is None:
        raise UsageError("--recipe and --check are for one system: vqinsight baselines NAME --check.")
    found = _recipe(name)
    given = baseline_options(name, options)
    if recipe:
        _print_recipe(found, str(given.get("home", f"{SYSTEMS_FOLDER}/{name}")))
    if clip is not None:
        _check(found, clip, given)


def _list(name: str | None, *, as_json: bool) -> None:
    from vqinsight.baselines.catalog import SYSTEMS
    from vqinsight.datasets.download import check_choice

    if name is not None:
        check_choice("baseline", name, list(SYSTEMS))
    chosen = list(SYSTEMS.values()) if name is None else [SYSTEMS[name]]
    if as_json:
        for system in chosen:
            print(json.dumps(system.as_dict()))
        return
    for state in dict.fromkeys(system.state for system in chosen):
        of_state = [system for system in chosen if system.state == state]
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


def baseline_options(name: str, given: Sequence[str]) -> dict[str, Any]:
    """The options of a baseline from texts of the form KEY=VALUE.

    Raises:
        UsageError: a text of another form, or an option that the baseline does not take.
    """
    from vqinsight.baselines.open import check_baseline
    from vqinsight.settings.reader import read_change

    for each in given:
        key, equals, _ = each.partition("=")
        if not equals or not key.strip():
            raise UsageError(f"--baseline-option {each}: write KEY=VALUE, such as --baseline-option model=DIR.")
    options = dict(read_change(each, "model=DIR") for each in given)
    check_baseline(name, options)
    return options


def _recipe(name: str) -> Recipe:
    from vqinsight.baselines.catalog import SYSTEMS
    from vqinsight.baselines.foreign.recipes import RECIPES
    from vqinsight.datasets.download import check_choice

    check_choice("baseline", name, list(SYSTEMS))
    if name not in RECIPES:
        raise UsageError(f"{name} needs no environment of its own: `vqinsight baselines {name}` says how to get it.")
    return RECIPES[name]


def _print_recipe(recipe: Recipe, home: str) -> None:
    """As a shell script: what is no command is a comment."""
    from vqinsight.baselines.foreign.recipe import commands

    about = f"{recipe.name}: sees {recipe.sampling}; scores {', '.join(recipe.dimensions)}. Licence: {recipe.licence}."
    for line in textwrap.wrap(f"{about} {recipe.note}", _WIDTH - 2):
        print(f"# {line}")
    for command in commands(recipe, home):
        print(command)
    default = home == f"{SYSTEMS_FOLDER}/{recipe.name}"
    print(f"vqinsight baselines {recipe.name} --check" + ("" if default else f" --baseline-option home={home}"))


def _check(recipe: Recipe, clip: str, given: dict[str, Any]) -> None:
    from vqinsight.baselines.foreign.check import check
    from vqinsight.baselines.foreign.home import home_of
    from vqinsight.baselines.open import open_baseline

    places = {key: str(given[key]) for key in ("home", "python", "code", "weights") if key in given}
    ok = True
    for finding in check(recipe, home_of(recipe, **places), clip, _PROMPT, lambda: open_baseline(recipe.name, **given)):
        print(f"{'ok' if finding.ok else 'failed':7} {finding.text}", flush=True)
        ok = ok and finding.ok
    sys.exit(0 if ok else NOT_READY)


def _show(system: System) -> None:
    scores = ", ".join(system.dimensions) or "compares only"
    extra = f"vqinsight[{system.extra}]" if system.extra else "none"
    print(f"  {system.name:20} {system.title}: {scores}")
    rows = (("licence", system.licence), ("extra", extra), ("get it", system.command), ("source", system.source))
    for label, text in (*rows, ("note", system.note)):
        lines = textwrap.wrap(text, _WIDTH - 32, break_long_words=False, break_on_hyphens=False)
        for number, line in enumerate(lines):
            print(f"  {'':20} {label if number == 0 else '':8} {line}")
