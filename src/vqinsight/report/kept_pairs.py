"""How the pairs of a source stand in a results folder, on the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console

from vqinsight.ranking.standings import PairOutcome, find_clips, place
from vqinsight.report import phrases
from vqinsight.report.console import counted
from vqinsight.report.printing import print_failures, print_standings, print_text

_PROMPTS = 20  # most prompts with their standings shown

Pairs = tuple[str | None, Sequence[PairOutcome]]  # of one prompt


def show_kept_pairs(console: Console, folder: str, groups: Sequence[Pairs], *, ranked: bool) -> None:
    """Print failures and counts, and with ``ranked`` before them the standings of each prompt."""
    failed: list[tuple[str, str, str]] = []
    for number, (prompt, pairs) in enumerate(groups):
        if ranked and number < _PROMPTS:
            _standings(console, prompt, pairs)
        unreadable = [clip for clip in find_clips(pairs) if clip.status != "ok"]
        failed += [(clip.path, clip.status, phrases.complaint(clip.path, clip.error)) for clip in unreadable]
        for pair in pairs:
            if pair.status != "ok" and all(pair.readable):
                name = " against ".join(pair.clips)
                failed.append((name, pair.status, phrases.complaint(name, pair.error)))
    if ranked and len(groups) > _PROMPTS:
        print_text(console, f"… and {len(groups) - _PROMPTS} more prompts: read_results({folder!r}) has their pairs.")
    print_failures(console, failed, folder)
    statuses = [pair.status for _, pairs in groups for pair in pairs]
    prompts = f" of {len(groups)} prompts" if len(groups) > 1 else ""
    print_text(console, f"{folder}: {len(statuses)} pairs{prompts}: {counted(statuses)}.")


def _standings(console: Console, prompt: str | None, pairs: Sequence[PairOutcome]) -> None:
    if prompt:
        print_text(console, f"Prompt: {prompt}", "bold")
    standings, cycles = place(find_clips(pairs), pairs)
    print_standings(console, [each for each in standings if each.rank is not None])
    for cycle in cycles:
        print_text(console, phrases.cycle(cycle))
