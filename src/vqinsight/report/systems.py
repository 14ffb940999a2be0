"""Systems side by side as text, as JSON, and as a folder with a page and a table."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

from vqinsight.baselines.agreement import agreements, disagreements, standings
from vqinsight.baselines.side_by_side import SystemResult
from vqinsight.report.files import plain_errors
from vqinsight.report.printing import print_failures, print_grid, print_table, print_text
from vqinsight.report.systems_page import write_page
from vqinsight.report.systems_phrases import NONE, cost, failures, score
from vqinsight.tasks.types import Missing
from vqinsight.video.entries import Entry

_FOLDER = "the --out folder"


def show(console: Console, results: Sequence[SystemResult], clips: Sequence[Entry]) -> None:
    """Print the scores, what each system took, and how far they agree."""
    labels = [result.choice.label for result in results]
    rows = [
        [str(place + 1), str(entry.source), *(score(result.clips[place]) for result in results)]
        for place, entry in enumerate(clips)
    ]
    print_table(console, ["#", "Clip", *labels], rows)
    print_grid(console, ["", "clips", "s a clip", "GiB"], [[r.choice.label, *cost(r)] for r in results])
    if pairs := agreements(results):
        console.print(Text())
        found = [
            [f"{each.a} and {each.b}", str(each.n), NONE if each.srcc is None else f"{each.srcc:+.2f}"]
            for each in pairs
        ]
        print_grid(console, ["", "clips", "rank correlation"], found)
    furthest = [each for each in disagreements(results, 3) if each.spread > 0.5]
    if furthest:
        console.print(Text())
        for each in furthest:
            low, high = (
                min(each.standing, key=each.standing.__getitem__),
                max(each.standing, key=each.standing.__getitem__),
            )
            print_text(
                console,
                f"{clips[each.place].source}: better than {each.standing[high]:.0%} of the clips by {high}, "
                f"than {each.standing[low]:.0%} by {low}.",
            )
    for result in results:
        for remark in result.remarks:
            print_text(console, remark)
    failed = failures(results, clips)
    if failed:
        console.print(Text())
        print_failures(console, failed, _FOLDER)


def as_dict(results: Sequence[SystemResult], clips: Sequence[Entry]) -> dict[str, Any]:
    """JSON-ready: the clips, and of each system its scores with what they depend on."""
    return {
        "clips": [{"path": str(entry.source), "prompt": entry.prompt} for entry in clips],
        "systems": [
            {
                "label": result.choice.label,
                "system": result.choice.name,
                "options": {key: str(value) for key, value in result.choice.options.items()},
                "digest": result.digest,
                "versions": dict(result.versions),
                "remarks": list(result.remarks),
                "load_seconds": result.load_seconds,
                "seconds": result.seconds,
                "peak_mib": result.peak_mib,
                "scores": [None if isinstance(clip.scores, Missing) else clip.scores for clip in result.clips],
                "overall": [clip.overall for clip in result.clips],
                "reasons": [clip.scores.reason if isinstance(clip.scores, Missing) else None for clip in result.clips],
            }
            for result in results
        ],
        "agreement": [{"a": each.a, "b": each.b, "n": each.n, "srcc": each.srcc} for each in agreements(results)],
    }


def write_folder(folder: Path, results: Sequence[SystemResult], clips: Sequence[Entry]) -> None:
    """Write ``scores.csv``, a row for each clip, system and dimension, and the page ``index.html``.

    Raises:
        UsageError: a file cannot be written.
    """
    file = folder / "scores.csv"
    with plain_errors(file), file.open("w", encoding="utf-8", newline="") as opened:
        writer = csv.writer(opened)
        writer.writerow(["path", "prompt", "system", "dimension", "value", "standing", "missing"])
        for result in results:
            shares = standings(result)
            for place, (entry, clip) in enumerate(zip(clips, result.clips, strict=True)):
                head = [entry.source, entry.prompt or "", result.choice.label]
                if isinstance(clip.scores, Missing):
                    writer.writerow([*head, "", "", "", clip.scores.reason])
                    continue
                for key, value in clip.scores.items():
                    writer.writerow([*head, key, value, shares.get(place, ""), ""])
    write_page(folder / "index.html", results, clips)
