"""``vqinsight measure``: physical measurements of every frame of clips, without a model."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from vqinsight.cli import options as opt
from vqinsight.errors import UnreadableVideo

if TYPE_CHECKING:
    from vqinsight.report.measured import ClipMeasurement
    from vqinsight.video.inputs import Source

_REFERENCE = "Against a reference"


def measure(
    clips: opt.Clips,
    reference: Annotated[
        str | None,
        typer.Option(
            metavar="CLIP",
            show_default=False,
            help="Add PSNR and SSIM of luma against this clip, frame by frame at the same times.",
            rich_help_panel=_REFERENCE,
        ),
    ] = None,
    vmaf: Annotated[
        bool,
        typer.Option("--vmaf", help="Add VMAF, by an ffmpeg program that has libvmaf.", rich_help_panel=_REFERENCE),
    ] = False,
    folder_fps: opt.FolderFps = None,
    json_lines: opt.Json = False,
    out: opt.Out = None,
    report: opt.Report = None,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="All values of every clip.", rich_help_panel="Output")
    ] = False,
    quiet: opt.Quiet = False,
) -> None:
    """Measure blur, noise, flicker and other defects, with their times; no model."""
    from vqinsight.cli.judging import expand
    from vqinsight.report import output, progress
    from vqinsight.report.measured_text import show_measurements

    outputs = output.Outputs(json_lines, out, report, quiet)
    show = partial(show_measurements, verbose=verbose)
    with output.deliver(outputs, [*clips, *([reference] if reference else [])], show) as take:
        _check(reference, vmaf, folder_fps)
        sources = [source for source, _ in expand(clips, None)]
        with progress.counting("Measuring", len(sources), json_lines, log=out is not None) as count:
            measured = _measured(sources, reference, vmaf, folder_fps, stills=report is not None)
            for done, record in enumerate(measured, start=1):
                take(record)
                count(done, len(sources))


def _check(reference: str | None, vmaf: bool, folder_fps: float | None) -> None:
    """Refuse what no clip could be measured with, before the first is."""
    if reference is None:
        if vmaf:
            raise typer.BadParameter("--vmaf compares with a reference. Name it: --reference CLIP.")
        return
    from vqinsight.measure.reference import vmaf_program
    from vqinsight.video.info import inside_tar
    from vqinsight.video.read import probe

    if vmaf:
        vmaf_program()
    if inside_tar(reference) is None:
        probe(reference, folder_fps=folder_fps)


def _measured(
    sources: list[Source], reference: str | None, vmaf: bool, folder_fps: float | None, *, stills: bool
) -> Iterator[ClipMeasurement]:
    """The record of each clip, in order."""
    from vqinsight.measure.clip import measure_clip
    from vqinsight.measure.reference import compare_with_reference
    from vqinsight.measure.stills import worst_stills
    from vqinsight.report.measured import ClipMeasurement

    for source in sources:
        if isinstance(source, UnreadableVideo):
            yield ClipMeasurement(source.path, "unreadable", str(source), None)
            continue
        try:
            clip = measure_clip(source, folder_fps=folder_fps)
            pictures = worst_stills(clip, folder_fps=folder_fps) if stills else ()
        except UnreadableVideo as error:
            yield ClipMeasurement(source, "unreadable", str(error), None)
            continue
        fidelity, error_line = None, None
        if reference is not None:
            try:
                fidelity = compare_with_reference(source, reference, folder_fps=folder_fps, vmaf=vmaf)
            except UnreadableVideo as error:
                error_line = str(error)
        yield ClipMeasurement(source, "missing" if error_line else "ok", error_line, clip, fidelity, pictures)
