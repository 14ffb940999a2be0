"""The lowest versions that pyproject.toml allows, as pip's constraints: python -m tools.lowest.

They are those of every dependency and of every package of the extra ``test``, with the extras that it names.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parents[1] / "pyproject.toml"


def constraints(project: Path = PROJECT) -> list[str]:
    """``name==lowest`` for each dependency with a lower bound; those with an exact version are left to pip."""
    table = tomllib.loads(project.read_text(encoding="utf-8"))["project"]
    wanted = dict.fromkeys([*table["dependencies"], *_packages(table, "test")])
    found = (re.match(r"([\w.-]+)(?:\[.*\])?>=([\w.]+)", each) for each in wanted)
    return [f"{each[1]}=={each[2]}" for each in found if each]


def _packages(table: dict[str, Any], extra: str) -> Iterator[str]:
    """The requirements of an extra, and of the project's own extras that it names."""
    for each in table["optional-dependencies"][extra]:
        own = re.fullmatch(rf"{table['name']}\[(.*)\]", each)
        if own is None:
            yield each
        else:
            for name in own[1].split(","):
                yield from _packages(table, name)


if __name__ == "__main__":
    print("\n".join(constraints()))
