"""``vqinsight configs``: the configurations that ship with the package, by name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer


def configs(
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", show_default=False, help="Print the path of this one.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line instead of text.")] = False,
) -> None:
    """List the configurations that ship, or print the path of one."""
    from vqinsight.report.output import plain_endings
    from vqinsight.settings.shipped import config_path, shipped_names

    with plain_endings("Interrupted."):
        names = [name] if name is not None else shipped_names()
        found = [(each, config_path(each)) for each in names]
        for each, path in found:
            if as_json:
                print(json.dumps({"name": each, "path": str(path), "about": _about(path)}))
            elif name is not None:
                print(path)
            else:
                print(f"{each:34} {_about(path)}".rstrip())


def _about(path: Path) -> str:
    """The first comment of a TOML file; empty for launchers' files."""
    first = path.read_text(encoding="utf-8").partition("\n")[0]
    return first.removeprefix("#").strip() if path.suffix == ".toml" and first.startswith("#") else ""
