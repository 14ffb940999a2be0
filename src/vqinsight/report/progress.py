"""Standard error: notices, and progress where a person is watching; and streams that take any text."""

from __future__ import annotations

import codecs
import io
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from vqinsight.report.phrases import printable

STDERR = Console(stderr=True, markup=False, highlight=False, emoji=False)
_PLAIN = str.maketrans("–×━─✗“”’", '-x=-x""\'') | {ord("±"): "+/-", ord("…"): "..."}


def notice(message: str) -> None:
    """One line on standard error, above any progress bar."""
    STDERR.print(printable(message), soft_wrap=True)


@contextmanager
def waiting(what: str) -> Iterator[None]:
    """Say what is being waited for."""
    if not _watched():
        yield
        return
    with STDERR.status(printable(what), spinner="line"):
        yield


@contextmanager
def counting(what: str, total: int, json_lines: bool) -> Iterator[Callable[[int, int], None]]:
    """Show a progress bar, unless JSON lines would run through it; the function it gives takes (done, total)."""
    columns = (TextColumn("{task.description}"), BarColumn(24), MofNCompleteColumn(), TimeRemainingColumn())
    hidden = not _watched() or (json_lines and sys.stdout.isatty())
    with Progress(
        *columns,
        console=STDERR,
        transient=True,
        redirect_stdout=False,  # else results would end up in standard error
        redirect_stderr=False,
        disable=hidden,
    ) as bar:
        task = bar.add_task(what, total=total)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def take_any_text() -> None:
    """Make both streams exist, and spell out what their encoding lacks instead of failing."""
    sys.stdout = sys.stdout or io.StringIO()  # closed by the caller: >&-
    sys.stderr = sys.stderr or io.StringIO()
    codecs.register_error("vqinsight", _spell)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="vqinsight")


def _watched() -> bool:
    return sys.stderr.isatty() and not STDERR.is_dumb_terminal


def _spell(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    letters = error.object[error.start : error.end].translate(_PLAIN)
    return letters.encode("ascii", "backslashreplace").decode(), error.end
