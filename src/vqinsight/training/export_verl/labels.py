"""Labels as text: what stands in the column ``ground_truth``."""

from __future__ import annotations

import json

from vqinsight.tasks.types import Answer, Preference, Score, Verdict


def write_label(label: Answer) -> str:
    """A JSON object: ``{"scores": {…}}`` on the question's scales, ``{"choice": "A"}`` or ``{"yes": true}``."""
    match label:
        case Score(values):
            return json.dumps({"scores": values})
        case Preference(choice):
            return json.dumps({"choice": choice})
        case Verdict(yes):
            return json.dumps({"yes": yes})


def read_label(text: str) -> Answer:
    """The inverse of ``write_label``.

    Raises:
        ValueError: it is no such text.
    """
    match json.loads(text):
        case {"scores": dict(values)}:
            return Score({key: float(value) for key, value in values.items()})
        case {"choice": "A" | "B" | "tie" as choice}:
            return Preference(choice)
        case {"yes": bool(yes)}:
            return Verdict(yes)
    raise ValueError(f"{text!r} is no label of an exported question")
