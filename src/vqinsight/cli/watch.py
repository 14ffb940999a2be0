"""``vqinsight watch``: score the clips that arrive in a folder."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vqinsight.cli import options as opt
from vqinsight.cli.engine import open_judge

if TYPE_CHECKING:
    from vqinsight.video.entries import Entry

NONE = {"revision": None}

Watched = Annotated[
    Path, typer.Argument(metavar="DIR", show_default=False, exists=True, file_okay=False, help="Folder of clips.")
]
Every = Annotated[
    float, typer.Option(metavar="SECONDS", callback=opt.above_zero, help="Time between two looks at the folder.")
]
Idle = Annotated[
    float | None,
    typer.Option(metavar="SECONDS", callback=opt.above_zero, help="End when nothing arrived for this long."),
]
Once = Annotated[bool, typer.Option("--once", help="End when what is there is scored.")]


@opt.asking
def watch(
    folder: Watched,
    out: opt.ResultFolder,
    prompt: opt.Prompt = None,
    task: opt.Task = None,
    every: Every = 2.0,
    idle: Idle = None,
    once: Once = False,
    asked: opt.Asking = opt.Asking(),  # noqa: B008 - frozen
) -> None:
    """Score what arrives in a folder, until Ctrl-C."""
    from vqinsight.cli.judging import open_results, scoring, tell_folder, to_folder
    from vqinsight.report import output

    verb = scoring(task, verbose=False)
    outputs = output.Outputs(asked.json_lines, out, asked.report, asked.quiet, folder=True, kept=True)
    with output.deliver(outputs, [str(folder)], verb.show) as take:
        judge = open_judge(asked)
        with open_results(verb, judge, asked, out) as store:
            before: dict[str, str] = {}  # revisions at the last look
            last = time.monotonic()
            while True:
                there = _clips(folder, prompt)
                resting = [entry for entry in there if before.get(entry.id) == entry.revision]
                # a clip that failed is tried again by the next run, not at every look
                arrived = [each for each in resting if store.known.get(each.id, NONE)["revision"] != each.revision]
                if arrived:
                    start = len(store.known)  # places in the order of arrival
                    placed = [replace(entry, position=start + place) for place, entry in enumerate(arrived)]
                    to_folder(verb, judge, placed, asked, store, take)
                moved = len(resting) < len(there)
                last = time.monotonic() if arrived or moved else last
                if (once and not moved) or (idle is not None and time.monotonic() - last >= idle):
                    tell_folder(store, there, outputs, take)
                    return
                before = {entry.id: entry.revision for entry in there}
                time.sleep(every)


def _clips(folder: Path, prompt: str | None) -> list[Entry]:
    """What the folder holds; what is no clip is left out without a word at every look."""
    from vqinsight.video.entries import entries
    from vqinsight.video.inputs import expand_inputs, media_files

    found = expand_inputs([str(folder)], prompt).clips
    return entries((clip, text) for clip, text in found if clip != str(folder) or media_files(folder))
