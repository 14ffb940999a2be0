"""Atomic writes: files and folders are complete or absent, also when the process is killed."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def atomic_path(place: Path) -> Iterator[Path]:
    """A temporary name to write a file or a folder to: replaces ``place`` at the end, and is removed on failure.

    An existing folder is removed just before the new one is renamed: an interruption in between leaves none.
    """
    part = place.with_name(f".{place.name}.{os.getpid()}.part")
    _remove(part)  # left by a killed process with the same id
    try:
        yield part
        if part.is_dir():
            shutil.rmtree(place, ignore_errors=True)
        part.replace(place)
    finally:
        _remove(part)


def _remove(part: Path) -> None:
    if part.is_dir():
        shutil.rmtree(part, ignore_errors=True)
    else:
        part.unlink(missing_ok=True)


def write_atomic(file: Path, text: str) -> None:
    """Write ``text`` (UTF-8) atomically.

    Raises:
        OSError: it cannot be written.
    """
    with atomic_path(file) as part:
        part.write_text(text, encoding="utf-8")


def is_missing_folder(name: str) -> bool:
    """Whether ``name`` is no hub id (``owner/name``) but the name of a folder that does not exist."""
    return not Path(name).exists() and (name.count("/") > 1 or name.startswith((".", "/", "~")))
