"""Texts of systems side by side, shared by terminal and page."""

from __future__ import annotations

from vqinsight.baselines.side_by_side import ClipResult, SystemResult
from vqinsight.tasks.types import Missing

NONE = "–"


def score(clip: ClipResult) -> str:
    """The overall score of a clip, three figures or more; a dash where there is none."""
    return NONE if clip.overall is None else f"{clip.overall:.4g}"


def reasons(result: SystemResult) -> list[tuple[str, int]]:
    """Why clips of a system have no score, with the number of clips, the most frequent first."""
    counts: dict[str, int] = {}
    for clip in result.clips:
        if isinstance(clip.scores, Missing):
            counts[clip.scores.reason] = counts.get(clip.scores.reason, 0) + 1
    return sorted(counts.items(), key=lambda each: -each[1])


def cost(result: SystemResult) -> tuple[str, str, str]:
    """Clips scored, seconds a clip, and memory, as texts."""
    scored = sum(not isinstance(clip.scores, Missing) for clip in result.clips)
    seconds = NONE if result.seconds is None else f"{result.seconds:.2f}"
    memory = NONE if result.peak_mib is None else f"{result.peak_mib / 1024:.1f}"
    return f"{scored} of {len(result.clips)}", seconds, memory
