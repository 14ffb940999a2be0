"""Check of yes/no questions."""

from __future__ import annotations

import re

from vqinsight.errors import UsageError

_OPEN = ["who", "whom", "whose", "what", "which", "when", "where", "why", "how"]
_AUXILIARY = ["am", "is", "are", "was", "were", "be", "do", "does", "did", "has", "have", "had", "can", "could", "will"]
_AUXILIARY += ["would", "shall", "should", "may", "might", "must"]
_AUXILIARY += [f"{verb}n't" for verb in _AUXILIARY] + ["can't", "won't"]
_OPENS = re.compile(rf"({'|'.join(_OPEN)})\b", re.IGNORECASE)
_BEGINS = re.compile(rf"({'|'.join(_AUXILIARY)})\b", re.IGNORECASE)
_BEGINS_LATER = re.compile(rf"[,;:.]\s*({'|'.join(_AUXILIARY)})\b", re.IGNORECASE)
_MARKS = ("?", "？", "؟", "\u037e")
EXAMPLE = "'Is the motion reasonable?'"


def check_question(text: str) -> None:
    """Refuse what is clearly no yes/no question; doubtful texts are accepted.

    * A question that begins with who, what, which, when, where, why or how asks for more than yes or no, unless an
      auxiliary verb follows a comma ("When it turns, is the wheel round?").
    * A text without a question mark is a question only if it begins with an auxiliary verb (is, does, can, …).

    Everything else that ends in a question mark is accepted, statements too ("The motion is smooth?").

    Raises:
        UsageError: with the reason.
    """
    plain = text.replace("\u2019", "'").strip().strip("\"'")
    opening = _OPENS.match(plain)
    if opening and not _BEGINS_LATER.search(plain):
        raise UsageError(
            f"{text!r} is no yes/no question: {opening[0].lower()!r} asks for more than yes or no. "
            f"Ask one such as {EXAMPLE}."
        )
    if not plain.endswith(_MARKS) and not _BEGINS.match(plain):
        raise UsageError(f"{text!r} is no question. End it with a question mark, as in {EXAMPLE}.")
