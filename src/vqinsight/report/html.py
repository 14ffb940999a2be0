"""The HTML report: one self-contained page with frames, plots, reasoning and errors."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path, PurePath
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from vqinsight.report import phrases, plot, timeline
from vqinsight.report.files import replacing
from vqinsight.report.phrases import ResultRecord
from vqinsight.results import ClipComparison, ClipRanking, ClipScore, ClipVerdict


def write_report(
    path: Path, records: Sequence[ResultRecord], title: str | None = None, command: str | None = None
) -> None:
    """Write a page about records: scores, verdicts, comparisons and rankings each have a section.

    The page contains its style and images, loads nothing and has no scripts; text of clips and models is escaped.

    Args:
        title: heading of the page; by default derived from the records.
        command: the command line, shown for reproduction.

    Raises:
        UsageError: the file cannot be written.
    """
    page = render(records, title, command)
    with replacing(path) as part:
        part.write_text(page, encoding="utf-8")


def render(records: Sequence[ResultRecord], title: str | None, command: str | None) -> str:
    """The page as text; see ``write_report``."""
    scores = [record for record in records if isinstance(record, ClipScore)]
    files = timeline.scored_files(scores)
    return environment().get_template("report.html").render(
        title=title or _title(records),
        command=command,
        date=datetime.now().astimezone(),
        scores=scores,
        dimensions=phrases.scales(scores),
        sets=phrases.overall_sets(scores),
        strips=plot.strips(scores),
        files=files,
        rows_only=_rows_only(files),
        verdicts=[record for record in records if isinstance(record, ClipVerdict)],
        comparisons=[record for record in records if isinstance(record, ClipComparison)],
        rankings=[record for record in records if isinstance(record, ClipRanking)],
        failures=phrases.failures(records),
        provenances=phrases.provenances(records),
    )  # fmt: skip


def _rows_only(files: Sequence[timeline.ScoredFile]) -> set[int]:
    """The numbers of windows without a card: all but the lowest of their file."""
    return {place for file in files for place, _, _ in file.windows if place not in file.lowest}


def environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_harmless,
    )
    environment.globals.update(words=phrases, plot=plot, timeline=timeline)
    environment.filters.update(id=id, picture=_picture, folder=_folder, file_name=file_name)
    return environment


def _harmless(value: Any) -> Any:
    """A value for the page: text without control characters and lone surrogates."""
    return phrases.printable(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _picture(jpeg: bytes) -> str:
    return f"data:image/jpeg;base64,{base64.b64encode(jpeg).decode()}"


def file_name(path: str) -> str:
    """The last part of a path."""
    return PurePath(path).name or path


def _folder(path: str) -> str:
    return path.removesuffix(file_name(path))


def _title(records: Sequence[ResultRecord]) -> str:
    kinds = {type(record) for record in records}
    if len(kinds) != 1:
        return "Quality of clips"
    first = records[0]
    if isinstance(first, ClipRanking):
        return f"Ranking of {len(first.standings)} clips"
    if isinstance(first, ClipComparison) and len(records) == 1:
        return f"{file_name(first.a)} against {file_name(first.b)}"
    if isinstance(first, ClipVerdict):
        return first.question
    if isinstance(first, ClipScore) and len(records) == 1:
        return f"Quality of {file_name(first.path)}"
    return f"{'Comparisons of' if isinstance(first, ClipComparison) else 'Quality of'} {len(records)} clips"
