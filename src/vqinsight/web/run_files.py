"""What the folder of a training run says: rewards over its updates, sampled answers, alarms, and what was left out."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vqinsight.grpo.monitor import MISSING, TRUNCATED, ZERO_SPREAD

STATE, LOG, SAMPLES, FAILURES = "trainer_state.json", "log.jsonl", "samples.md", "failures.jsonl"
_DEEPEST, _MOST = 4, 100  # levels of folders, and runs
_SHOWN = 20  # groups
_KEPT = (
    "loss",
    "kl",
    "entropy",
    "zero_spread",
    "missing",
    "truncated",
    "tokens",
    "accuracy",
    "margin",
)  # beside rewards
_MOST_BYTES = 4 * 1024 * 1024  # of a file that is read, from its end
_GROUP = re.compile(r"^## ", re.MULTILINE)
# Shares in the log, the share from which they are alarming, and what that says.
_ALARMS = (
    ("zero_spread", ZERO_SPREAD, "of the groups, all answers earn the same, so they teach nothing"),
    ("missing", MISSING, "of the answers could not be read"),
    ("truncated", TRUNCATED, "of the answers ran into grpo.max_new_tokens"),
)


@dataclass(frozen=True)
class RunFiles:
    """One run.

    Attributes:
        curves: by name, (step, value) in order of steps.
        groups: sampled groups with all their answers, as text, the latest first.
        alarms: one sentence each.
        left_out: clips that could not be read, each with the reason.
    """

    name: str
    curves: dict[str, list[tuple[float, float]]]
    groups: list[str]
    alarms: list[str]
    left_out: list[str]


def find_runs(folder: Path) -> list[str]:
    """Names of the run folders below a folder, relative to it, in order."""
    found = {str(place.relative_to(folder)): None for place in _run_folders(folder, _DEEPEST)}
    return sorted(found)[:_MOST]


def read_run(folder: Path, name: str) -> RunFiles:
    """What a run's folder says at this moment; a run that goes on may have an incomplete last line."""
    place = folder / name
    rows = _log(place)
    curves: dict[str, list[tuple[float, float]]] = {}
    for row in rows:
        for key, value in row.items():
            if key not in ("step", "epoch") and isinstance(value, int | float) and not isinstance(value, bool):
                curves.setdefault(key, []).append((float(row["step"]), float(value)))
    parts = {key: points for key, points in curves.items() if key.startswith("reward") or key in _KEPT}
    samples = [each for each in _GROUP.split(_text(place / SAMPLES))[1:] if each.strip()]
    failures = [json.loads(line) for line in _text(place / FAILURES).splitlines() if line.endswith("}")]
    left_out = [f"{row.get('path')}: {row.get('reason')}" for row in failures]
    return RunFiles(name, parts, samples[::-1][:_SHOWN], _alarms(rows), left_out)


def _run_folders(folder: Path, levels: int) -> Iterator[Path]:
    children = sorted(each for each in folder.iterdir() if each.is_dir() and not each.is_symlink())
    is_run = any((folder / name).is_file() for name in (LOG, SAMPLES)) or any(
        (each / STATE).is_file() for each in children
    )
    if is_run:
        yield folder
    elif levels:
        for each in children:
            yield from _run_folders(each, levels - 1)


def _log(place: Path) -> list[dict[str, Any]]:
    """The rows of the log, by step."""
    states = sorted(place.glob(f"*/{STATE}"), key=lambda file: file.stat().st_mtime)
    if states:
        rows = json.loads(states[-1].read_text(encoding="utf-8")).get("log_history", [])
    else:
        rows = [json.loads(line) for line in _text(place / LOG).splitlines() if line.endswith("}")]
    return [row for row in rows if isinstance(row, dict) and "step" in row]


def _alarms(rows: list[dict[str, Any]]) -> list[str]:
    found = []
    for key, least, what in _ALARMS:
        steps = [row["step"] for row in rows if row.get(key, 0) >= least]
        if steps:
            last = next(row[key] for row in reversed(rows) if row.get(key, 0) >= least)
            rows_seen = f"In {len(steps)} of {len(rows)} log rows, {least:.0%} or more {what}"
            found.append(f"{rows_seen}: last at step {steps[-1]}, {last:.0%}.")
    return found


def _text(file: Path) -> str:
    if not file.is_file():
        return ""
    with file.open("rb") as opened:
        opened.seek(max(0, file.stat().st_size - _MOST_BYTES))
        return opened.read().decode("utf-8", errors="replace")
