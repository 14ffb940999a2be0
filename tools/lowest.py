"""The lowest version that pyproject.toml allows of each dependency, as pip's constraints: python -m tools.lowest."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1] / "pyproject.toml"


def constraints(project: Path = PROJECT) -> list[str]:
    """``name==lowest`` for each dependency with a lower bound; those with an exact version are left to pip."""
    wanted = tomllib.loads(project.read_text(encoding="utf-8"))["project"]["dependencies"]
    found = (re.match(r"([\w.-]+)>=([\w.]+)", each) for each in wanted)
    return [f"{each[1]}=={each[2]}" for each in found if each]


if __name__ == "__main__":
    print("\n".join(constraints()))
