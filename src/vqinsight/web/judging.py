"""The work of the pages, a step at a time: clips are decoded in the sandbox and asked about."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from vqinsight.assessor.vision import EncodedClip
from vqinsight.errors import FailedClip, UnreadableVideo
from vqinsight.inference import aggregate
from vqinsight.inference.api import VQInsight
from vqinsight.inference.batches import Answered, attempt, score_question
from vqinsight.inference.pairs import check_pair, compare_encoded
from vqinsight.measure.types import MeasuredClip
from vqinsight.ranking import standings, tally
from vqinsight.ranking.candidate_folders import Candidates
from vqinsight.ranking.judge import judgement
from vqinsight.ranking.select import Selection, select_judged
from vqinsight.results import ClipComparison, ClipRanking, ClipScore
from vqinsight.serving.rewards import Seen
from vqinsight.web.jobs import Finished, Step, Steps
from vqinsight.web.sessions import WebClip

_PAIRS = 4  # judged in a step


class Decodes(Protocol):
    """What decodes clips: ``serving.decoder.Decoder``."""

    def decode(self, place: str, name: str, fps: float | None = None) -> Seen:
        """The clip as the model is shown it, or why it cannot be read."""

    def measure(self, place: str, name: str, fps: float | None = None) -> MeasuredClip | UnreadableVideo:
        """What is measured on every frame."""

    def close(self) -> None:
        """End."""


@dataclass(frozen=True)
class Asking:
    """A model, what decodes clips for it, and how many answers are drawn; 1 is the most likely one."""

    judge: VQInsight
    decoder: Decodes
    samples: int = 1


@dataclass(frozen=True)
class Looked:
    """What is said of one clip, and what is measured on it or why that cannot be."""

    clip: WebClip
    score: ClipScore
    measured: MeasuredClip | UnreadableVideo


@dataclass(frozen=True)
class Ranked:
    """The ranking of one prompt's clips, and the pair that training takes from it."""

    clips: tuple[WebClip, ...]
    ranking: ClipRanking
    selection: Selection


def look(asking: Asking, clips: Sequence[WebClip], prompt: str | None) -> Steps:
    """Score clips, and measure them; the result is a list of ``Looked``."""
    found = []
    for number, clip in enumerate(clips):
        done, total = 3 * number, 3 * len(clips)
        yield Step(done, total, f"Reading {clip.name}", "decode")
        seen = asking.decoder.decode(str(clip.place), clip.name)
        yield Step(done + 1, total, f"Asking about {clip.name}")
        score = _score(asking, clip.name, prompt, seen)
        yield Step(done + 2, total, f"Measuring {clip.name}", "decode")
        measured = seen if isinstance(seen, UnreadableVideo) else asking.decoder.measure(str(clip.place), clip.name)
        found.append(Looked(clip, score, measured))
    yield Finished(found)


def compare(asking: Asking, clips: tuple[WebClip, WebClip], prompt: str | None) -> Steps:
    """Ask which of two clips is better, in both orders; the result is a ``ClipComparison``."""
    found: list[ClipComparison] = []
    yield from _judge_pairs(asking, clips, prompt, found, 0, 3)
    yield Finished(found[0])


def rank(asking: Asking, groups: Sequence[tuple[Candidates, tuple[WebClip, ...]]]) -> Steps:
    """Rank the clips of each prompt by all pairs in both orders; the result is a list of ``Ranked``."""
    found, before = [], 0
    total = sum(len(clips) + len(tally.all_pairs(len(clips))) for _, clips in groups)
    by = asking.judge.provenance(asking.samples, 0, 1.0)
    for group, clips in groups:
        pairs: list[ClipComparison] = []
        yield from _judge_pairs(asking, clips, group.prompt or None, pairs, before, total)
        before += len(clips) + len(pairs)
        ranking = standings.ranking(group.prompt or None, pairs, by)
        found.append(Ranked(clips, ranking, _selection(group, clips, ranking)))
    yield Finished(found)


def _score(asking: Asking, name: str, prompt: str | None, seen: Seen) -> ClipScore:
    judge = asking.judge
    by = judge.provenance(asking.samples, 0, 1.0)
    if isinstance(seen, UnreadableVideo):
        return aggregate.unscored(name, prompt, None, seen, by)
    question = score_question(None, name, prompt, seen)
    judge.assessor.check_question(question, [seen])
    ask = partial(judge.assessor.ask, samples=by.samples, temperature=by.temperature, seed=by.seed)
    said = attempt(name, lambda: ask([(question, (judge.assessor.encode(seen),))]))
    if isinstance(said, FailedClip):
        return aggregate.unscored(name, prompt, question.task, said, by)
    return aggregate.score(name, prompt, None, Answered(seen, question, said[0]), judge.assessor.prompt_set, by)


def _judge_pairs(
    asking: Asking, clips: Sequence[WebClip], prompt: str | None, found: list[ClipComparison], before: int, total: int
) -> Iterator[Step]:
    """Every pair of the clips into ``found``; ``before`` steps of ``total`` are done."""
    assessor = asking.judge.assessor
    seen: list[Seen] = []
    for number, clip in enumerate(clips):
        yield Step(before + number, total, f"Reading {clip.name}", "decode")
        seen.append(asking.decoder.decode(str(clip.place), clip.name))
    refused = attempt("", partial(check_pair, assessor, prompt, seen))
    encoded: list[EncodedClip | UnreadableVideo] = []
    for clip, each in zip(clips, seen, strict=True):
        yield Step(before + len(clips), total, f"Encoding {clip.name}")
        if isinstance(each, UnreadableVideo):
            encoded.append(each)
        elif isinstance(refused, FailedClip):  # the prompt is too long
            encoded.append(FailedClip(clip.name, refused.reason, refused.remedy))
        else:
            encoded.append(attempt(clip.name, partial(assessor.encode, each)))
    seen.clear()
    pairs, by = tally.all_pairs(len(clips)), asking.judge.provenance(asking.samples, 0, 1.0)
    for start in range(0, len(pairs), _PAIRS):
        yield Step(before + len(clips) + start, total, f"Judging pair {start + 1} of {len(pairs)}")
        chosen = [(encoded[i], encoded[j]) for i, j in pairs[start : start + _PAIRS]]
        found += compare_encoded(assessor, chosen, prompt, by)


def _selection(group: Candidates, clips: Sequence[WebClip], ranking: ClipRanking) -> Selection:
    """The row of a pairs file, with the names of clips for paths."""
    names = tuple(clip.name for clip in clips)
    unreadable = {place.path: place.error or "" for place in ranking.standings if place.status != "ok"}
    number = {name: i for i, name in enumerate(name for name in names if name not in unreadable)}
    judged = {(number[pair.a], number[pair.b]): judgement(pair.forward, pair.swapped) for pair in ranking.comparisons}
    return select_judged(Candidates(group.id, group.prompt, names), judged, unreadable)
