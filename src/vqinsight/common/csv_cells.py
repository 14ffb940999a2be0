"""Neutralises text in CSV cells that a spreadsheet runs as a formula, by a leading apostrophe."""

from __future__ import annotations

import re

# The beginnings of formulas, and characters dropped before them; leading apostrophes are ours.
_RISKY = re.compile("'*[=+\\-@\x00-\x1f\x7f-\x9f]")


def neutralise(text: str) -> str:
    """The text in a form that no spreadsheet runs; ``restore`` is its inverse for every text."""
    return f"'{text}" if _RISKY.match(text) else text


def restore(cell: str) -> str:
    """The inverse of ``neutralise``."""
    return cell[1:] if cell.startswith("'") and _RISKY.match(cell) else cell
