"""Storage of results, and formatting of their figures for documents."""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path
from typing import Any

from vqinsight.common.files import write_atomic
from vqinsight.common.provenance import commit

ROOT = Path(__file__).resolve().parents[1]


def results(name: str) -> Any:
    """A stored result, or ``None`` where it does not exist."""
    file = ROOT / "results" / f"{name}.json"
    return json.loads(file.read_text(encoding="utf-8")) if file.is_file() else None


def keep(found: dict[str, Any], file: Path | None) -> None:
    """Store a result with its command and commit, where a file is named."""
    if file:
        stamp = {"command": _command(), "commit": commit()}
        write_atomic(file, json.dumps({**stamp, **found}, indent=2) + "\n")


def _command() -> str:
    """The command as a reader can repeat it: ``python -m`` and the module, with the given arguments."""
    program = Path(sys.argv[0]).resolve()
    module = program.with_suffix("").relative_to(ROOT).parts if program.is_relative_to(ROOT) else (program.name,)
    return shlex.join(["python", "-m", ".".join(module), *sys.argv[1:]])


def store(found: dict[str, Any], file: Path | None) -> None:
    """Print a result, and store it where a file is named."""
    print(json.dumps(found, indent=2))
    keep(found, file)


def points(measure: dict[str, Any] | None, sign: str = "") -> str:
    """A value with its interval, in points of 100."""
    if measure is None or measure["value"] is None:
        return "undefined"
    interval = measure["interval"]
    return f"{measure['value']:{sign}.1f} ({interval['low']:{sign}.1f} to {interval['high']:{sign}.1f})"


def number(value: float) -> str:
    """A count, or a measure with one decimal."""
    return f"{value:,}" if isinstance(value, int) else f"{value:.1f}"


def share(row: dict[str, float]) -> str:
    """A share with its interval, in percent."""
    return f"{row['share']:.1%} ({row['low']:.0%}–{row['high']:.0%})"


def measured(measure: dict[str, Any]) -> str:
    """A figure with three decimals, and its interval where it has one."""
    if measure["value"] is None:
        return "undefined"
    interval = measure["interval"]
    return f"{measure['value']:.3f}" + (f" ({interval['low']:.2f}–{interval['high']:.2f})" if interval else "")


def srcc(value: float | None) -> str:
    """A correlation; undefined where one side is constant."""
    return "undefined" if value is None else f"{value:.3f}"
