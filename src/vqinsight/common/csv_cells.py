"""Text in CSV cells that a spreadsheet would run as a formula, kept from doing so by a leading apostrophe."""

from __future__ import annotations

import re

# What a spreadsheet takes for a formula, or drops before it looks for one; apostrophes in front count as ours.
_RISKY = re.compile("'*[=+\\-@\x00-\x1f\x7f-\x9f]")


def neutralise(text: str) -> str:
    """The text as a spreadsheet shows it and never runs it; ``restore`` gives the text back, whatever it is."""
    return f"'{text}" if _RISKY.match(text) else text


def restore(cell: str) -> str:
    """The text that ``neutralise`` made the cell from."""
    return cell[1:] if cell.startswith("'") and _RISKY.match(cell) else cell
