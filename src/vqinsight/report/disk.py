"""A disk that is full, or any other place that takes no more, ends a run with a line and not with a trace."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from vqinsight.report.progress import notice

FAILED = 1  # exit code
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO})
# safetensors and torch give the system's words, or only these, in place of its number.
_SAID = (*(os.strerror(code) for code in sorted(_FULL)), "PytorchStreamWriter failed writing file")


@contextmanager
def full_disk_is_no_bug() -> Iterator[None]:
    """Whatever is being written inside, standard output included: where there is no room for it the process exits with
    one line. Other errors pass.
    """
    try:
        try:
            yield
        finally:
            sys.stdout.flush()  # here, for the interpreter's own attempt at its end cannot be answered
    except _writing_errors() as error:
        reason = _reason(error)
        if reason is None:
            raise
        _drop_output()
        name = getattr(error, "filename", None) or "the output"
        notice(f"Error: {name} cannot be written ({reason}). Make room on the disk, or choose another place.")
        sys.exit(FAILED)


def _writing_errors() -> tuple[type[Exception], ...]:
    """What Python, torch and, where it is loaded at all, safetensors raise when they cannot write."""
    found = getattr(sys.modules.get("safetensors"), "SafetensorError", None)
    return (OSError, RuntimeError, *((found,) if isinstance(found, type) else ()))


def _reason(error: BaseException) -> str | None:
    """What the system said about the full disk, from the error or from one that it came of."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, OSError) and seen.errno in _FULL:
            return seen.strerror or os.strerror(seen.errno)
        if said := next((words for words in _SAID if words in str(seen)), None):
            return said
        seen = seen.__cause__ or seen.__context__
    return None


def _drop_output() -> None:
    """Let go what standard output holds back, if that is what takes no more: else the interpreter tries once again."""
    try:
        sys.stdout.flush()
    except OSError:
        with open(os.devnull, "w") as nothing:  # noqa: PTH123 - a device
            os.dup2(nothing.fileno(), sys.stdout.fileno())
