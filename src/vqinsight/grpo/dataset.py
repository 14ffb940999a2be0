"""The training data as slots: question p has slots p * N to p * N + N - 1, one for each of its N answers.

Slots, not questions, are divided among processes, so a group of answers may span several of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from torch.utils.data import Dataset, Sampler

from vqinsight.errors import UnreadableVideo
from vqinsight.tasks.types import Example
from vqinsight.video.preprocess import ProcessedClip

Preprocess = Callable[[str], ProcessedClip]


@dataclass(frozen=True)
class LoadedQuestion:
    """A question with its clips decoded, and the answers that this process samples.

    Attributes:
        position: index of the question in the run; it seeds the sampling together with the answer's number.
        numbers: indices of the answers to sample, out of 0 to N - 1.
    """

    position: int
    numbers: tuple[int, ...]
    example: Example
    clips: tuple[ProcessedClip, ...]


@dataclass(frozen=True)
class UnreadableQuestion:
    """A question with a clip that cannot be read."""

    position: int
    path: str
    reason: str


class Questions(Dataset[LoadedQuestion | UnreadableQuestion]):
    """Slots of a sequence of examples; a clip that several slots of a batch need is decoded once."""

    def __init__(self, examples: Sequence[Example], group_size: int, preprocess: Preprocess) -> None:
        self._examples, self.group_size, self._preprocess = examples, group_size, preprocess
        self._last: dict[str, ProcessedClip] = {}  # of the previous batch: a group may span batches

    def __len__(self) -> int:
        return len(self._examples) * self.group_size

    def __getitem__(self, slot: int) -> LoadedQuestion | UnreadableQuestion:
        return self.__getitems__([slot])[0]

    def __getitems__(self, slots: Sequence[int]) -> list[LoadedQuestion | UnreadableQuestion]:
        """The questions of these slots, each once."""
        numbers: dict[int, list[int]] = {}
        for slot in slots:
            numbers.setdefault(slot // self.group_size, []).append(slot % self.group_size)
        seen: dict[str, ProcessedClip] = {}
        asked = [self._ask(position, tuple(mine), seen) for position, mine in numbers.items()]
        self._last = seen
        return asked

    def _ask(
        self, position: int, numbers: tuple[int, ...], seen: dict[str, ProcessedClip]
    ) -> LoadedQuestion | UnreadableQuestion:
        example = self._examples[position]
        for clip in example.question.clips:
            if clip.path not in seen:
                try:
                    seen[clip.path] = self._last.get(clip.path) or self._preprocess(clip.path)
                except UnreadableVideo as error:
                    return UnreadableQuestion(position, error.path, error.reason)
        return LoadedQuestion(position, numbers, example, tuple(seen[clip.path] for clip in example.question.clips))


def merged(questions: Sequence[LoadedQuestion]) -> list[LoadedQuestion]:
    """One entry for each question, with the answers of all its entries."""
    found: dict[int, LoadedQuestion] = {}
    for each in questions:
        before = found.get(each.position)
        found[each.position] = each if before is None else replace(before, numbers=before.numbers + each.numbers)
    return list(found.values())


class RolloutSampler(Sampler[int]):
    """Slots in order, every block repeated ``times`` times: a rollout is used for that many updates."""

    def __init__(self, total: int, block: int, times: int) -> None:
        self._total, self._block, self._times = total, block, times

    def __len__(self) -> int:
        return self._total * self._times

    def __iter__(self) -> Iterator[int]:
        for start in range(0, self._total, self._block):
            for _ in range(self._times):
                yield from range(start, min(start + self._block, self._total))
