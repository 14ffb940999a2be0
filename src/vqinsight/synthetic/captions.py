"""The content of a synthetic clip (count, colour, shape, direction), its caption, and a caption's errors."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np

from vqinsight.tasks.shapes import COLOURS, COUNTS, DIRECTIONS, NUMBER_WORDS, SHAPES


@dataclass(frozen=True)
class Facts:
    """The facts that a caption of the synthetic set states."""

    count: int
    colour: str
    shape: str
    direction: str


CHOICES: dict[str, tuple[int | str, ...]] = {
    "count": COUNTS,
    "colour": COLOURS,
    "shape": SHAPES,
    "direction": DIRECTIONS,
}
FACT_NAMES = tuple(field.name for field in fields(Facts))

CAPTION_TEMPLATES = (
    "{n} {colour} {shapes} moving {direction}",
    "{colour} {shapes} move {direction}, {n} of them",
    "a video of {n} {colour} {shapes} going {direction}",
    "{n} {shapes}, {colour}, that {move} {direction}",
)


def draw_facts(rng: np.random.Generator) -> Facts:
    """Facts drawn uniformly and independently."""
    picks = {name: choices[rng.integers(len(choices))] for name, choices in CHOICES.items()}
    return Facts(**picks)  # type: ignore[arg-type]


def mutate(facts: Facts, names: tuple[str, ...], rng: np.random.Generator) -> Facts:
    """``facts`` with each named fact changed to a different value."""
    changed = {}
    for name in names:
        others = [value for value in CHOICES[name] if value != getattr(facts, name)]
        changed[name] = others[rng.integers(len(others))]
    return replace(facts, **changed)  # type: ignore[arg-type]


def caption(facts: Facts, rng: np.random.Generator) -> str:
    """A caption stating all four facts, in one of several wordings."""
    plural = facts.count > 1
    template = CAPTION_TEMPLATES[rng.integers(len(CAPTION_TEMPLATES))]
    if not plural and template.startswith("{colour}"):
        template = CAPTION_TEMPLATES[0]  # other templates need a plural
    return template.format(
        n=NUMBER_WORDS[facts.count],
        colour=facts.colour,
        shapes=facts.shape + "s" * plural,
        direction=facts.direction,
        move="move" if plural else "moves",
    )


def mismatches(claimed: Facts, shown: Facts) -> tuple[str, ...]:
    """Names of the facts in which a caption differs from the clip."""
    return tuple(name for name in FACT_NAMES if getattr(claimed, name) != getattr(shown, name))
