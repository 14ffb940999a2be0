"""One process at a time on an output: a lock of the operating system, which ends with the process that holds it."""

from __future__ import annotations

import errno
import fcntl
import json
import logging
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path

from vqinsight.errors import UsageError

logger = logging.getLogger(__name__)

FILE = ".lock"  # in a locked folder; beside a locked file ``.NAME.lock``
_TAKEN = {errno.EACCES, errno.EAGAIN}
_UNSUPPORTED = {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL}
_mine: set[Path] = set()  # a process's own locks do not keep itself out


@contextmanager
def hold_folder(folder: Path) -> Iterator[None]:
    """Hold an output folder while a run writes to it; it is made if it is absent, and removed again if it stays empty.

    Of several processes of one run (torchrun, accelerate) only the first takes the lock.

    Raises:
        UsageError: another process holds it (named with its host and since when), or the folder cannot be made.
    """
    if os.environ.get("RANK", "0") != "0":
        yield
        return
    missing = [place for place in (folder, *folder.parents) if not place.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"The folder {folder} cannot be made ({error.strerror}). Choose another.") from error
    try:
        with _locked(folder / FILE, folder):
            yield
    finally:
        with suppress(OSError):  # not empty
            for place in missing:
                place.rmdir()


@contextmanager
def hold_file(file: Path) -> Iterator[None]:
    """Hold an output file, and what lies beside it under the same name, while a run writes to it.

    Raises:
        UsageError: another process holds it, or its folder is missing.
    """
    with _locked(file.with_name(f".{file.name}{FILE}"), file):
        yield


@contextmanager
def _locked(file: Path, output: Path) -> Iterator[None]:
    descriptor, key = _take(file, output), file.resolve()
    _mine.add(key)
    try:
        os.ftruncate(descriptor, 0)
        since = datetime.now().astimezone().isoformat(sep=" ", timespec="seconds")
        os.write(descriptor, json.dumps({"pid": os.getpid(), "host": socket.gethostname(), "since": since}).encode())
        yield
    finally:
        _mine.discard(key)
        file.unlink(missing_ok=True)
        os.close(descriptor)


def _take(file: Path, output: Path) -> int:
    """A descriptor of the locked file.

    The lock is a POSIX one: unlike those of ``flock`` it does not live on in forked processes, such as the workers that
    load clips, after the process that took it is killed.
    """
    if file.resolve() in _mine:
        raise _refusal(file, output)
    while True:
        try:
            descriptor = os.open(file, os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as error:
            raise UsageError(f"{output} cannot be written to ({error.strerror}). Choose another place.") from error
        try:
            fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno in _UNSUPPORTED:
                logger.warning("%s: this file system has no locks. Run one process at a time on it.", output)
                return descriptor
            os.close(descriptor)
            if error.errno not in _TAKEN:
                raise
            raise _refusal(file, output) from error
        try:
            if os.fstat(descriptor).st_ino == file.stat().st_ino:
                return descriptor
        except FileNotFoundError:
            pass
        os.close(descriptor)  # its last holder has just removed the file: the next one is another


def _refusal(file: Path, output: Path) -> UsageError:
    try:
        holder = json.loads(file.read_text(encoding="utf-8"))
        who = f"process {holder['pid']} on {holder['host']} since {holder['since']}"
    except (OSError, ValueError, KeyError):  # it has the lock and has not written yet
        who = "another process"
    return UsageError(f"{output} is in use by {who}. Wait until it ends, or choose another place.")
