"""Results on the terminal: tables for many clips, details for few."""

from __future__ import annotations

from collections.abc import Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from vqinsight.report import phrases
from vqinsight.results import ClipComparison, ClipRanking, ClipScore, ClipVerdict, Reply
from vqinsight.tasks.types import Dimension

_DETAILS = 5  # up to so many clips are shown in full
_BAR = 16
_NARROW = 64  # columns below which there is no place for bars


def show_scores(console: Console, records: Sequence[ClipScore]) -> None:
    """Print scores: each clip in full when they are few, a table when there is more than one, and what failed."""
    scored = [record for record in records if record.status == "ok"]
    if len(scored) <= _DETAILS:
        for record in scored:
            _heading(console, record)
            _score_lines(console, record)
            _asides(console, record)
    if len(scored) > 1:
        _score_table(console, scored)
    if scored:
        _print(console, phrases.HIGHER_IS_BETTER, "dim")
    if any(record.spread for record in scored):
        _print(console, "Scores are medians; ± is half the range between the 10th and 90th percentile.", "dim")
    _end(console, records)


def show_verdicts(console: Console, records: Sequence[ClipVerdict]) -> None:
    """Print answers to a yes/no question: with the reasoning when they are few, else a table."""
    answered = [record for record in records if record.status == "ok"]
    if answered:
        _print(console, answered[0].question, "bold")
    if len(answered) <= _DETAILS:
        for record in answered:
            _heading(console, record)
            _print(console, f"{phrases.yes_no(record)}{_share(record)}", "bold cyan", indent=2)
            _asides(console, record)
    else:
        table = _table("Clip", "Answer", *(["Share of yes"] if len(answered[0].replies) > 1 else []))
        for record in answered:
            share = [f"{record.share_yes:.0%}"] if len(record.replies) > 1 and record.share_yes is not None else []
            table.add_row(_text(record.path), phrases.yes_no(record), *share)
        console.print(table, Text())
    _end(console, records)


def show_comparisons(console: Console, records: Sequence[ClipComparison]) -> None:
    """Print comparisons: the verdict, what was answered in both orders, and the order bias."""
    for record in records:
        for side, path, clip_input in (("A", record.a, record.input_a), ("B", record.b, record.input_b)):
            _print(console, f"{side}  {path}", "bold")
            if clip_input:
                _print(console, phrases.shown(clip_input), "dim", indent=3)
        console.print()
        if record.status != "unreadable":
            _print(console, phrases.verdict(record), "bold cyan")
            _order(console, "A then B", record.forward)
            _order(console, "B then A", record.swapped)
        if record.order_bias is not None:
            _print(console, f"Order bias {record.order_bias:+.2f} ({phrases.BIAS_SCALE}).", "dim")
    _end(console, records)


def show_rankings(console: Console, records: Sequence[ClipRanking]) -> None:
    """Print rankings: places, wins and strengths, then cycles, order bias and how often clips were encoded."""
    for ranking in records:
        table = _table("Rank", "Clip", "Wins", "Strength")
        for place in ranking.standings:
            if place.rank is not None:
                table.add_row(str(place.rank), _text(place.path), f"{place.wins:g}", f"{place.strength:+.2f}")
        console.print(table, Text())
        for line in phrases.ranking_notes(ranking):
            _print(console, line)
    _end(console, records)


def _heading(console: Console, record: ClipScore | ClipVerdict) -> None:
    _print(console, record.path, "bold")
    if record.prompt:
        _print(console, f"Prompt: {record.prompt}", "dim", indent=2)


