"""``vqinsight vbench``: a generator's row of Table 6."""

from __future__ import annotations

import hashlib
import json
import shlex
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from vqinsight.cli import options as opt
from vqinsight.errors import UsageError


def vbench(
    folder: Annotated[Path, typer.Argument(metavar="DIR", show_default=False, help="VBench's results folder.")],
    generator: Annotated[
        str, typer.Option(metavar="NAME", show_default=False, help="Whose videos they are, for the table.")
    ],
    videos: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            show_default=False,
            help="Run VBench first on these videos (<prompt>-0.mp4 to -4.mp4); dimensions that DIR has are kept.",
        ),
    ] = None,
    info: Annotated[
        Path, typer.Option(metavar="FILE", help="VBench_full_info.json of VBench's repository, with --videos.")
    ] = Path("VBench_full_info.json"),
    command: Annotated[
        str, typer.Option("--vbench", metavar="PROGRAM", help="The vbench program of its own environment.")
    ] = "vbench",
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", show_default=False, help="The result, .json, which vqinsight tables reads."),
    ] = None,
    quiet: opt.Quiet = False,
) -> None:
    """Score a generator from VBench's results.

    Prints the quality, semantic and overall score; none while dimensions are missing.
    """
    from vqinsight.common.provenance import commit
    from vqinsight.common.version import __version__
    from vqinsight.evaluation.vbench import read_vbench
    from vqinsight.evaluation.vbench_process import run_vbench
    from vqinsight.report import progress
    from vqinsight.report.files import check_target, replacing
    from vqinsight.report.output import plain_endings

    with plain_endings(
        "Interrupted. Dimensions that were measured are kept; the same command goes on from there.", quiet=quiet
    ):
        if out is not None:
            check_target(out, "--out", (".json",), [])
        if not generator.strip():
            raise UsageError("--generator: give the generator's name.")
        if videos is not None:
            with progress.counting("VBench dimensions", 16, False) as count:
                run_vbench(videos, folder, info=info, command=command, on_progress=count)
        found = read_vbench(folder)
        digest = hashlib.blake2b(json.dumps(found.raw, sort_keys=True).encode(), digest_size=6).hexdigest()
        result: dict[str, Any] = {
            "command": shlex.join(["vqinsight", *sys.argv[1:]]),
            "commit": commit(),
            "version": __version__,
            "benchmark": "vbench",
            "split": "all",
            "model": generator,
            "digest": digest,  # of the scores: VBench does not record the generator's weights
            "settings": {},
            "counts": {"asked": len(found.raw)},
            "vbench": asdict(found),
            "notes": [],
        }
        if out is not None:
            with replacing(out) as part:
                part.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
        for name in ("quality", "semantic", "overall"):
            print(f"{name:9} {100 * getattr(found, name):.2f} %")
