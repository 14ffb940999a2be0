"""The HTML page of systems side by side: scores, agreement, cost, and the clips that they place differently."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from vqinsight.baselines.agreement import Disagreement, agreements, disagreements, standings
from vqinsight.baselines.frames import chosen_frames
from vqinsight.baselines.sampling import evenly
from vqinsight.baselines.side_by_side import SystemResult
from vqinsight.common.version import __version__
from vqinsight.errors import UnreadableVideo
from vqinsight.report import systems_phrases
from vqinsight.report.files import replacing
from vqinsight.report.html import environment
from vqinsight.report.systems_phrases import failures
from vqinsight.video.entries import Entry
from vqinsight.video.preprocess import small_jpeg

_STILLS = 6


@dataclass(frozen=True)
class Card:
    """A clip that systems place differently, with frames as JPEG."""

    place: int
    path: str
    prompt: str | None
    found: Disagreement
    stills: tuple[bytes, ...]


def write_page(path: Path, results: Sequence[SystemResult], clips: Sequence[Entry]) -> None:
    """Write the page, which loads nothing and has no scripts.

    Raises:
        UsageError: the file cannot be written.
    """
    page = environment().get_template("systems.html").render(
        title=f"{len(results)} systems on {len(clips)} clips",
        date=datetime.now().astimezone(),
        version=__version__,
        results=results,
        clips=clips,
        said=systems_phrases,
        standings={result.choice.label: standings(result) for result in results},
        agreement={(each.a, each.b): each for each in agreements(results)},
        failures=failures(results, clips),
        cards=[_card(each, clips[each.place]) for each in disagreements(results) if each.spread > 0],
    )  # fmt: skip
    with replacing(path) as part:
        part.write_text(page, encoding="utf-8")


def _card(found: Disagreement, entry: Entry) -> Card:
    return Card(found.place, str(entry.source), entry.prompt, found, _stills(str(entry.source)))


def _stills(path: str) -> tuple[bytes, ...]:
    try:
        frames = chosen_frames(path, lambda total: evenly(total, _STILLS))
    except UnreadableVideo:  # a system that reads files with another decoder may have scored it
        return ()
    return tuple(map(small_jpeg, frames.values()))
