"""Eq. 8: (win, lose) of N clips made from one prompt, or the reason why there is none."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np

from vqinsight.assessor.assessor import Assessor
from vqinsight.errors import UnreadableVideo, UsageError
from vqinsight.ranking import tally
from vqinsight.ranking.by_score import answered_scores, best_and_worst_score, comparable_scores
from vqinsight.ranking.candidate_folders import Candidates
from vqinsight.ranking.judge import Judgement, judge_pairs
from vqinsight.ranking.tally import all_pairs
from vqinsight.ranking.tournament import best_and_worst
from vqinsight.ranking.votes import first_choices
from vqinsight.tasks.types import Clip, Missing, Preference, Question
from vqinsight.video.preprocess import ProcessedClip

Mode = Literal["all", "tournament", "scores"]
TOO_FEW = "fewer than two readable candidates"
NO_ANSWERS = "no usable answers"
ALL_TIES = "all ties"
CYCLE = "a cycle"


@dataclass(frozen=True)
class Selection:
    """The selection among one prompt's candidates.

    Attributes:
        id, prompt, candidates: as given.
        win, lose: paths; ``None`` with a ``reason``.
        reason: why there is no pair: one of the constants of this module, or that the prompt is too long.
        wins: how often each candidate is chosen (Eq. 8), ``None`` for an unreadable one; empty in mode ``scores``.
        scores: in mode ``scores``, each candidate's, ``None`` for an unreadable one and one without.
        unscored: in mode ``scores``, readable candidates without a score that compares with the others', with the
            reason.
        unreadable: candidates left out, with the reason.
        judged, decided, missing: number of pairs asked in both orders; with the same verdict in both; without an answer
            (in mode ``scores``: clips of ``unscored``).
        order_bias: see ``tally.order_bias``.
        full: of a tournament that is also judged by all pairs: their (win, lose), and whether they rank the
            tournament's winner above its loser.
    """

    id: str
    prompt: str
    candidates: tuple[str, ...]
    win: str | None = None
    lose: str | None = None
    reason: str | None = None
    wins: tuple[float | None, ...] = ()
    scores: tuple[float | None, ...] = ()
    unscored: dict[str, str] = field(default_factory=dict)
    unreadable: dict[str, str] = field(default_factory=dict)
    judged: int = 0
    decided: int = 0
    missing: int = 0
    order_bias: float | None = None
    full: dict[str, str | bool | None] | None = None


def choose(
    assessor: Assessor,
    group: Candidates,
    *,
    mode: Mode = "all",
    check: bool = False,
    samples: int = 1,
    temperature: float = 0.0,
    seed: int = 0,
) -> Selection:
    """Judge the candidates of one prompt in pairs, in both orders; each clip is encoded once.

    Args:
        mode: ``all`` pairs (Eq. 8), a best-and-worst ``tournament``, or ``scores``: the highest and the lowest score,
            for which several samples are better than one.
        check: with a tournament, also judge all pairs and report their choice in ``full``.
        samples, temperature, seed: see ``judge_pairs``.
    """
    processed, unreadable = _load(assessor, group.paths)
    paths = [path for path in group.paths if path in processed]
    if len(paths) < 2:
        return Selection(group.id, group.prompt, group.paths, reason=TOO_FEW, unreadable=unreadable)
    try:
        question = Question("compare", (Clip(paths[0], group.prompt), Clip(paths[1], group.prompt)))
        assessor.check_question(question, [processed[path] for path in paths[:2]])
    except UsageError as error:  # of one prompt of many: its row says so
        return Selection(group.id, group.prompt, group.paths, reason=str(error), unreadable=unreadable)
    clips = [assessor.encode(processed[path]) for path in paths]
    if mode == "scores":
        answers = answered_scores(assessor, clips, group.prompt, samples=samples, temperature=temperature, seed=seed)
        return _by_scores(group, paths, comparable_scores(answers), unreadable)
    judged: dict[tuple[int, int], Judgement] = {}

    def ask(pairs: Sequence[tuple[int, int]]) -> list[Preference | None]:
        new = [pair for pair in pairs if pair not in judged]
        said = judge_pairs(
            assessor, clips, new, group.prompt, samples=samples, temperature=temperature, seed=seed
        )  # fmt: skip
        judged.update(zip(new, said, strict=True))
        return [judged[pair].verdict for pair in pairs]

    if mode == "tournament":
        ends: tuple[int, int] | None = best_and_worst(len(paths), ask)
        played = dict(judged)
    else:
        ask(all_pairs(len(paths)))
        played, ends = judged, winner_and_loser(len(paths), _outcomes(judged))
    full = None
    if mode == "tournament" and check:
        ask(all_pairs(len(paths)))
        full = _compared(paths, ends, _outcomes(judged))
    return replace(_selection(group, paths, played, ends, unreadable), full=full)


def select_judged(group: Candidates, judged: dict[tuple[int, int], Judgement], unreadable: dict[str, str]) -> Selection:
    """The selection among candidates all of whose pairs are judged already.

    Args:
        judged: by the places of both among the candidates that are not ``unreadable``.
        unreadable: candidates left out, with the reason.
    """
    paths = [path for path in group.paths if path not in unreadable]
    if len(paths) < 2:
        return Selection(group.id, group.prompt, group.paths, reason=TOO_FEW, unreadable=unreadable)
    return _selection(group, paths, judged, winner_and_loser(len(paths), _outcomes(judged)), unreadable)


def _selection(
    group: Candidates,
    paths: Sequence[str],
    played: dict[tuple[int, int], Judgement],
    ends: tuple[int, int] | None,
    unreadable: dict[str, str],
) -> Selection:
    """The selection from the pairs that were played; ``ends`` are the places of winner and loser in ``paths``."""
    reason = _reason(list(played.values()), ends)
    counts = iter(tally.wins(len(paths), _outcomes(played)).tolist())
    return Selection(
        group.id,
        group.prompt,
        group.paths,
        win=paths[ends[0]] if ends and not reason else None,
        lose=paths[ends[1]] if ends and not reason else None,
        reason=reason,
        wins=tuple(next(counts) if path in paths else None for path in group.paths),
        unreadable=unreadable,
        judged=len(played),
        decided=sum(each.verdict in (Preference("A"), Preference("B")) for each in played.values()),
        missing=sum(each.verdict is None for each in played.values()),
        order_bias=first_choices(list(played.values())),
    )


def _by_scores(
    group: Candidates, paths: Sequence[str], scores: Sequence[float | Missing], unreadable: dict[str, str]
) -> Selection:
    known = [None if isinstance(score, Missing) else score for score in scores]
    ends, answered = best_and_worst_score(known), sum(score is not None for score in known)
    by_path = dict(zip(paths, known, strict=True))
    return Selection(
        group.id,
        group.prompt,
        group.paths,
        win=paths[ends[0]] if ends else None,
        lose=paths[ends[1]] if ends else None,
        reason=None if ends else ALL_TIES if answered > 1 else NO_ANSWERS,
        scores=tuple(by_path.get(path) for path in group.paths),
        unscored={path: each.reason for path, each in zip(paths, scores, strict=True) if isinstance(each, Missing)},
        unreadable=unreadable,
        missing=len(known) - answered,
    )


def winner_and_loser(n: int, outcomes: Sequence[tally.Outcome]) -> tuple[int, int] | None:
    """Eq. 8, with shared places resolved: one of the most chosen clips wins, one of the least chosen loses.

    Among clips that share a place the comparisons between them decide, then the index. ``None`` only where every clip
    is chosen equally often, or there is no answer.
    """
    exact = tally.winner_and_loser(n, outcomes)
    if exact is not None:
        return exact
    judged = sorted({clip for i, j, verdict in outcomes if verdict is not None for clip in (i, j)})
    wins = tally.wins(n, outcomes)
    if not judged or np.ptp(wins[judged]) == 0:
        return None
    most, least = wins[judged].max(), wins[judged].min()
    first = _ahead([clip for clip in judged if wins[clip] == most], n, outcomes)
    last = _ahead([clip for clip in judged if wins[clip] == least][::-1], n, outcomes, sign=-1)
    return first, last


def _ahead(shared: list[int], n: int, outcomes: Sequence[tally.Outcome], sign: int = 1) -> int:
    among = tally.wins(n, [each for each in outcomes if each[0] in shared and each[1] in shared])
    return max(shared, key=lambda clip: sign * among[clip])  # the first of several


def _reason(judged: Sequence[Judgement], ends: tuple[int, int] | None) -> str | None:
    verdicts = Counter(each.verdict.choice if each.verdict else None for each in judged)
    if not verdicts["A"] + verdicts["B"]:
        return ALL_TIES if verdicts["tie"] else NO_ANSWERS
    return CYCLE if ends is None or ends[0] == ends[1] else None


def _outcomes(judged: dict[tuple[int, int], Judgement]) -> list[tally.Outcome]:
    return [(i, j, each.verdict) for (i, j), each in judged.items()]


def _compared(
    paths: Sequence[str], ends: tuple[int, int] | None, outcomes: Sequence[tally.Outcome]
) -> dict[str, str | bool | None]:
    full = winner_and_loser(len(paths), outcomes)
    wins = tally.wins(len(paths), outcomes)
    return {
        "win": paths[full[0]] if full else None,
        "lose": paths[full[1]] if full else None,
        "ordered": bool(wins[ends[0]] > wins[ends[1]]) if ends else None,
    }


def _load(assessor: Assessor, paths: Sequence[str]) -> tuple[dict[str, ProcessedClip], dict[str, str]]:
    found = dict(zip(paths, assessor.clips.prefetch(paths), strict=True))
    processed = {path: clip for path, clip in found.items() if isinstance(clip, ProcessedClip)}
    return processed, {path: str(error) for path, error in found.items() if isinstance(error, UnreadableVideo)}
