"""A seeded mixture of several datasets: position i is the same in every run with the same seed.

There is no state between positions, so a run resumed at position i continues with the same examples.
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
        examples: drawn without replacement, then again from the start; comparisons each in both orders.
        weight: its share among the others, above 0.
    """

    examples: Sequence[Example]
    weight: float


def orders(examples: Sequence[Example]) -> int:
    """How often each example occurs per pass: comparisons in both orders, all others once."""
    return 2 if isinstance(examples[0].answer, Preference) else 1


class Mixture(Sequence[Example]):
    """``length`` examples from ``shares``, in a seeded order.

    A comparison occurs twice in succession, the second time with its clips swapped. Random orders instead would make
    the better clip's position unbalanced within an update, which a model can learn.

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
        self._place = np.empty(length, dtype=np.int64)  # number of earlier examples of the same dataset
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
    """The order of a dataset's examples in its n-th pass."""
    return np.random.default_rng((seed, 2, part, turn)).permutation(count)


def swapped(example: Example) -> Example:
    """A comparison shown in the other order."""
    if not isinstance(example.answer, Preference):
        raise ValueError(f"{example.id}: only comparisons have an order")
    a, b = example.question.clips
    return replace(example, question=replace(example.question, clips=(b, a)), answer=example.answer.swap())
