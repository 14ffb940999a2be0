"""Rewards by name: what is asked about clips, and the numbers that the replies give.

A reward is a dimension of the model, ``overall`` (the mean of the dimensions, 0 to 100), or ``win_rate``: Eq. 8 inside
a group of clips of one prompt, as a share of the pairs that have an answer.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

from vqinsight.errors import UnreadableVideo, UsageError
from vqinsight.inference import aggregate
from vqinsight.inference.batches import default_task, score_question
from vqinsight.ranking import tally
from vqinsight.ranking.judge import both_orders, judgement
from vqinsight.results import ClipScore, Provenance, Reply
from vqinsight.tasks.prompt_set import PromptSet, clean
from vqinsight.tasks.types import Clip, Missing, Question, TaskName
from vqinsight.video.preprocess import ProcessedClip

OVERALL, WIN_RATE = "overall", "win_rate"
Seen = ProcessedClip | UnreadableVideo
Asked = tuple[Question, tuple[int, ...]]  # a question and its clips, as places in the batch
Numbers = dict[str, float | Missing]


def known_rewards(prompt_set: PromptSet) -> tuple[str, ...]:
    """The names of all rewards of a model with this prompt set."""
    keys = (dimension.key for scale in prompt_set.scales.values() for dimension in scale)
    return tuple(dict.fromkeys((*keys, OVERALL, WIN_RATE)))


def check_rewards(names: Sequence[str], prompt_set: PromptSet) -> None:
    """Refuse names that the model has no reward for.

    Raises:
        UsageError: with the names that there are.
    """
    known = known_rewards(prompt_set)
    if unknown := [name for name in names if name not in known]:
        raise UsageError(f"This model has no reward {', '.join(unknown)}. It has {', '.join(known)}.")


def win_rates(n: int, outcomes: Sequence[tally.Outcome]) -> list[float | Missing]:
    """Eq. 8 as a share: how often each of a group's ``n`` clips is chosen over the pairs that have an answer.

    A tie counts one half for both. A pair without an answer, or without an outcome at all, leaves the denominator.

    Returns:
        For each clip a number from 0 to 1, or ``Missing`` in a group of one and where fewer than half of the clip's
        n - 1 pairs have an answer.
    """
    if n < 2:
        return [Missing("a group of one clip has no pairs") for _ in range(n)]
    wins, answered = tally.wins(n, outcomes), [0] * n
    for i, j, preference in outcomes:
        if preference is not None:
            answered[i] += 1
            answered[j] += 1
    return [
        float(won) / count if 2 * count >= n - 1 else Missing(f"only {count} of its {n - 1} pairs have an answer")
        for won, count in zip(wins, answered, strict=True)
    ]


def _numbers(record: ClipScore) -> Numbers:
    """Each dimension's reward and ``overall``, which is missing where a dimension is: without it, it is another one."""
    if record.scores is None or record.overall is None:
        return {name: Missing(record.error or "") for name in (*(dim.key for dim in record.dimensions), OVERALL)}
    lacking = {key: Missing(f"{record.path}: {key}: {reason}") for key, reason in record.missing_dimensions.items()}
    overall = next((Missing(f"{each.reason}; {OVERALL} needs it") for each in lacking.values()), record.overall)
    values: Numbers = {**record.scores, **lacking}
    return {**{dim.key: values[dim.key] for dim in record.dimensions}, OVERALL: overall}


@dataclass(frozen=True)
class Batch:
    """Clips to be rewarded together.

    Attributes:
        names: of the rewards; empty for the dimensions of each clip's own task and ``overall``.
        seen: the clips, or why one cannot be read.
        prompts: of each clip.
        groups: key of each clip; ``win_rate`` compares the clips of one key.
        task: of the scores; by default ``default_task`` of each clip.
    """

    names: tuple[str, ...]
    seen: tuple[Seen, ...]
    prompts: tuple[str | None, ...]
    groups: tuple[Hashable, ...]
    task: TaskName | None = None

    def __post_init__(self) -> None:
        for members in self._members():
            if WIN_RATE in self.names and len({clean(self.prompts[i] or "") for i in members}) > 1:
                raise UsageError("A group holds clips of different prompts. win_rate compares clips of one prompt.")

    def asked(self) -> list[Asked]:
        """The questions, each with its clips as places in ``seen``: scores, then every pair in both orders."""
        return [*self._scores(), *self._pairs()]

    def numbers(self, prompt_set: PromptSet, replies: Sequence[tuple[Reply, ...]], by: Provenance) -> list[Numbers]:
        """The rewards of each clip from the replies to ``asked``, in its order."""
        scores = self._scores()
        found: list[Numbers] = [{} for _ in self.seen]
        for (question, (i,)), said in zip(scores, replies, strict=False):
            clip = self.seen[i]
            assert isinstance(clip, ProcessedClip)
            found[i] = _numbers(aggregate.scored(question, prompt_set.dimensions(question), said, clip.input, by))
        if WIN_RATE in self.names:
            for i, rate in self._win_rates(replies[len(scores) :]):
                found[i][WIN_RATE] = rate
        return [self._named(i, seen, mine) for i, (seen, mine) in enumerate(zip(self.seen, found, strict=True))]

    def _named(self, i: int, seen: Seen, found: Numbers) -> Numbers:
        if isinstance(seen, UnreadableVideo):
            return dict.fromkeys(self.names or (OVERALL,), Missing(str(seen)))
        absent = Missing(f"not asked about a clip of the task {self._task(i, seen)}; alignment needs a prompt")
        return {name: found.get(name, absent) for name in self.names or found}

    def _task(self, i: int, clip: ProcessedClip) -> TaskName:
        return self.task or default_task(clip, self.prompts[i])

    def _scores(self) -> list[Asked]:
        if self.names == (WIN_RATE,):
            return []
        return [
            (score_question(self.task, clip.path, self.prompts[i], clip), (i,))
            for i, clip in enumerate(self.seen)
            if isinstance(clip, ProcessedClip)
        ]

    def _members(self) -> list[list[int]]:
        """The places of each group's clips."""
        members: dict[Hashable, list[int]] = {}
        for i, key in enumerate(self.groups):
            members.setdefault(key, []).append(i)
        return list(members.values())

    def _readable_pairs(self, members: list[int]) -> list[tuple[int, int]]:
        readable = [i for i in members if isinstance(self.seen[i], ProcessedClip)]
        return [(readable[a], readable[b]) for a, b in tally.all_pairs(len(readable))]

    def _pairs(self) -> list[Asked]:
        if WIN_RATE not in self.names:
            return []
        pairs = [pair for members in self._members() for pair in self._readable_pairs(members)]
        return [self._compared(*order) for order in both_orders(pairs)]

    def _compared(self, first: int, second: int) -> Asked:
        a, b = (Clip(self._name(i), self.prompts[i]) for i in (first, second))
        return Question("compare", (a, b)), (first, second)

    def _name(self, i: int) -> str:
        return self.seen[i].path

    def _win_rates(self, replies: Sequence[tuple[Reply, ...]]) -> list[tuple[int, float | Missing]]:
        """Place and win rate of each clip, unreadable ones included."""
        answers = iter(zip(replies[::2], replies[1::2], strict=True))
        rates: list[tuple[int, float | Missing]] = []
        for members in self._members():
            place = {clip: number for number, clip in enumerate(members)}
            outcomes = [
                (place[i], place[j], judgement(*next(answers)).verdict) for i, j in self._readable_pairs(members)
            ]
            rates += zip(members, win_rates(len(members), outcomes), strict=True)
        return rates
