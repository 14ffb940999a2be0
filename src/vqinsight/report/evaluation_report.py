"""Output of a finished evaluation: terminal, result file, plots, and an HTML page with all of them."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from vqinsight.common.provenance import commit
from vqinsight.common.version import __version__
from vqinsight.evaluation.benchmarks import BENCHMARKS, BenchmarkData
from vqinsight.evaluation.prediction_file import Header
from vqinsight.evaluation.summary import Summary
from vqinsight.report import metric_tables
from vqinsight.report.files import replacing
from vqinsight.report.html import environment
from vqinsight.report.phrases import printable
from vqinsight.report.scatter import Scatter, draw_scatter

_NARROW = 110  # terminal columns below which intervals get their own line
_NAMED = 5  # clips of each kind named on the terminal; all are in the result file and on the page


@dataclass(frozen=True)
class EvaluationRun:
    """Everything about a run.

    Attributes:
        header: predictor, benchmark, split and settings.
        summary: the figures.
        exam: the benchmark's questions; ``None`` where figures are computed from stored predictions alone.
        command: the command line.
    """

    header: Header
    summary: Summary
    exam: BenchmarkData | None
    command: str

    @property
    def title(self) -> str:
        """Benchmark and split."""
        return f"{BENCHMARKS[self.header.benchmark].title}, {self.header.split}"

    @property
    def asked(self) -> str:
        """The predictor, in one line."""
        settings = ", ".join(f"{key} {value}" for key, value in self.header.settings.items() if value is not None)
        return f"{self.header.judge} {self.header.digest} ({settings})"

    @property
    def notes(self) -> tuple[str, ...]:
        """Remarks on the data."""
        exam = self.exam
        kept = (
            (f"{len(exam.not_on_disk)} clips that the labels name are not on the disk",)
            if exam and exam.not_on_disk
            else ()
        )
        rows = (f"{len(exam.left_out)} label rows could not be used",) if exam and exam.left_out else ()
        return (*(exam.notes if exam else ()), *kept, *rows, *self.summary.notes)

    def as_dict(self) -> dict[str, Any]:
        """The content of the result file, ready for JSON."""
        plain = asdict(self.summary)
        for task in plain["scores"]:
            task.pop("points")  # they are in the predictions
        left = ("scores", "pairs", "verdicts")
        return {
            "command": self.command,
            "commit": commit(),
            "version": __version__,
            "benchmark": self.header.benchmark,
            "split": self.header.split,
            "model": self.header.judge,
            "digest": self.header.digest,
            "settings": dict(self.header.settings),
            "counts": {
                **{key: plain[key] for key in ("asked", "ok", "missing", "unreadable")},
                "not_on_disk": len(self.exam.not_on_disk) if self.exam else None,
                "label_rows_left_out": len(self.exam.left_out) if self.exam else None,
            },
            **{key: plain[key] for key in left},
            "reasons": dict(self.summary.reasons),
            "bad_clips": plain["bad_clips"],
            "not_on_disk": list(self.exam.not_on_disk) if self.exam else None,
            "label_rows_left_out": list(self.exam.left_out) if self.exam else None,
            "notes": list(self.notes),
        }


def show(console: Console, run: EvaluationRun, files: Sequence[Path]) -> None:
    """Print the figures, what is left out, and the paths of the files."""
    _say(console, run.title, "bold")
    _say(console, metric_tables.counts(run.summary))
    console.print()
    narrow = console.width < _NARROW
    for each in metric_tables.tables(run.summary):
        _say(console, each.title, "bold")
        plain = each.head[1:] == ("",)
        table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, show_header=not plain)
        for place, heading in enumerate(each.head):
            name = place == 0 or plain or heading == "dimension"
            table.add_column(heading, justify="left" if name else "right", overflow="fold")
        for row in each.rows:
            table.add_row(*(Text(printable(cell.replace(" [", "\n[") if narrow else cell)) for cell in row))
        console.print(table)
        for note in each.notes:
            _say(console, note, "dim")
        console.print()
    for note in run.notes:
        _say(console, f"Note: {note}.", "dim")
    for reason, count in run.summary.reasons[:_NAMED]:
        _say(console, f"No usable answer, {count} times: {reason}")
    _list(console, "cannot be read", run.summary.bad_clips)
    if run.exam is not None:
        _list(console, "not on the disk", run.exam.not_on_disk)
        _list(console, "label row left out", run.exam.left_out)
    _say(console, run.asked, "dim")
    for path in files:
        _say(console, f"Written: {path}", "dim")


def scatters(run: EvaluationRun) -> dict[str, Scatter]:
    """A plot for each dimension that has at least two points, by ``task_dimension``."""
    found = {}
    for task in run.summary.scores:
        for key, column in task.points.items():
            given = [
                (x, y, source)
                for x, y, source in zip(column.predictions, column.labels, column.sources, strict=True)
                if x is not None
            ]
            if len(given) < 2:
                continue
            result = task.dimensions[key]
            found[f"{task.task}_{key}"] = Scatter(
                title=f"{run.title}, {key}: SRCC {metric_tables.measured(result.srcc)}",
                subtitle=(
                    f"{run.header.judge} {run.header.digest}, n = {result.n}, {result.missing} missing, "
                    f"PLCC {metric_tables.measured(result.plcc)}, 95 % intervals"
                ),
                across=f"the judge's {key}" + ("; the curve is the fitted logistic" if result.logistic else ""),
                up="people" if run.header.benchmark != "synthetic" else "exact quality",
                x=[x for x, _, _ in given],
                y=[y for _, y, _ in given],
                range=column.range,
                sources=[source for _, _, source in given],
                curve=result.logistic,
            )
    return found


def write(run: EvaluationRun, out: Path | None, report: Path | None) -> list[Path]:
    """Write the result file with a PNG for each dimension beside it, and the page; ``None`` is not written.

    Raises:
        UsageError: a file cannot be written.
    """
    written = []
    plots = {name: draw_scatter(scatter) for name, scatter in scatters(run).items()} if out or report else {}
    if out is not None:
        for name, png in plots.items():
            written.append(out.with_name(f"{out.stem}.{name}.png"))
            with replacing(written[-1]) as part:
                part.write_bytes(png)
        with replacing(out) as part:
            part.write_text(json.dumps(run.as_dict(), indent=2, allow_nan=False) + "\n", encoding="utf-8")
        written.append(out)
    if report is not None:
        page = render(run, list(plots.items()))
        with replacing(report) as part:
            part.write_text(page, encoding="utf-8")
        written.append(report)
    return written


def render(run: EvaluationRun, plots: Sequence[tuple[str, bytes]]) -> str:
    """The page as text: self-contained, without scripts."""
    return environment().get_template("evaluation.html").render(
        run=run,
        counts=metric_tables.counts(run.summary),
        tables=metric_tables.tables(run.summary),
        plots=[(name.replace("_", ", "), base64.b64encode(png).decode()) for name, png in plots],
        paper=BENCHMARKS[run.header.benchmark].paper,
        date=datetime.now().astimezone(),
        commit=commit(),
        version=__version__,
    )  # fmt: skip


def _list(console: Console, what: str, names: Sequence[str]) -> None:
    for name in names[:_NAMED]:
        _say(console, f"✗ {what}: {name}")
    if len(names) > _NAMED:
        _say(console, f"✗ and {len(names) - _NAMED} more ({what}); the result file names them all")


def _say(console: Console, line: str, style: str = "") -> None:
    console.print(Text(printable(line), style), soft_wrap=False)
