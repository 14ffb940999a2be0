"""A run's figures as text tables, for the terminal and the HTML page."""

from __future__ import annotations

from dataclasses import dataclass

from vqinsight.evaluation.metrics.bootstrap import Measure
from vqinsight.evaluation.summary import PairFigures, ScoreFigures, Summary, VerdictFigures
from vqinsight.report.phrases import BIAS_SCALE

_TASKS = {"image": "Images", "natural": "Natural videos", "generated": "Generated videos"}
_INTERVALS = "In brackets 95 % bootstrap intervals."
_HOW_TO_READ = (
    f"{_INTERVALS} PLCC is of the raw scores, PLCC fitted after the four-parameter logistic. MAE is the mean distance "
    "to the labels, on the judge's scale."
)
UNDEFINED = "undefined"


@dataclass(frozen=True)
class FigureTable:
    """A table.

    Attributes:
        title: of the table.
        head: headings; the first column holds names, the others figures.
        rows: rows of cells, as many as headings.
        notes: sentences below it.
    """

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = ()


def tables(summary: Summary) -> list[FigureTable]:
    """Every figure of a run: the tables of a task, then its breakdown by generator."""
    found = []
    for task in summary.scores:
        found.append(_scores(task))
        if task.sources:
            found.append(_score_sources(task))
    if summary.pairs is not None:
        found.append(_pairs(summary.pairs))
        if summary.pairs.sources:
            found.append(_pair_sources(summary.pairs))
    if summary.verdicts is not None:
        found.append(_verdicts(summary.verdicts))
    return found


def counts(summary: Summary) -> str:
    """The numbers of answered, missing and unreadable questions, in one sentence."""
    return (
        f"{summary.asked} questions: {summary.ok} answered, {summary.missing} without a usable answer, "
        f"{summary.unreadable} left out because a clip cannot be read."
    )


def measured(measure: Measure, digits: int = 3, *, sign: bool = False) -> str:
    """``0.823 [0.801, 0.845]``: the value and its interval."""
    form = f"{'+' if sign else ''}.{digits}f"
    if measure.value is None:
        return UNDEFINED
    interval = measure.interval
    ends = f" [{interval.low:{form}}, {interval.high:{form}}]" if interval is not None else ""
    return f"{measure.value:{form}}{ends}"


def _scores(task: ScoreFigures) -> FigureTable:
    """Dimensions as columns and figures as rows, to fit a narrow terminal."""
    names = {"srcc": "SRCC", "krcc": "KRCC", "plcc": "PLCC", "plcc_logistic": "PLCC fitted"}
    found = task.dimensions
    rows = [
        [
            shown,
            *(measured(getattr(each, name)) for each in found.values()),
            measured(task.mean.get(name, Measure(None))),
        ]
        for name, shown in names.items()
    ]
    digits = {key: 2 if (ends := column.range) and ends[1] - ends[0] < 10 else 1 for key, column in task.points.items()}
    rows.append(["MAE", *(measured(each.mae, digits[key]) for key, each in found.items()), ""])
    rows.append(["clips", *(str(each.n) for each in found.values()), ""])
    rows.append(["missing", *(str(each.missing) for each in found.values()), ""])
    head = ["", *(_scaled(key, column.range) for key, column in task.points.items()), "mean"]
    width = len(head) if task.mean else len(head) - 1
    said = [f"{key}: {line}." for key, each in found.items() for line in each.warnings]
    cells = tuple(tuple(row[:width]) for row in rows)
    return FigureTable(_TASKS[task.task], tuple(head[:width]), cells, (_HOW_TO_READ, *said))


def _scaled(key: str, ends: tuple[float, float] | None) -> str:
    return f"{key} {ends[0]:g}–{ends[1]:g}" if ends is not None else key


def _score_sources(task: ScoreFigures) -> FigureTable:
    head = ("source", "dimension", "n", "missing", "SRCC within", "judge's mean", "label's mean")
    rows = [
        (each.source, each.dimension, str(each.n), str(each.missing), _within(each.srcc), *map(_mean, means))
        for each in task.sources
        for means in [(each.judge_mean, each.label_mean)]
    ]
    return FigureTable(f"{_TASKS[task.task]}, by who made them", head, tuple(rows))


def _within(measure: Measure) -> str:
    return "" if measure.value is None else measured(measure)


def _mean(value: float | None) -> str:
    return "" if value is None else f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def _pairs(pairs: PairFigures) -> FigureTable:
    found, orders = pairs.scores, pairs.orders
    rows = [
        ("tau, best threshold (Deutsch)", measured(found.tau_deutsch)),
        ("tau, walk (VideoAlign)", measured(found.tau_va)),
        ("diff: pairs that are decided", measured(found.diff)),
        ("accuracy, ties as answered", measured(found.accuracy)),
        ("diff without the judge's ties", measured(found.diff_model_decided)),
        ("pairs", f"{found.n}; ties: of the labels {found.human_ties}, of the judge {found.model_ties}"),
        ("without an answer, counted as ties", str(found.missing)),
    ]
    said = list(found.warnings)
    if orders is not None:
        rows += [
            ("consistent under a swap", measured(orders.consistent)),
            ("order bias", measured(orders.order_bias, sign=True)),
        ]
        said += orders.warnings
    notes = [f"{_INTERVALS} Pairs whose two orders disagree are the judge's ties."]
    if orders is not None:
        notes.append(f"Order bias: {BIAS_SCALE}.")
    return FigureTable("Pairs", ("figure", ""), tuple(rows), (*notes, *(f"{line}." for line in dict.fromkeys(said))))


def _pair_sources(pairs: PairFigures) -> FigureTable:
    head = ("source", "pairs", "diff", "chosen by the judge", "by the labels")
    rows = [
        (each.source, str(each.n), measured(each.diff), f"{each.judge_wins:.0%}", f"{each.label_wins:.0%}")
        for each in pairs.sources
    ]
    return FigureTable("Pairs, by generator", head, tuple(rows), ("A tie counts half for each side.",))


def _verdicts(found: VerdictFigures) -> FigureTable:
    rows = (
        ("right answers", measured(found.accuracy)),
        ("always what is true more often", f"{max(found.people_yes, 1 - found.people_yes):.3f}"),
        (
            "yes, said / true",
            f"{UNDEFINED if found.yes is None else format(found.yes, '.3f')} / {found.people_yes:.3f}",
        ),
        ("questions", str(found.n)),
        ("without an answer, counted as wrong", str(found.missing)),
    )
    return FigureTable("Yes/no questions", ("figure", ""), tuple(rows), (_INTERVALS,))
