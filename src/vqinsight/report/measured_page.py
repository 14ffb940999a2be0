"""The HTML page of measured clips: values, worst moments with pictures, and defects over time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import numpy as np

from vqinsight.common.version import __version__
from vqinsight.measure.stills import defects
from vqinsight.measure.types import SEVERITIES, Measured, MeasuredClip
from vqinsight.report import measured_phrases, phrases
from vqinsight.report.files import replacing
from vqinsight.report.html import environment, file_name
from vqinsight.report.measured import ClipMeasurement
from vqinsight.report.timeline import Chart, levels, line, marks, time_axis, with_cuts

_ROOM = 1.15  # above the greatest value


def write_measured(path: Path, records: Sequence[ClipMeasurement], command: str | None = None) -> None:
    """Write a page about measured clips, which loads nothing and has no scripts.

    Args:
        command: the command line, shown for reproduction.

    Raises:
        UsageError: the file cannot be written.
    """
    page = render_measured(records, command)
    with replacing(path) as part:
        part.write_text(page, encoding="utf-8")


def render_measured(records: Sequence[ClipMeasurement], command: str | None) -> str:
    """The page as text; see ``write_measured``."""
    read = [record for record in records if record.clip is not None]
    return environment().get_template("measured.html").render(
        title=f"Measurements of {f'{len(records)} clips' if len(records) > 1 else file_name(records[0].path)}",
        command=command,
        date=datetime.now().astimezone(),
        version=__version__,
        records=read,
        said=measured_phrases,
        charts={id(record): defect_charts(record.clip) for record in read if record.clip is not None},
        failures=phrases.failures(records),
    )  # fmt: skip


def defect_charts(clip: MeasuredClip) -> list[Chart]:
    """A chart for each defect that is seen in a clip, most severe first; none for a single frame."""
    if clip.frames == 1 or clip.duration <= 0:
        return []
    return [with_cuts(_chart(clip, each), clip.cuts, clip.duration) for each in defects(clip)]


def _chart(clip: MeasuredClip, measured: Measured) -> Chart:
    quantity, series = measured.quantity, clip.series[measured.quantity.key]
    greatest = float(np.nanmax(series, initial=quantity.ladder[0]))
    top = _ROOM * greatest
    steps = zip(quantity.ladder, SEVERITIES[1:], strict=True)
    stretches = [
        (each.start, each.end, f"{phrases.moment(each.start, each.end)}: {measured_phrases.figure(each.value)}")
        for each in measured.worst
    ]
    return Chart(
        name=measured_phrases.name(measured),
        meaning=quantity.meaning,
        summary=f"{measured_phrases.with_unit(measured)}, {measured.severity}",
        lines=line(clip.times, series, clip.duration, top),
        levels=levels(steps, top),
        ticks=time_axis(clip.duration),
        moments=marks(stretches, clip.duration),
    )
