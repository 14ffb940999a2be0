"""Votes as tables: pairs with a label for ``vqinsight train``, strengths for ``vqinsight calibrate``."""

from __future__ import annotations

import csv
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from vqinsight.common.csv_cells import neutralise
from vqinsight.common.files import atomic_path
from vqinsight.errors import UsageError
from vqinsight.ranking.tally import bradley_terry
from vqinsight.tasks.types import Choice
from vqinsight.web.arena.agreement import majorities
from vqinsight.web.arena.schedule import outcomes
from vqinsight.web.arena.votes import ArenaClip, Pair, VoteStore

PAIRS, RATINGS = "pairs.csv", "ratings.csv"


@dataclass(frozen=True)
class Exported:
    """What was written, and what was left out.

    Attributes:
        pairs: with a label, in ``pairs.csv``.
        ties: pairs left out as raters draw, or most say tie.
        unlabelled: pairs left out as nobody said which is better: skips and "both bad" only.
        both_bad, skips: votes that are in no label.
        rated: clips in ``ratings.csv``.
        absent: clips left out of ``pairs.csv``'s pairs, as their files are not there.
        lost: pairs left out for that.
    """

    pairs: int
    ties: int
    unlabelled: int
    both_bad: int
    skips: int
    rated: int
    absent: tuple[str, ...]
    lost: int


def export_votes(store: VoteStore, folder: Path) -> Exported:
    """Write both tables into a folder; files of an earlier export are replaced.

    * ``pairs.csv``: ``path_a, path_b, label, prompt, id, group, votes``: the label of most raters, without ties.
    * ``ratings.csv``: ``path, prompt, rating, votes``: the clip's Bradley-Terry strength from all votes of its prompt,
      a log-odds that is 0 for the prompt's average clip, so it does not compare clips of different prompts.

    Paths are relative to the folder.

    Raises:
        UsageError: there is no vote yet, or the folder cannot be written.
    """
    clips, pairs, present = store.clips(), store.pairs(), store.present()
    if not present:
        raise UsageError(f"{store.path} holds no votes yet.")
    said, labels = Counter(vote.said for vote in present), majorities(present)
    counted = Counter(vote.pair for vote in present if vote.choice is not None)
    absent = tuple(sorted(clip.path for clip in clips.values() if not Path(clip.path).exists()))
    rows, lost = [], 0
    for key, label in labels.items():
        a, b = clips[pairs[key].a], clips[pairs[key].b]
        if label not in ("A", "B"):
            continue
        if {a.path, b.path} & set(absent):
            lost += 1
            continue
        shared = {"label": label, "prompt": a.prompt or "", "id": key, "group": a.prompt or key, "votes": counted[key]}
        rows.append({"path_a": _relative(a, folder), "path_b": _relative(b, folder), **shared})
    rated = _ratings(clips, pairs, store, folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _write(folder / PAIRS, ("path_a", "path_b", "label", "prompt", "id", "group", "votes"), rows)
        _write(folder / RATINGS, ("path", "prompt", "rating", "votes"), rated)
    except OSError as error:
        raise UsageError(f"{folder} cannot be written ({error.strerror}). Choose another folder.") from error
    ties, unlabelled = _count(labels, "tie"), _count(labels, None)
    return Exported(len(rows), ties, unlabelled, said["both_bad"], said["skip"], len(rated), absent, lost)


def _ratings(
    clips: Mapping[str, ArenaClip], pairs: Mapping[str, Pair], store: VoteStore, folder: Path
) -> list[dict[str, object]]:
    """The clips with a vote for a side or a tie, by prompt."""
    votes = [vote for vote in store.present() if vote.choice is not None]
    by_prompt: dict[str | None, Counter[str]] = {}
    for vote in votes:
        for clip in (pairs[vote.pair].a, pairs[vote.pair].b):
            by_prompt.setdefault(clips[clip].prompt, Counter())[clip] += 1
    rows: list[dict[str, object]] = []
    for prompt, count in by_prompt.items():
        number = {clip: i for i, clip in enumerate(count)}
        strengths = bradley_terry(len(number), outcomes(votes, pairs, number))
        for clip, i in number.items():
            path, rating = _relative(clips[clip], folder), float(strengths[i])
            rows.append({"path": path, "prompt": prompt or "", "rating": rating, "votes": count[clip]})
    return rows


def _count(labels: Mapping[str, Choice | None], what: Choice | None) -> int:
    return sum(label == what for label in labels.values())


def _relative(clip: ArenaClip, folder: Path) -> str:
    return os.path.relpath(clip.path, folder)


def _write(file: Path, columns: Sequence[str], rows: Sequence[Mapping[str, object]]) -> None:
    with atomic_path(file) as part, part.open("w", encoding="utf-8", newline="") as to:
        table = csv.DictWriter(to, columns, lineterminator="\n")
        table.writeheader()
        for row in rows:  # a negative number is no formula
            table.writerow({key: neutralise(value) if isinstance(value, str) else value for key, value in row.items()})