def _score_lines(console: Console, record: ClipScore) -> None:
    scores, spread = record.scores or {}, record.spread or {}
    roomy = console.width >= _NARROW
    grid = Table.grid(padding=(0, 2))
    for _ in range(4 if roomy else 3):
        grid.add_column()
    grid.columns[1].justify = "right"
    rows: list[tuple[str, float, float, float, float | None, str]] = [
        (d.key, scores[d.key], d.low, d.high, spread.get(d.key), f"{phrases.scale(d)}, {d.meaning}")
        for d in record.dimensions
    ]
    if record.overall is not None and len(rows) > 1:
        rows.append(("overall", record.overall, 0.0, 100.0, None, "0–100, mean of the dimensions"))
    for key, value, low, high, wide, meaning in rows:
        figure = phrases.number(value, low, high) + (
            f" ± {phrases.number(wide, low, high)}" if wide is not None else ""
        )
        bar = [_bar((value - low) / (high - low))] if roomy else []
        grid.add_row(Text(key), Text(figure, "bold"), *bar, Text(meaning, "dim"))
    console.print(Padding(grid, (0, 0, 0, 2), expand=False))


def _bar(share: float) -> Text:
    full = round(min(max(share, 0.0), 1.0) * _BAR)
    return Text.assemble(("━" * full, "cyan"), ("─" * (_BAR - full), "dim"))


def _score_table(console: Console, scored: Sequence[ClipScore]) -> None:
    dimensions = phrases.scales(scored)
    headings = [f"{dimension.key}\n{phrases.scale(dimension)}" for dimension in dimensions]
    table = _table("Clip", *headings, *(["overall\n0–100"] if len(dimensions) > 1 else []), "frames")
    for record in scored:
        cells = [_cell(record, dimension) for dimension in dimensions]
        if len(dimensions) > 1:
            cells.append(f"{record.overall:.1f}")
        clip_input = record.input
        cells.append(f"{len(set(clip_input.indices))}/{clip_input.source_frames}" if clip_input else "")
        table.add_row(_text(record.path), *cells)
    console.print(table, Text())


def _cell(record: ClipScore, dimension: Dimension) -> str:
    value = phrases.score_on(record, dimension)
    if value is None:
        return ""
    low, high = dimension.low, dimension.high
    spread = f" ± {phrases.number(record.spread[dimension.key], low, high)}" if record.spread else ""
    return phrases.number(value, low, high) + spread


def _asides(console: Console, record: ClipScore | ClipVerdict) -> None:
    """The reasoning, how the clip was sampled, and what was odd about it."""
    if record.reasoning:
        _print(console, record.reasoning, "italic", indent=2)
    if record.input:
        _print(console, phrases.shown(record.input), "dim", indent=2)
        for warning in record.input.warnings:
            _print(console, f"! {warning}", "yellow", indent=2)
    console.print()


def _order(console: Console, order: str, replies: tuple[Reply, ...]) -> None:
    said = phrases.spokesman(replies)
    swapped = order.startswith("B")
    choice = phrases.chosen(said, swapped) if said else None
    meaning = f", that is clip {choice}" if swapped and choice in ("A", "B") else ""
    _print(console, f"Shown {order}, the answer is {phrases.tally(replies)}{meaning}.")
    if said and said.reasoning:
        _print(console, said.reasoning, "italic", indent=2)


def _share(record: ClipVerdict) -> str:
    return f" ({record.share_yes:.0%} yes)" if record.share_yes is not None and len(record.replies) > 1 else ""


def _end(console: Console, records: Sequence[phrases.ResultRecord]) -> None:
    """What failed, one line each, and which model answered."""
    for name, status, error in phrases.failures(records):
        console.print(
            Text.assemble(("✗ ", "red"), (phrases.printable(name), "bold"), f" {status}: {phrases.printable(error)}")
        )
    for provenance in phrases.provenances(records):
        _print(console, phrases.signature(provenance), "dim")


def _table(first: str, *headings: str) -> Table:
    table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, header_style="bold")
    for heading in (first, *headings):
        is_name = heading == "Clip"
        table.add_column(heading, overflow="fold", justify="left" if is_name else "right")
    return table


def _text(content: str) -> Text:
    return Text(phrases.printable(content))


def _print(console: Console, content: str, style: str = "", *, indent: int = 0) -> None:
    text = Text(phrases.printable(content).strip(), style)
    for line in text.wrap(console, max(console.width - indent, 8)):
        line.rstrip()
        console.print(Text(" " * indent) + line)
