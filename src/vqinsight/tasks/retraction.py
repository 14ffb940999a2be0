"""Answers that take themselves back: "A, wait, I was wrong"."""

from __future__ import annotations

import re

from vqinsight.tasks.types import Missing

# At the start of a clause: "people wait at a crossing" explains an answer, and takes nothing back.
_CLAUSE = (
    r"wait|sorry|oops|correction|never ?mind|hold on|(?:scratch|strike|ignore|forget) (?:that|this)|on reflection",
    r"actually(?:[,.!]| no\b| not\b| i\b)|that was (?:wrong|incorrect|a mistake)",
)
_ANYWHERE = (
    r"wait(?: a (?:moment|minute|second))? ?(?:[.,;:!?-]|no\b)",
    r"i(?: was| am|'m) (?:wrong|mistaken|incorrect)\b|i mis(?:judged|read|spoke)\b|my mistake\b",
    r"i(?: have|'ve)? made an? (?:mistake|error)\b|chang(?:e|ed|ing) my mind\b|(?:on|after) second thoughts?\b",
    r"take (?:that|it|this) back\b|let me (?:correct|reconsider|rethink|revise|(?:think|look|check) again)\b",
    r"or (?:maybe|perhaps) not\b|yes[.,;!]{0,2} ?(?:not really|maybe not|perhaps not)\b",  # "no, not really" is a no
)
_RETRACTION = re.compile(
    r"(?:\A|[.,;:!?\n-])\s{0,4}(?:(?:but|oh|hm{1,9}|no|ok|okay|well|i)\b[,.]?\s{0,4}){0,2}"
    rf"(?:{'|'.join(_CLAUSE)})(?!\w)|\b(?:{'|'.join(_ANYWHERE)})"
)


def retraction(text: str) -> Missing | None:
    """Why an answer in lower case is missing, if it takes itself back; what it would say instead is not guessed."""
    return Missing(f"takes its answer back: {text.strip()[:60]!r}") if _RETRACTION.search(text) else None
