"""``vqinsight generate``: clips from prompts."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from vqinsight.cli import options as opt

SOME_LEFT_OUT = 1  # exit code


def generate(
    prompts: Annotated[
        list[str],
        typer.Argument(metavar="PROMPT", show_default=False, help="Texts, or text files with one prompt a line."),
    ],
    generator: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            callback=opt.known_place,
            help="nano (embedded), a folder, or the hub id of a diffusers pipeline.",
        ),
    ] = "nano",
    candidates: Annotated[int, typer.Option(min=1, metavar="N", help="Clips a prompt.")] = 1,
    seed: Annotated[int, typer.Option(metavar="N", help="Fixes the clips.")] = 0,
    out: Annotated[
        Path, typer.Option(metavar="DIR", help="Gets a folder a prompt, and candidates.jsonl: what was made, and how.")
    ] = Path("generated"),
    batch_size: opt.BatchSize = 8,
    device: opt.Device = "auto",
    quiet: opt.Quiet = False,
) -> None:
    """Make clips from texts.

    A black or broken clip is left out and named. A run that was stopped goes on.
    """
    from vqinsight.common.prompt_lists import gather_prompts
    from vqinsight.report import progress
    from vqinsight.report.files import check_folder
    from vqinsight.report.output import plain_endings

    with plain_endings("Interrupted. What was made is kept; the same command goes on from there.", quiet=quiet):
        check_folder(out, "--out")
        texts = gather_prompts(prompts)
        from vqinsight.common.device import pick_device
        from vqinsight.generator.candidates import make_candidates
        from vqinsight.generator.load import open_generator

        place = str(pick_device(device, progress.notice))
        with progress.waiting(f"Loading {generator}"):
            opened = open_generator(generator, device=place)
        with progress.counting("Making clips", len(texts), False) as count:
            made = make_candidates(opened, texts, candidates, out, seed=seed, batch_size=batch_size, on_progress=count)
        for group in made:
            for path in group.paths:
                typer.echo(path)
        left_out = _left_out(out)
        for name, reason in left_out:
            progress.notice(f"{out / name}: {reason}, left out")
        total = sum(len(group.paths) for group in made)
        progress.notice(f"Clips made: {total} in {out}; prompts: {len(texts)}; left out: {len(left_out)}.")
    sys.exit(SOME_LEFT_OUT if left_out else 0)


def _left_out(folder: Path) -> list[tuple[str, str]]:
    from vqinsight.datasets.rows import read_json_lines
    from vqinsight.ranking.candidate_folders import MADE

    rows = [row.values for row in read_json_lines(folder / MADE) if row.problem is None]
    return [(f"{row['id']}/{clip}", reason) for row in rows for clip, reason in row.get("bad", {}).items()]
