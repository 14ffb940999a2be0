"""Files that are there whole or not at all, whenever the process is killed; folders that are not there."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def atomic_path(file: Path) -> Iterator[Path]:
    """A name to write to: takes the place of ``file`` when all is written, and is removed when that fails."""
    part = file.with_name(f".{file.name}.{os.getpid()}.part")
    try:
        yield part
        part.replace(file)
    finally:
        part.unlink(missing_ok=True)


def write_atomic(file: Path, text: str) -> None:
    """Write ``text`` (UTF-8); what was there before stays until all of it is written.

    Raises:
        OSError: it cannot be written.
    """
    with atomic_path(file) as part:
        part.write_text(text, encoding="utf-8")


def is_missing_folder(name: str) -> bool:
    """Whether ``name`` can only be a folder, for a hub id is ``owner/name``, and there is none."""
    return not Path(name).exists() and (name.count("/") > 1 or name.startswith((".", "/", "~")))
