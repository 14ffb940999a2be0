"""``vqinsight calibrate``: a scale of your own, from ratings of your clips."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from vqinsight.cli import engine as eng
from vqinsight.cli import options as opt
from vqinsight.errors import UsageError
from vqinsight.tasks.types import TaskName

_SCALE = "The scale"
_ROLES = "path, rating, prompt, generator or rater"


def calibrate(
    ratings: Annotated[
        Path,
        typer.Argument(
            metavar="RATINGS",
            show_default=False,
            help="A .csv, .jsonl or .parquet file: path, rating; also prompt, generator, rater.",
        ),
    ],
    name: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", show_default=False, help="For --scale NAME; else the file's name.", rich_help_panel=_SCALE
        ),
    ] = None,
    column: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ROLE=COLUMN",
            show_default=False,
            help=f"The column of {_ROLES}; several of rating, one a rater, are averaged.",
            rich_help_panel=_SCALE,
        ),
    ] = None,
    task: opt.Task = None,
    dimension: Annotated[
        str, typer.Option(metavar="NAME", help="Which of the judge's scores is mapped.", rich_help_panel=_SCALE)
    ] = "overall",
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            show_default=False,
            help="Write the scale to this .json file, not to the user's data folder.",
            rich_help_panel=_SCALE,
        ),
    ] = None,
    model: opt.Model = "nano",
    adapter: opt.Adapter = None,
    template: opt.Template = None,
    device: opt.Device = "auto",
    dtype: opt.DType = "auto",
    fps: opt.Fps = None,
    frames: opt.Frames = None,
    max_pixels: opt.MaxPixels = None,
    folder_fps: opt.FolderFps = None,
    evidence: opt.Evidence = None,
    engine: eng.Engine = "local",
    url: eng.Url = None,
    api_key_env: eng.ApiKeyEnv = None,
    concurrency: eng.Concurrency = 8,
    deadline: eng.Deadline = 300.0,
    samples: opt.Samples = 1,
    temperature: opt.Temperature = 1.0,
    seed: opt.Seed = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print the scale as JSON instead of text.")] = False,
    quiet: opt.Quiet = False,
) -> None:
    """Fit a scale of your own to ratings, for score --scale."""
    from vqinsight.report.output import plain_endings

    asked = opt.Asking(
        model=model,
        adapter=adapter,
        template=template,
        device=device,
        dtype=dtype,
        fps=fps,
        frames=frames,
        max_pixels=max_pixels,
        folder_fps=folder_fps,
        evidence=evidence,
        engine=engine,
        url=url,
        api_key_env=api_key_env,
        concurrency=concurrency,
        deadline=deadline,
        samples=samples,
        temperature=temperature,
        seed=seed,
        json_lines=as_json,
        quiet=quiet,
    )
    with plain_endings("Interrupted. No scale was written.", quiet=quiet):
        _calibrate(ratings, name, _columns(column or []), task, dimension, out, asked)


def _calibrate(
    table: Path,
    name: str | None,
    columns: dict[str, list[str]],
    task: TaskName | None,
    dimension: str,
    out: Path | None,
    asked: opt.Asking,
) -> None:
    from vqinsight.calibration.calibrate import calibrate as fit
    from vqinsight.calibration.calibrate import check_ratings
    from vqinsight.calibration.ratings import read_ratings
    from vqinsight.calibration.scale import SUFFIX, named_place
    from vqinsight.cli.engine import open_judge
    from vqinsight.report import progress
    from vqinsight.report.calibration_report import show_scale
    from vqinsight.report.files import check_target
    from vqinsight.report.output import text_console

    name = name or (out or table).stem
    if out is not None:
        check_target(out, "--out", (SUFFIX,), [str(table)])
    place = out or named_place(name)
    rated = read_ratings(table, columns)
    check_ratings(rated)
    judge = open_judge(asked)
    with progress.counting("Scoring and measuring", len(rated.clips), asked.json_lines) as count:
        scale = fit(judge, rated, name, task=task, dimension=dimension, on_progress=count, **asked.pick(*opt.SAMPLING))
    scale.save(place)
    if asked.json_lines:
        print(scale.as_json())
    else:
        show_scale(text_console(), scale, str(place), str(out or name))


def _columns(given: list[str]) -> dict[str, list[str]]:
    """The columns by role."""
    from vqinsight.calibration.ratings import NAMES

    found: dict[str, list[str]] = {}
    for each in given:
        role, equals, column = (part.strip() for part in each.partition("="))
        if role not in NAMES or not equals or not column:
            raise UsageError(f"--column {each}: write ROLE=COLUMN, the role {_ROLES}.")
        found.setdefault(role, []).append(column)
    if several := [role for role, columns in found.items() if role != "rating" and len(columns) > 1]:
        raise UsageError(f"--column: {several[0]} has one column, {len(found[several[0]])} are named.")
    return found
