"""Where a foreign system lies on this machine."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

from vqinsight.baselines.foreign.recipe import Recipe
from vqinsight.errors import ModelError

SYSTEMS_FOLDER = "systems"  # below the working directory


@dataclass(frozen=True)
class Home:
    """The parts of one system.

    Attributes:
        python: interpreter of its environment.
        code: its clone, or ``None`` where it needs none.
        weights: its folder of weights.
    """

    python: Path
    code: Path | None
    weights: Path


def home_of(
    recipe: Recipe,
    *,
    home: str | None = None,
    python: str | None = None,
    code: str | None = None,
    weights: str | None = None,
) -> Home:
    """Find a system's parts.

    Args:
        home: folder with ``env``, ``code`` and ``weights``, as the commands of the recipe leave it; by default
            ``systems/NAME``.
        python, code, weights: places of single parts that lie elsewhere.
    """
    root = Path(home or f"{SYSTEMS_FOLDER}/{recipe.name}").expanduser()
    return Home(
        python=Path(python).expanduser() if python else root / "env" / "bin" / "python",
        code=None if recipe.code is None else Path(code).expanduser() if code else root / "code",
        weights=Path(weights).expanduser() if weights else root / "weights",
    )


def lacking(recipe: Recipe, home: Home) -> list[str]:
    """One line for each part that is not there, with what to do."""
    see = f"`vqinsight baselines {recipe.name} --recipe` prints the commands that make it"
    found = []
    if not home.python.is_file():
        found.append(f"no environment: {home.python} is no file. Give python=ENV/bin/python, or {see}.")
    if recipe.code is not None and home.code is not None and not (home.code / recipe.code.needs).exists():
        found.append(f"no code: {home.code} has no {recipe.code.needs}. Give code=CLONE, or {see}.")
    found += [
        f"no weights: {home.weights} has no {each.name}. Give weights=FOLDER, or {see}."
        for each in recipe.weights
        if not (home.weights / each.name).exists()
    ]
    return found


def check_home(recipe: Recipe, home: Home) -> None:
    """Refuse to start a system of which a part is lacking.

    Raises:
        ModelError: names the first.
    """
    if found := lacking(recipe, home):
        raise ModelError(f"{recipe.name}: {found[0]}")


def commit_of(code: Path | None) -> str | None:
    """The commit of a clone; ``None`` without a clone, or where it is none of git's."""
    if code is None or not (code / ".git").exists():
        return None
    try:
        told = subprocess.run(
            ["git", "-C", str(code), "rev-parse", "HEAD"], capture_output=True, text=True, check=True, timeout=60
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return told.stdout.strip()


def other_commit(recipe: Recipe, home: Home) -> str | None:
    """A warning where the clone is not at the commit that the adapter was written for."""
    return None if recipe.code is None else commit_warning(recipe.name, home.code, recipe.code.commit)


def commit_warning(name: str, code: Path | None, wanted: str) -> str | None:
    """A sentence where a clone is not at the wanted commit.

    Args:
        name: of the system.
    """
    found = commit_of(code)
    if found == wanted:
        return None
    at = f"at {found[:12]}" if found else "at an unknown commit"
    return f"{name}: {code} is {at}; the adapter was written for {wanted[:12]}"
