"""Standard error: notices, and progress on a terminal; and robust encoding of streams."""

from __future__ import annotations

import codecs
import io
import logging
import math
import os
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from vqinsight.report.phrases import printable

_EVERY = 30.0  # seconds between lines in a log
_BARS = ("HF_HUB_DISABLE_PROGRESS_BARS", "TQDM_DISABLE")  # progress bars of libraries
STDERR = Console(stderr=True, markup=False, highlight=False, emoji=False)
_PLAIN = str.maketrans("–×━─✗“”’", '-x=-x""\'') | {ord("±"): "+/-", ord("…"): "..."}


def notice(message: str) -> None:
    """One line on standard error, above any progress bar; none where ``quieted``."""
    STDERR.print(printable(message), soft_wrap=True)


def complain(message: str) -> None:
    """One line on standard error that ``quieted`` keeps: why a run ends."""
    before, STDERR.quiet = STDERR.quiet, False
    try:
        notice(message)
    finally:
        STDERR.quiet = before


@contextmanager
def quieted(quiet: bool) -> Iterator[None]:
    """Suppress notices, progress and the warnings of all libraries inside, where ``quiet``."""
    if not quiet:
        yield
        return
    bars = {name: os.environ.get(name) for name in _BARS}
    os.environ.update(dict.fromkeys(_BARS, "1"))
    STDERR.quiet = True
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(logging.NOTSET)
        STDERR.quiet = False
        for name, value in bars.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@contextmanager
def waiting(what: str) -> Iterator[None]:
    """Show what the user waits for."""
    if not _watched():
        yield
        return
    with STDERR.status(printable(what), spinner="line"):
        yield


@contextmanager
def counting(what: str, total: int, json_lines: bool, *, log: bool = False) -> Iterator[Callable[[int, int], None]]:
    """Show a progress bar with rate and remaining time, except with JSON lines; the function it gives takes (done,
    total).

    Args:
        log: where standard error is no terminal, write a line every ``_EVERY`` seconds.
    """
    columns = (TextColumn("{task.description}"), BarColumn(24), MofNCompleteColumn(), _Rate(), TimeRemainingColumn())
    watched = _watched()
    with Progress(
        *columns,
        console=STDERR,
        transient=True,
        redirect_stdout=False,  # else results go to standard error
        redirect_stderr=False,
        disable=not watched or (json_lines and sys.stdout.isatty()),
    ) as bar:
        task = bar.add_task(what, total=total)
        pace = _Pace(what) if log and not watched else None

        def count(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total)
            if pace is not None:
                pace.tell(done, total)

        yield count


class _Rate(ProgressColumn):
    """How many a second."""

    def render(self, task: Task) -> Text:
        return Text(f"{task.speed:.2g}/s" if task.speed else "")


class _Pace:
    """Lines of a log: how many of how many, how many a second, how long it takes."""

    def __init__(self, what: str) -> None:
        self._what, self._start = what, time.monotonic()
        self._told = self._start

    def tell(self, done: int, total: int) -> None:
        now = time.monotonic()
        if now - self._told < _EVERY or not done:
            return
        self._told = now
        notice(pace_line(self._what, done, total, now - self._start))


def pace_line(what: str, done: int, total: int, seconds: float) -> str:
    """A line such as ``Scoring: 120 of 400, 2.0 a second, 2 min left``."""
    rate = done / seconds
    minutes = math.ceil((total - done) / rate / 60)
    hours, rest = divmod(minutes, 60)
    left = f"{hours} h {rest} min" if hours else f"{rest} min"
    return f"{what}: {done} of {total}, {rate:.2g} a second, {left} left"


def take_any_text() -> None:
    """Make sure that both streams exist, and escape characters that their encoding lacks."""
    sys.stdout = sys.stdout or io.StringIO()  # closed by the caller: >&-
    sys.stderr = sys.stderr or io.StringIO()
    codecs.register_error("vqinsight", _spell)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="vqinsight")


def _watched() -> bool:
    return sys.stderr.isatty() and not STDERR.is_dumb_terminal and not STDERR.quiet


def _spell(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    letters = error.object[error.start : error.end].translate(_PLAIN)
    return letters.encode("ascii", "backslashreplace").decode(), error.end
