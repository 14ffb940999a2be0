"""What a foreign system needs, as data: its public code, an environment, weights, and the worker that runs it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from vqinsight.baselines.sampling import Choose


@dataclass(frozen=True)
class Code:
    """The public code of a system.

    Attributes:
        repository: URL for ``git clone``.
        commit: the commit that the adapter was written for, 40 hex digits.
        needs: a file or folder that every usable clone has, relative to it.
    """

    repository: str
    commit: str
    needs: str


@dataclass(frozen=True)
class Weights:
    """A file or folder of weights.

    Attributes:
        name: of the file or folder, relative to the system's folder of weights.
        command: fetches it into the working directory under that name.
    """

    name: str
    command: str


@dataclass(frozen=True)
class Recipe:
    """All that a system needs, and how it is asked.

    Attributes:
        name: key in ``catalog.SYSTEMS``.
        worker: file in ``workers``, run by the system's own Python.
        python: version of the environment, such as "3.11".
        packages: arguments of ``pip install`` for it, one call each, in order.
        sampling: which frames the system sees, in words.
        dimensions: what it scores; of every one more is better.
        choose: chooses frames, which the worker gets as images; ``None`` where it decodes the clip's file itself.
        ranges: lowest and highest possible value by dimension, without unbounded ones.
        code: its public code; ``None`` where packages hold all of it.
        weights: every file or folder of weights.
        decides: the dimension that compares clips; by default the mean of all.
        needs_prompt: whether a clip without a text prompt has no score.
        arguments: further arguments of the worker.
        licence: of code and weights, as their authors state it.
        note: where the adapter differs from the system's own inference.
    """

    name: str
    worker: str
    python: str
    packages: tuple[str, ...]
    sampling: str
    dimensions: tuple[str, ...]
    licence: str
    choose: Choose | None = None
    ranges: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    code: Code | None = None
    weights: tuple[Weights, ...] = ()
    decides: str | None = None
    needs_prompt: bool = False
    arguments: tuple[str, ...] = ()
    note: str = ""


def commands(recipe: Recipe, home: str) -> list[str]:
    """Shell commands that fetch and install all of it below ``home``, in order."""
    lines = [f"mkdir -p {home}/weights"]
    if recipe.code is not None:
        lines += [
            f"git clone {recipe.code.repository} {home}/code",
            f"git -C {home}/code checkout {recipe.code.commit}",
        ]
    lines += [f"python{recipe.python} -m venv {home}/env"]
    lines += [f"{home}/env/bin/pip install {packages}" for packages in recipe.packages]
    lines += [f"(cd {home}/weights && {each.command})" for each in recipe.weights]
    return lines
