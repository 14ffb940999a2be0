"""One long sequence of questions drawn from several datasets: position i is the same in every run with the same seed.

Nothing is kept between positions, so a run that goes on at position i sees what it would have seen without the stop.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from vqinsight.tasks.types import Example, Preference


@dataclass(frozen=True)
class Share:
    """One dataset's part of a mixture.

    Attributes:
        examples: what it draws from, each once before any comes again; of comparisons, each once in both orders.
        weight: its share among the others, above 0.
    """

    examples: Sequence[Example]
    weight: float


def orders(examples: Sequence[Example]) -> int:
    """How often each of them is asked in one turn: comparisons in both orders, anything else once."""
    return 2 if isinstance(examples[0].answer, Preference) else 1


class Mixture(Sequence[Example]):
    """``length`` examples from ``shares``, in a seeded order.

    A comparison comes twice running, the second time with its clips swapped. With a coin instead, the better clip comes
    first too often in one update and too seldom in the next, and a learner can follow.

    Raises:
        ValueError: no shares, an empty one, or a weight that is not above 0.
    """

    def __init__(self, shares: Sequence[Share], length: int, seed: int) -> None:
        if not shares or any(len(share.examples) == 0 or share.weight <= 0 for share in shares):
            raise ValueError("a mixture needs at least one dataset, each with examples and a weight above 0")
        self._shares, self._seed = shares, seed
        self._orders = [orders(share.examples) for share in shares]
        weights = np.array([share.weight for share in shares])
        self._part = np.random.default_rng((seed, 0)).choice(len(shares), size=length, p=weights / weights.sum())
        self._place = np.empty(length, dtype=np.int64)  # how many of the same part came before
        for part in range(len(shares)):
            mine = self._part == part
            self._place[mine] = np.arange(mine.sum())

    def __len__(self) -> int:
        return len(self._part)

    def __getitem__(self, position: int) -> Example:  # type: ignore[override]
        part, place = int(self._part[position]), int(self._place[position])
        examples = self._shares[part].examples
        pair, again = divmod(place, self._orders[part])
        turn, index = divmod(pair, len(examples))
        example = examples[int(_order(len(examples), self._seed, part, turn)[index])]
        if not isinstance(example.answer, Preference):
            return example
        coin = np.random.default_rng((self._seed, 1, part, pair)).random() < 0.5
        return swapped(example) if coin == again else example


@lru_cache(maxsize=16)
def _order(count: int, seed: int, part: int, turn: int) -> np.ndarray:
    """The order in which a part's examples come in its n-th turn through them."""
    return np.random.default_rng((seed, 2, part, turn)).permutation(count)


def swapped(example: Example) -> Example:
    """A comparison shown in the other order."""
    if not isinstance(example.answer, Preference):
        raise ValueError(f"{example.id}: only comparisons have an order")
    a, b = example.question.clips
    return replace(example, question=replace(example.question, clips=(b, a)), answer=example.answer.swap())
