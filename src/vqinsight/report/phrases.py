"""Texts shared by the terminal and the HTML page."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import PurePath
from statistics import multimode
from typing import TYPE_CHECKING

from rich.cells import cell_len

from vqinsight.report.measured import ClipMeasurement
from vqinsight.results import ClipComparison, ClipInput, ClipRanking, ClipScore, ClipVerdict, Provenance, Reply
from vqinsight.tasks.types import Choice, Dimension, Preference

if TYPE_CHECKING:
    from vqinsight.measure.types import MeasuredClip

JudgedRecord = ClipScore | ClipComparison | ClipRanking | ClipVerdict
ResultRecord = JudgedRecord | ClipMeasurement

# Control characters but the line break, direction overrides, and lone surrogates (undecodable bytes in file names).
_UNPRINTABLE = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")

REASONING = "Reasoning: use --verbose, --out or --report."
NONE = "–"  # in place of a number that is missing
NOT_COMPARED = "Overall scores are of different dimensions, and only those of the same ones compare."
HIGHER_IS_BETTER = "Higher is better on every dimension."
BIAS_SCALE = "0 is none, +0.5 always the clip shown first, -0.5 always the second"


def printable(text: str) -> str:
    """The text with everything that can control a terminal, or that UTF-8 cannot encode, written as an
    escape."""
    return _UNPRINTABLE.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def number(value: float, low: float, high: float) -> str:
    """A score with decimals appropriate to its scale."""
    return f"{value:.{1 if high - low >= 10 else 2}f}"


def scale(dimension: Dimension) -> str:
    """A dimension's range: ``0–100``."""
    return f"{dimension.low:g}–{dimension.high:g}"


def shown_briefly(clip_input: ClipInput) -> str:
    """What the model is shown: ``8 of 48 frames, 112×84``."""
    size = f"{clip_input.size[0]}×{clip_input.size[1]}"
    if clip_input.kind == "image":
        return f"image, {size}"
    files = "frame files" if clip_input.kind == "frames" else "frames"
    return f"{len(set(clip_input.indices))} of {clip_input.source_frames} {files}, {size}"


def shortened(name: str, width: int) -> str:
    """A file name in at most ``width`` terminal cells, shortened in the middle, never in the extension.

    Where not even ``…`` and the extension fit, these are returned.
    """
    if cell_len(name) <= width:
        return name
    suffix = PurePath(name).suffix
    tail_cells = max((width - 1) * 2 // 3, cell_len(suffix))
    head = _cells(name, width - 1 - tail_cells)
    tail = _cells(name[::-1], tail_cells)[::-1]
    return f"{head}…{tail}"


def _cells(text: str, width: int) -> str:
    """The longest beginning that fits ``width`` cells; wide characters are not split."""
    taken = 0
    for place, letter in enumerate(text):
        taken += cell_len(letter)
        if taken > width:
            return text[:place]
    return text


def shown(clip_input: ClipInput) -> str:
    """How a clip is sampled and shown to the model, in one phrase with all details."""
    size = f"{clip_input.width}×{clip_input.height}"
    if clip_input.kind == "image":
        what = f"image of {size}"
    else:
        files = "frame files" if clip_input.kind == "frames" else "frames"
        what = (
            f"{len(set(clip_input.indices))} of {clip_input.source_frames} {files} ({clip_input.rule}); "
            f"{_seconds(clip_input.duration)} at {clip_input.source_fps:.4g} fps, {size}"
        )
    beside = f", with {' and '.join(clip_input.extra)}" if clip_input.extra else ""
    return f"{what}; shown at {clip_input.size[0]}×{clip_input.size[1]}{beside}"


def moment(start: float, end: float | None = None) -> str:
    """A moment in a clip: ``1.20 s``, ``1.20–1.44 s``, and from a minute on ``2:05.2``."""
    if end is None:
        return f"{start:.2f} s" if start < 60 else _clock(start)
    return f"{start:.2f}–{end:.2f} s" if end < 60 else f"{_clock(start)}–{_clock(end)}"


def _clock(seconds: float) -> str:
    tenths = round(seconds * 10)
    minutes, rest = divmod(tenths, 600)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest / 10:04.1f}" if hours else f"{minutes}:{rest / 10:04.1f}"


def calibrated(record: ClipScore) -> str | None:
    """The value on a user's scale with its range, or why there is none; ``None`` where none is asked for."""
    on = record.calibrated
    if on is None:
        return None
    if on.value is None or on.low is None or on.high is None:
        return f"scale {on.scale}: no value ({on.note})"
    note = f" ({on.note})" if on.note else ""
    return f"scale {on.scale}: {on.value:.2f}, for 80 of 100 clips {on.low:.2f} to {on.high:.2f}{note}"


def _seconds(duration: float) -> str:
    minutes, seconds = divmod(round(duration), 60)
    return f"{minutes} min {seconds} s" if duration >= 100 else f"{duration:.3g} s"


def asked(provenance: Provenance) -> str:
    """How answers are sampled."""
    if provenance.samples == 1:
        return "the most likely answer"
    return f"{provenance.samples} answers at temperature {provenance.temperature:g}, seed {provenance.seed}"


def signature(provenance: Provenance) -> str:
    """The model and its settings, in one line."""
    return (
        f"{provenance.model} {provenance.model_hash} ({provenance.family}), template {provenance.template}, "
        f"{asked(provenance)}, {where(provenance)}, vqinsight {provenance.version}"
    )


def where(provenance: Provenance) -> str:
    """Where the model runs, and of a server, how it is sent frames."""
    if provenance.host is not None:
        return f"{provenance.sent} to {provenance.host}"
    return f"{provenance.dtype} on {provenance.device}"


