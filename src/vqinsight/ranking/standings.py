"""A ranking from the judged pairs of one prompt's clips. Imports no torch."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from vqinsight.ranking import tally
from vqinsight.ranking.votes import first_choices
from vqinsight.results import ClipComparison, ClipInput, ClipRanking, Provenance, Standing, Status
from vqinsight.tasks.types import Choice, Preference

ALSO = " | "  # between the errors of a pair's two clips


@dataclass(frozen=True)
class PairOutcome:
    """What became of a pair.

    Attributes:
        clips: paths of both.
        readable: which of them could be shown to the model.
        verdict, status, error: as of ``ClipComparison``.
    """

    clips: tuple[str, str]
    readable: tuple[bool, bool]
    verdict: Choice | None
    status: Status
    error: str | None


def outcome(pair: ClipComparison) -> PairOutcome:
    """What became of a compared pair."""
    readable = (pair.input_a is not None, pair.input_b is not None)
    return PairOutcome((pair.a, pair.b), readable, pair.verdict, pair.status, pair.error)


def find_clips(pairs: Sequence[PairOutcome], inputs: dict[str, ClipInput] | None = None) -> list[Standing]:
    """The clips of pairs in the order of their first appearance, without places: those that could not be shown have
    the error of their pairs.
    """
    found: dict[str, Standing] = {}
    for pair in pairs:
        for path, is_readable in zip(pair.clips, pair.readable, strict=True):
            if is_readable:
                found[path] = Standing(path, "ok", None, None, None, None, (inputs or {}).get(path))
            elif path not in found or any(pair.readable):  # else the error is that of both clips
                found[path] = Standing(path, pair.status, pair.error, None, None, None, None)
    return list(found.values())


def place(clips: Sequence[Standing], pairs: Iterable[PairOutcome]) -> tuple[list[Standing], list[list[str]]]:
    """The clips with their places in order of Eq. 8's wins, then of strength, those that could not be shown last; and
    the groups of clips with circular preferences.
    """
    shown = [clip for clip in clips if clip.status == "ok"]
    number = {clip.path: i for i, clip in enumerate(shown)}
    outcomes = [
        (number[pair.clips[0]], number[pair.clips[1]], None if pair.verdict is None else Preference(pair.verdict))
        for pair in pairs
        if all(pair.readable)
    ]
    wins, strengths = tally.wins(len(shown), outcomes), tally.bradley_terry(len(shown), outcomes)
    ranks = tally.ranks(wins)
    order = sorted(range(len(shown)), key=lambda i: (ranks[i], -strengths[i]))
    placed = [replace(shown[i], rank=ranks[i], wins=float(wins[i]), strength=float(strengths[i])) for i in order]
    cycles = [[shown[i].path for i in group] for group in tally.cycles(len(shown), outcomes)]
    return placed + [clip for clip in clips if clip.status != "ok"], cycles


def ranking(
    prompt: str | None,
    comparisons: Sequence[ClipComparison],
    provenance: Provenance,
    clips: Sequence[Standing] | None = None,
) -> ClipRanking:
    """The record of a ranking.

    Args:
        comparisons: of all pairs; those with a clip that could not be shown are not among the record's.
        clips: without places, where they are known otherwise than from the pairs.
    """
    outcomes = [outcome(pair) for pair in comparisons]
    if clips is None:
        inputs = {path: seen for pair in comparisons for path, seen in ((pair.a, pair.input_a), (pair.b, pair.input_b))}
        clips = find_clips(outcomes, {path: seen for path, seen in inputs.items() if seen is not None})
    standings, cycles = place(clips, outcomes)
    asked = [pair for pair, each in zip(comparisons, outcomes, strict=True) if all(each.readable)]
    return ClipRanking(
        prompt=prompt,
        standings=tuple(standings),
        comparisons=tuple(asked),
        cycles=tuple(map(tuple, cycles)),
        order_bias=first_choices(asked),
        clips_encoded=sum(clip.status == "ok" for clip in clips),
        provenance=provenance,
    )
