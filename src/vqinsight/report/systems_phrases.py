"""Texts of systems side by side, shared by terminal and page."""

from __future__ import annotations

from collections.abc import Sequence

from vqinsight.baselines.side_by_side import ClipResult, SystemResult
from vqinsight.tasks.types import Missing
from vqinsight.video.entries import Entry

NONE = "–"


def score(clip: ClipResult) -> str:
    """The overall score of a clip, three figures or more; a dash where there is none."""
    return NONE if clip.overall is None else f"{clip.overall:.4g}"


def failures(results: Sequence[SystemResult], clips: Sequence[Entry]) -> list[tuple[str, str, str]]:
    """What, "missing" and why, for each clip without a score; once for a system that scored none for one reason."""
    found = []
    for result in results:
        why = {place: clip.scores.reason for place, clip in enumerate(result.clips) if isinstance(clip.scores, Missing)}
        label = result.choice.label
        if len(why) == len(clips) > 1 and len(set(why.values())) == 1:
            found.append((f"{label}, all clips", "missing", why[0]))
        else:
            found += [(f"{label}, {clips[place].source}", "missing", reason) for place, reason in why.items()]
    return found


def cost(result: SystemResult) -> tuple[str, str, str]:
    """Clips scored, seconds a clip, and memory, as texts."""
    scored = sum(not isinstance(clip.scores, Missing) for clip in result.clips)
    seconds = NONE if result.seconds is None else f"{result.seconds:.2f}"
    memory = NONE if result.peak_mib is None else f"{result.peak_mib / 1024:.1f}"
    return f"{scored} of {len(result.clips)}", seconds, memory
