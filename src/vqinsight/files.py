"""Files that are there whole or not at all, whenever the process is killed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def whole(file: Path) -> Iterator[Path]:
    """A name to write to: takes the place of ``file`` when all is written, and is removed when that fails."""
    part = file.with_name(f".{file.name}.{os.getpid()}.part")
    try:
        yield part
        part.replace(file)
    finally:
        part.unlink(missing_ok=True)


def write_whole(file: Path, text: str) -> None:
    """Write ``text`` (UTF-8); what was there before stays until all of it is written.

    Raises:
        OSError: it cannot be written.
    """
    with whole(file) as part:
        part.write_text(text, encoding="utf-8")
