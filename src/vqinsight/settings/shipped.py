"""Configurations that ship with the package: ``nano/stage2`` names ``configs/nano/stage2.toml``."""

from __future__ import annotations

import difflib
from pathlib import Path

from vqinsight.errors import UsageError

CONFIGS = Path(__file__).resolve().parents[1] / "configs"


def shipped_names() -> list[str]:
    """Names of the shipped configurations, without ``.toml``; files for launchers keep their suffix."""
    files = sorted(path for path in CONFIGS.rglob("*") if path.is_file())
    return [path.relative_to(CONFIGS).as_posix().removesuffix(".toml") for path in files]


def config_path(name: str | Path) -> Path:
    """The path for ``name``: a file, else a shipped configuration.

    Raises:
        UsageError: neither exists; the message names the nearest shipped one.
    """
    given = Path(name)
    if given.is_file():
        return given
    for candidate in (CONFIGS / f"{name}.toml", CONFIGS / given):
        if candidate.is_file() and candidate.resolve().is_relative_to(CONFIGS):
            return candidate
    known = shipped_names()
    nearest = difflib.get_close_matches(str(name).removesuffix(".toml"), known, n=1, cutoff=0.0)
    raise UsageError(
        f"{name}: there is no such file, and no configuration of that name. Did you mean {nearest[0]!r}? "
        f"There are {', '.join(known)}."
    )
