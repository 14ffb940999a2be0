"""Texts about the shapes of the synthetic set: what the embedded model can compare with a clip, and nothing else."""

from __future__ import annotations

import re

COLOURS = ("red", "yellow", "green", "cyan", "blue", "purple")
SHAPES = ("circle", "square", "triangle", "star")
DIRECTIONS = ("left", "right", "up", "down")
COUNTS = (1, 2, 3)
NUMBER_WORDS = {1: "one", 2: "two", 3: "three"}

_NUMBER = f"({'|'.join((*NUMBER_WORDS.values(), *map(str, COUNTS), 'an?'))})"
_COLOUR, _SHAPE, _WAY = f"({'|'.join(COLOURS)})", f"({'|'.join(SHAPES)})s?", f"({'|'.join(DIRECTIONS)})"
_OPENING = r"(?:(?:an?|the) (?:video|clip|animation) (?:of|with|that shows) )?"
_GOING = r"(?:(?:that |which )?(?:are |is )?(?:moving|going|moves?|goes?) (?:to the )?)"
_FORMS = tuple(
    re.compile(_OPENING + form + r"\.?", re.IGNORECASE)
    for form in (
        rf"{_NUMBER} {_COLOUR} {_SHAPE} {_GOING}{_WAY}",
        rf"{_COLOUR} {_SHAPE} {_GOING}{_WAY},? {_NUMBER} of them",
        rf"{_NUMBER} {_SHAPE}, {_COLOUR},? {_GOING}{_WAY}",
    )
)


def names_shapes(text: str) -> bool:
    """Whether a text names number, colour, shape and direction of the shapes, in one of a few forms, and nothing
    else.
    """
    plain = " ".join(text.split())
    return any(form.fullmatch(plain) for form in _FORMS)
