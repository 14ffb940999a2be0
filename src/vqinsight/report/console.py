"""Results on the terminal: tables for many clips, details for few."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from vqinsight.report import phrases
from vqinsight.report.picks import Picks, overall_of_row
from vqinsight.report.printing import print_failure, print_failures, print_standings, print_table, print_text
from vqinsight.report.timeline import scored_files
from vqinsight.results import ClipComparison, ClipInput, ClipRanking, ClipScore, ClipVerdict, Reply

_DETAILS = 5  # most clips shown in full
_BAR = 16
_NARROW = 64  # terminal columns below which bars are left out
_RANK_REASONING = "Reasoning: use --verbose, --out FILE.jsonl or --report."  # a ranking's table has one row per clip


def show_scores(console: Console, records: Sequence[ClipScore], *, verbose: bool = False) -> None:
    """Print scores: each clip in full when they are few, a table when there is more than one, and failures.

    Args:
        verbose: every clip in full, with all details of what the model is shown.
    """
    scored = [record for record in records if record.status == "ok"]
    full = verbose or len(scored) <= _DETAILS
    if full:
        for record in scored:
            _heading(console, record)
            _score_lines(console, record)
            if (on_scale := phrases.calibrated(record)) is not None:
                print_text(console, on_scale, "bold", indent=2)
            _asides(console, record, verbose)
    if len(scored) > 1:
        _score_table(console, scored)
        for record in scored if not full else ():
            for key, reason in phrases.lacking(record):
                print_text(console, f"{phrases.NONE} {record.path}: {key}: {reason}", "yellow")
        if len(phrases.overall_sets(scored)) > 1:
            print_text(console, phrases.NOT_COMPARED, "dim")
    for file in scored_files(records):
        print_text(console, f"{file.file}: {file.summary()}.", "bold")
    if scored and not full:
        print_text(console, phrases.REASONING, "dim")
        _warnings(console, scored)
    if scored:
        print_text(console, phrases.HIGHER_IS_BETTER, "dim")
    if any(record.spread for record in scored):
        print_text(console, "Scores are medians; ± is half the range between the 10th and 90th percentile.", "dim")
    _end(console, records)


def show_verdicts(console: Console, records: Sequence[ClipVerdict], *, verbose: bool = False) -> None:
    """Print answers to a yes/no question: with the reasoning when they are few, else a table.

    Args:
        verbose: as for ``show_scores``.
    """
    answered = [record for record in records if record.status == "ok"]
    if answered:
        print_text(console, answered[0].question, "bold")
    if verbose or len(answered) <= _DETAILS:
        for record in answered:
            _heading(console, record)
            print_text(console, f"{phrases.yes_no(record)}{_share(record)}", "bold cyan", indent=2)
            _asides(console, record, verbose)
    else:
        headings = ["Answer", *(["Share of yes"] if len(answered[0].replies) > 1 else [])]
        rows = []
        for record in answered:
            share = [f"{record.share_yes:.0%}"] if len(record.replies) > 1 and record.share_yes is not None else []
            rows.append([record.path, phrases.yes_no(record), *share])
        print_table(console, ["Clip", *headings], rows)
        print_text(console, phrases.REASONING, "dim")
        _warnings(console, answered)
    _end(console, records)


def show_comparisons(console: Console, records: Sequence[ClipComparison], *, verbose: bool = False) -> None:
    """Print comparisons: the verdict, the answers in both orders, and the order bias.

    Args:
        verbose: with all details of what the model is shown.
    """
    for record in records:
        for side, path, clip_input in (("A", record.a, record.input_a), ("B", record.b, record.input_b)):
            print_text(console, f"{side}  {path}", "bold")
            _input(console, clip_input, verbose, indent=3)
        console.print()
        if record.status != "unreadable":
            print_text(console, phrases.verdict(record), "bold cyan")
            _order(console, "A then B", record.forward)
            _order(console, "B then A", record.swapped)
        if record.order_bias is not None:
            print_text(console, f"Order bias {record.order_bias:+.2f} ({phrases.BIAS_SCALE}).", "dim")
    _end(console, records)


def show_rankings(console: Console, records: Sequence[ClipRanking], *, verbose: bool = False) -> None:
    """Print rankings: ranks, wins and strengths, then cycles, order bias and the number of encoded clips.

    Args:
        verbose: with every comparison, and what the model is shown.
    """
    for ranking in records:
        if ranking.prompt and len(records) > 1:
            print_text(console, f"Prompt: {ranking.prompt}", "bold")
        placed = [place for place in ranking.standings if place.rank is not None]
        print_standings(console, placed)
        if verbose:
            show_comparisons(console, [pair for pair in ranking.comparisons if pair.status == "ok"], verbose=True)
        else:
            shown = dict.fromkeys(phrases.shown_briefly(place.input) for place in placed if place.input is not None)
            if shown:
                print_text(console, "; ".join(shown), "dim")
            print_text(console, _RANK_REASONING, "dim")
            _warnings(console, [ranking])
        for line in phrases.ranking_notes(ranking):
            print_text(console, line)
    _end(console, records)


def show_kept(console: Console, folder: str, rows: Sequence[Mapping[str, Any]], picks: Picks) -> None:
    """Print how the clips of a source stand in a results folder: counts, failures, and what is picked.

    Args:
        rows: with path, status, error, and where clips are scored overall, overall_of and missing_dimensions.
    """
    if picks.reorders:
        shown = [row for row in picks.apply(rows, overall_of_row) if row.get("overall") is not None]
        cells = [[row["path"], phrases.number(row["overall"], 0, 100), ", ".join(row["overall_of"])] for row in shown]
        print_table(console, ["Clip", "overall 0–100", "of"], cells)
    failed = [row for row in rows if row["status"] != "ok"]
    errors = [(row["path"], row["status"], phrases.complaint(row["path"], row["error"])) for row in failed]
    print_failures(console, errors, folder)
    said = counted(row["status"] for row in rows)
    print_text(console, f"{folder}: {len(rows)} clips: {said}." if rows else f"{folder}: no clips.")
    lacking = [row for row in rows if row["status"] == "ok" and row.get("missing_dimensions")]
    if lacking:
        print_text(console, f"Without a score on a dimension: {len(lacking)}; see the column missing_dimensions.")


def counted(statuses: Iterable[str]) -> str:
    """How many of each: ``34 ok, 6 unreadable``."""
    counts = sorted(Counter(statuses).items(), key=lambda each: each[0] != "ok")
    return ", ".join(f"{count} {status}" for status, count in counts)


def _heading(console: Console, record: ClipScore | ClipVerdict) -> None:
    print_text(console, record.path, "bold")
    if record.prompt:
        print_text(console, f"Prompt: {record.prompt}", "dim", indent=2)


def _score_lines(console: Console, record: ClipScore) -> None:
    scores, spread = record.scores or {}, record.spread or {}
    roomy = console.width >= _NARROW
    grid = Table.grid(padding=(0, 2))
    for _ in range(4 if roomy else 3):
        grid.add_column()
    grid.columns[1].justify = "right"
    rows: list[tuple[str, float | None, float, float, float | None, str]] = [
        (d.key, scores.get(d.key), d.low, d.high, spread.get(d.key), f"{phrases.scale(d)}, {d.meaning}")
        for d in record.dimensions
    ]
    if record.overall is not None and len(rows) > 1:
        rows.append(("overall", record.overall, 0.0, 100.0, None, f"0–100, mean of {phrases.overall_of(record)}"))
    for key, value, low, high, wide, meaning in rows:
        if value is None:
            why = Text(record.missing_dimensions[key], "yellow")
            grid.add_row(Text(key), Text(phrases.NONE, "bold"), *([""] if roomy else []), why)
            continue
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
    ranges: dict[str, list[str]] = {}  # a name that occurs on several scales is one column, each cell with its own
    for dimension in phrases.scales(scored):
        known = ranges.setdefault(dimension.key, [])
        if phrases.scale(dimension) not in known:
            known.append(phrases.scale(dimension))
    headings = [f"{key}\n{' or '.join(known)}" for key, known in ranges.items()]
    several = len(ranges) > 1 or any(len(known) > 1 for known in ranges.values())
    on_scale = next((record.calibrated.scale for record in scored if record.calibrated), "")
    named = len(phrases.overall_sets(scored)) > 1
    rows = []
    for record in scored:
        cells = [_cell(record, key, len(known) > 1) for key, known in ranges.items()]
        if several:
            cells.append(f"{record.overall:.1f}" + (f" of {phrases.overall_of(record)}" if named else ""))
        if on_scale:
            value = record.calibrated.value if record.calibrated else None
            cells.append("" if value is None else f"{value:.2f}")
        clip_input = record.input
        cells.append(f"{len(set(clip_input.indices))}/{clip_input.source_frames}" if clip_input else "")
        rows.append([record.path, *cells])
    print_table(
        console,
        [
            "Clip",
            *headings,
            *(["overall\n0–100"] if several else []),
            *([f"scale\n{on_scale}"] if on_scale else []),
            "frames",
        ],
        rows,
    )


def _cell(record: ClipScore, key: str, own_scale: bool) -> str:
    dimension = next((each for each in record.dimensions if each.key == key), None)
    if dimension is None or not record.scores:
        return ""
    if key not in record.scores:
        return phrases.NONE
    low, high = dimension.low, dimension.high
    spread = f" ± {phrases.number(record.spread[key], low, high)}" if record.spread else ""
    scale = f" ({phrases.scale(dimension)})" if own_scale else ""
    return phrases.number(record.scores[key], low, high) + spread + scale


def _asides(console: Console, record: ClipScore | ClipVerdict, verbose: bool) -> None:
    """The reasoning, what the model is shown, and warnings about the clip."""
    if record.reasoning:
        print_text(console, record.reasoning, "italic", indent=2)
    _input(console, record.input, verbose, indent=2)
    console.print()


def _input(console: Console, clip_input: ClipInput | None, verbose: bool, *, indent: int) -> None:
    if clip_input is None:
        return
    print_text(console, (phrases.shown if verbose else phrases.shown_briefly)(clip_input), "dim", indent=indent)
    if clip_input.evidence is not None:
        print_text(console, clip_input.evidence.text, "dim", indent=indent)
    for warning in clip_input.warnings:
        print_text(console, f"! {warning}", "yellow", indent=indent)


def _warnings(console: Console, records: Sequence[phrases.ResultRecord]) -> None:
    """Print warnings below a table."""
    for name, warning in phrases.warnings(records):
        print_text(console, f"! {name}: {warning}", "yellow")


def _order(console: Console, order: str, replies: tuple[Reply, ...]) -> None:
    said = phrases.spokesman(replies)
    swapped = order.startswith("B")
    choice = phrases.chosen(said, swapped) if said else None
    meaning = f", that is clip {choice}" if swapped and choice in ("A", "B") else ""
    print_text(console, f"Shown {order}, the answer is {phrases.tally(replies)}{meaning}.")
    if said and said.reasoning:
        print_text(console, said.reasoning, "italic", indent=2)


def _share(record: ClipVerdict) -> str:
    return f" ({record.share_yes:.0%} yes)" if record.share_yes is not None and len(record.replies) > 1 else ""


def _end(console: Console, records: Sequence[phrases.ResultRecord]) -> None:
    """Print failures, one line each, and the model."""
    for name, status, error in phrases.failures(records):
        print_failure(console, name, status, error)
    for provenance in phrases.provenances(records):
        print_text(console, phrases.signature(provenance), "dim")