def warnings(records: Iterable[ResultRecord]) -> list[tuple[str, str]]:
    """Warnings about readable clips: (name, warning), each once."""
    found: list[tuple[str, str]] = []
    for record in records:
        inputs: Sequence[tuple[str, ClipInput | MeasuredClip | None]]
        if isinstance(record, ClipRanking):
            inputs = [(place.path, place.input) for place in record.standings]
        elif isinstance(record, ClipComparison):
            inputs = [(record.a, record.input_a), (record.b, record.input_b)]
        elif isinstance(record, ClipMeasurement):
            inputs = [(record.path, record.clip)]
        else:
            inputs = [(record.path, record.input)]
        found += [(name, warning) for name, each in inputs if each is not None for warning in each.warnings]
    return list(dict.fromkeys(found))


def complaint(path: str, error: str | None) -> str:
    """What is wrong with a clip, without the clip's name."""
    return (error or "no answer").removeprefix(f"{path}: ")


def failures(records: Iterable[ResultRecord]) -> list[tuple[str, str, str]]:
    """Every clip or pair without a result: (name, status, problem and remedy)."""
    found: list[tuple[str, str, str]] = []
    for record in records:
        if isinstance(record, ClipRanking):
            found += [(s.path, s.status, complaint(s.path, s.error)) for s in record.standings if s.status != "ok"]
            found += failures(record.comparisons)
        elif record.status != "ok":
            name = f"{record.a} against {record.b}" if isinstance(record, ClipComparison) else record.path
            found.append((name, record.status, complaint(name, record.error)))
    return found


def provenances(records: Iterable[ResultRecord]) -> list[Provenance]:
    """The distinct provenances."""
    judged = (record for record in records if not isinstance(record, ClipMeasurement))
    return list(dict.fromkeys(record.provenance for record in judged))


def scales(records: Iterable[ClipScore]) -> list[Dimension]:
    """The scored dimensions, in order of appearance: an image's and a video's quality are one with equal ranges,
    the same name on two ranges is two."""
    found: dict[tuple[str, float, float], Dimension] = {}
    for record in records:
        for dimension in record.dimensions if record.scores else ():
            found.setdefault(_scale_key(dimension), dimension)
    return list(found.values())


def score_on(record: ClipScore, dimension: Dimension) -> float | None:
    """The record's score on a dimension of ``scales``, or ``None``."""
    there = any(_scale_key(dim) == _scale_key(dimension) for dim in record.dimensions)
    return (record.scores or {}).get(dimension.key) if there else None


def lacking(record: ClipScore) -> list[tuple[str, str]]:
    """Of a clip with a score, the dimensions without one, each with the reason."""
    return list(record.missing_dimensions.items()) if record.scores else []


def overall_of(record: ClipScore) -> str:
    """What the overall score is the mean of: ``spatial, temporal``."""
    return ", ".join(record.overall_of)


def overall_sets(records: Iterable[ClipScore]) -> list[str]:
    """The different sets of dimensions that overall scores are the mean of; of two sets they do not compare."""
    return list(dict.fromkeys(overall_of(record) for record in records if record.scores))


def _scale_key(dimension: Dimension) -> tuple[str, float, float]:
    return dimension.key, dimension.low, dimension.high


def verdict(comparison: ClipComparison) -> str:
    """The outcome of a comparison in one sentence."""
    match comparison.verdict, comparison.consistent:
        case ("A" | "B") as choice, _:
            return f"{choice} is better: the verdict survives the swap."
        case "tie", True:
            return "A tie in both orders."
        case "tie", _:
            return "A tie: the verdict does not survive the swap."
    return "No verdict: an order got no usable answer."


def chosen(reply: Reply, swapped: bool) -> Choice | None:
    """The clip that a reply of a comparison chooses, in the user's order of clips."""
    if reply.value not in ("A", "B", "tie"):
        return None
    choice = Preference(reply.value)
    return (choice.swap() if swapped else choice).choice


def tally(replies: tuple[Reply, ...]) -> str:
    """The unchanged answers of one order: ``A``, or for several samples ``A ×4, tie ×1``."""
    answers = [str(reply.value) if reply.value is not None else f"no answer ({reply.missing})" for reply in replies]
    if len(answers) == 1:
        return answers[0]
    return ", ".join(f"{answer} ×{answers.count(answer)}" for answer in sorted(set(answers)))


def spokesman(replies: tuple[Reply, ...]) -> Reply | None:
    """The first reply with the most frequent answer."""
    if not replies:
        return None
    usual = multimode(str(reply.value) for reply in replies)[0]
    return next(reply for reply in replies if str(reply.value) == usual)


def yes_no(record: ClipVerdict) -> str:
    """``yes``, ``no`` or ``no answer``."""
    return "no answer" if record.yes is None else "yes" if record.yes else "no"


def cycle(paths: Iterable[str]) -> str:
    """A remark on clips with circular preferences."""
    return f"Cycle (each beats another of them in a circle): {', '.join(paths)}."


def ranking_notes(ranking: ClipRanking) -> list[str]:
    """Remarks on a ranking, one sentence each."""
    outcomes = [comparison.consistent for comparison in ranking.comparisons]
    notes = [
        f"Pairs asked in both orders: {len(outcomes)}. Verdicts that survive the swap: {outcomes.count(True)}; "
        f"that do not, and count as ties: {outcomes.count(False)}; without an answer: {outcomes.count(None)}."
    ]
    notes += map(cycle, ranking.cycles)
    if not ranking.cycles:
        notes.append("No cycles.")
    if ranking.order_bias is not None:
        notes.append(f"Order bias {ranking.order_bias:+.2f} ({BIAS_SCALE}).")
    notes.append(f"Clips encoded: {ranking.clips_encoded}.")
    return notes
