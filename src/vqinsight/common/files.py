"""Atomic writes: files and folders are complete or absent, also when the process is killed."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def atomic_path(place: Path, *, durable: bool = False) -> Iterator[Path]:
    """A temporary name to write a file or a folder to: replaces ``place`` at the end, and is removed on failure.

    An existing folder is removed just before the new one is renamed: an interruption in between leaves none.

    Args:
        durable: a file is on the disk before it gets its name, and its name before this returns, so that both outlive
            a loss of power.
    """
    part = place.with_name(f".{place.name}.{os.getpid()}.part")
    _remove(part)  # left by a killed process with the same id
    try:
        yield part
        if durable:
            sync(part)
        if part.is_dir():
            shutil.rmtree(place, ignore_errors=True)
        part.replace(place)
        if durable:
            sync(place.parent)
    finally:
        _remove(part)


def sync(place: Path) -> None:
    """Wait until a file's content, or the names in a folder, are on the disk.

    Raises:
        OSError: they cannot be written.
    """
    descriptor = os.open(place, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def remove_parts(folder: Path, pattern: str) -> None:
    """Remove what killed processes left of ``atomic_path`` for names that match ``pattern``, in a folder that no other
    process writes to.
    """
    for part in folder.glob(f".{pattern}.*.part"):
        _remove(part)


def _remove(part: Path) -> None:
    if part.is_dir():
        shutil.rmtree(part, ignore_errors=True)
    else:
        part.unlink(missing_ok=True)


def write_atomic(file: Path, text: str, *, durable: bool = False) -> None:
    """Write ``text`` (UTF-8) atomically; ``durable`` as for ``atomic_path``.

    Raises:
        OSError: it cannot be written.
    """
    with atomic_path(file, durable=durable) as part:
        part.write_text(text, encoding="utf-8")


def is_missing_folder(name: str) -> bool:
    """Whether ``name`` is no hub id (``owner/name``) but the name of a folder that does not exist."""
    return not Path(name).exists() and (name.count("/") > 1 or name.startswith((".", "/", "~")))
