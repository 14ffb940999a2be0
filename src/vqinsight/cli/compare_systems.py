"""``vqinsight compare-systems``: several systems on the same clips, side by side."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vqinsight.cli import options as opt

if TYPE_CHECKING:
    from vqinsight.baselines.side_by_side import Choice
    from vqinsight.video.entries import Entry


def compare_systems(
    clips: opt.Clips,
    systems: Annotated[
        str,
        typer.Option(
            metavar="NAMES",
            show_default=False,
            help="Systems that `vqinsight baselines` lists, with commas; LABEL=NAME to have one twice.",
        ),
    ],
    system_option: Annotated[
        list[str] | None,
        typer.Option(
            metavar="LABEL.KEY=VALUE", show_default=False, help="An option of one of them, such as q_align.home=DIR."
        ),
    ] = None,
    prompt: opt.Prompt = None,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            show_default=False,
            help="Keep every score in this folder, with index.html and scores.csv. The same command goes on after a "
            "stop.",
        ),
    ] = None,
    as_json: opt.Json = False,
    quiet: opt.Quiet = False,
) -> None:
    """Score clips with several systems and show where they agree and where not."""
    from vqinsight.report import output

    with output.plain_endings("Interrupted. The same command goes on." if out else "Interrupted.", quiet=quiet):
        from vqinsight.baselines.side_by_side import read_choices
        from vqinsight.cli.judging import expand
        from vqinsight.report.files import check_folder
        from vqinsight.settings.reader import read_change
        from vqinsight.video.entries import entries

        choices = read_choices(systems, [read_change(each, "LABEL.KEY=VALUE") for each in system_option or []])
        if out is not None:
            check_folder(out, "--out")
        _run(choices, entries(expand(clips, prompt)), out, as_json=as_json)


def _run(choices: Sequence[Choice], clips: Sequence[Entry], out: Path | None, *, as_json: bool) -> None:
    from vqinsight.baselines.frames import KeptFrames
    from vqinsight.baselines.side_by_side import score_all
    from vqinsight.report import output, progress, systems

    with ExitStack() as endings:
        folder = out or Path(endings.enter_context(tempfile.TemporaryDirectory()))
        folder.mkdir(parents=True, exist_ok=True)
        frames = KeptFrames(Path(endings.enter_context(tempfile.TemporaryDirectory())))
        with progress.counting("Scoring", len(choices) * len(clips), as_json, log=out is not None) as count:
            done = {choice.label: 0 for choice in choices}

            def told(label: str, number: int, total: int) -> None:  # noqa: ARG001 - of one system
                done[label] = number
                count(sum(done.values()), len(choices) * len(clips))

            results = list(score_all(choices, clips, folder, frames, told))
        if out is not None:
            systems.write_folder(out, results, clips)
            progress.notice(f"The page is {out / 'index.html'}, every score in {out / 'scores.csv'}.")
    if as_json:
        print(json.dumps(systems.as_dict(results, clips)))
    else:
        systems.show(output.text_console(), results, clips)
