"""Files and folders that are there whole or not at all, whenever the process is killed."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def atomic_path(place: Path) -> Iterator[Path]:
    """A name to write a file or a folder to: takes the place of ``place`` when all is written, and is removed when that
    fails.

    A folder that is there already is removed just before the new one is renamed: a stop in between leaves none.
    """
    part = place.with_name(f".{place.name}.{os.getpid()}.part")
    _remove(part)  # of a process of the same number that was killed
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
    """Write ``text`` (UTF-8); what was there before stays until all of it is written.

    Raises:
        OSError: it cannot be written.
    """
    with atomic_path(file) as part:
        part.write_text(text, encoding="utf-8")


def is_missing_folder(name: str) -> bool:
    """Whether ``name`` can only be a folder, for a hub id is ``owner/name``, and there is none."""
    return not Path(name).exists() and (name.count("/") > 1 or name.startswith((".", "/", "~")))
