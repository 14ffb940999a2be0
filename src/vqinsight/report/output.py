"""Output of results to standard output and files, and the exit code, however the run ends."""

from __future__ import annotations

import errno
import os
import shlex
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Generic, TypeVar

from rich.console import Console

from vqinsight.errors import UnreadableVideo, UsageError, VQInsightError
from vqinsight.report.measured import ClipMeasurement
from vqinsight.report.phrases import ResultRecord, failures
from vqinsight.report.picks import NO_PICKS, Picks, overall
from vqinsight.report.progress import complain, quieted
from vqinsight.results import ClipComparison, ClipRanking, ClipScore, ClipVerdict, without_previews

if TYPE_CHECKING:
    from vqinsight.report.files import ResultFile

Result = TypeVar("Result", ClipScore, ClipComparison, ClipRanking, ClipVerdict, ClipMeasurement)
# Exit codes. Where several apply it is wrong usage, then interrupted, failed, below the bar.
FAILED, WRONG_USAGE, BELOW, INTERRUPTED = 1, 2, 3, 130

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO})
# safetensors and torch report the system's message, or only these texts, instead of its error number.
_SAID = (*(os.strerror(code) for code in sorted(_FULL)), "PytorchStreamWriter failed writing file")


@dataclass(frozen=True)
class Outputs:
    """The destinations of results.

    Attributes:
        json_lines: JSON lines instead of text on standard output.
        out: a result file, or a folder.
        report: an HTML page.
        quiet: nothing but errors on standard error.
        picks: which results are shown, and their bar.
        folder: ``out`` is a folder of results (``report.store``).
        kept: the caller writes ``out`` and can go on with it.
    """

    json_lines: bool
    out: Path | None
    report: Path | None
    quiet: bool = False
    picks: Picks = NO_PICKS
    folder: bool = False
    kept: bool = False

    def check(self, inputs: Sequence[str]) -> None:
        """Refuse files that cannot be written (``UsageError``)."""
        if self.out is None and self.report is None:
            return
        from vqinsight.report.files import REPORT_SUFFIXES, RESULT_SUFFIXES, check_folder, check_target

        if self.folder and self.report is not None:
            raise UsageError(f"--report shows results of one run, and --out {self.out} is a folder. Leave out one.")
        if self.folder and self.out is not None:
            from vqinsight.report.store import check_store

            check_folder(self.out, "--out")
            check_store(self.out)
            return
        for path, option, suffixes in (
            (self.out, "--out", RESULT_SUFFIXES),
            (self.report, "--report", REPORT_SUFFIXES),
        ):
            if path is not None:
                check_target(path, option, suffixes, inputs)


class Taker(Generic[Result]):
    """Takes results one by one, in the order of the source.

    Attributes:
        taken: how many.
        failed: a clip failed or has no usable answer.
        below: a clip is below the bar.
        results: those that are shown at the end.
    """

    def __init__(self, outputs: Outputs, file: ResultFile | None) -> None:
        self._outputs, self._file = outputs, file
        self.taken, self.failed, self.below = 0, False, False
        self.results: list[Result] = []

    def __call__(self, result: Result) -> None:
        """Take one result."""
        outputs = self._outputs
        self.taken += 1
        self.failed |= bool(failures([result]))
        if isinstance(result, ClipScore):
            self.below |= outputs.picks.fails(overall(result))
        if outputs.report is None:
            result = without_previews(result)
        if self._file is not None:
            self._file.add(result)
        at_once = outputs.json_lines and not outputs.picks.reorders
        if at_once:
            print(_json_line(result), flush=True)
        if outputs.report is not None or not (at_once or outputs.folder):
            self.results.append(result)

    @property
    def code(self) -> int:
        """The exit code of a run that came to its end."""
        return FAILED if self.failed else BELOW if self.below else 0


@contextmanager
def deliver(
    outputs: Outputs, inputs: Sequence[str], show: Callable[[Console, list[Result]], None]
) -> Iterator[Taker[Result]]:
    """A context that takes results one by one; on exit it delivers them and exits the process.

    Results are written also when an error, Ctrl-C or SIGTERM ends the run. Exit codes: 0, 2 for wrong usage, 130 after
    Ctrl-C or SIGTERM, 1 when a clip failed or had no usable answer, 3 when one is below the bar.

    Args:
        inputs: the files and folders named by the user, which no output may overwrite.
        show: prints results as text.
    """
    taker: Taker[Result] | None = None
    try:
        with ExitStack() as endings:
            endings.enter_context(quieted(outputs.quiet))
            outputs.check(inputs)
            endings.enter_context(_terminated_as_interrupted())
            taker = Taker(outputs, None if outputs.kept else _open(outputs.out, endings))
            endings.callback(_report, outputs, taker.results)
            endings.callback(_show, outputs, taker.results, show)  # first: the last one in
            yield taker
    except VQInsightError as error:
        complain(f"Error: {error}")
        sys.exit(FAILED if isinstance(error, UnreadableVideo) else WRONG_USAGE)
    except KeyboardInterrupt:
        taken = taker.taken if taker is not None else 0
        kept = f" Results so far: {taken}" + (f", in {outputs.out}." if outputs.out and taken else ".")
        complain("Interrupted." + kept + " The same command goes on." * bool(outputs.kept and taken))
        sys.exit(INTERRUPTED)
    sys.exit(taker.code if taker is not None else 0)


@contextmanager
def _terminated_as_interrupted() -> Iterator[None]:
    """SIGTERM ends a run as Ctrl-C does."""
    if threading.current_thread() is not threading.main_thread():  # signals are the main thread's
        yield
        return
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def plain_endings(interrupted: str, *, quiet: bool = False) -> Iterator[None]:
    """Errors and Ctrl-C end the process with a line instead of a traceback.

    Args:
        interrupted: message after Ctrl-C.
        quiet: nothing but errors on standard error.
    """
    try:
        with quieted(quiet):
            yield
    except VQInsightError as error:
        complain(f"Error: {error}")
        sys.exit(WRONG_USAGE if isinstance(error, UsageError) else FAILED)
    except KeyboardInterrupt:
        complain(interrupted)
        sys.exit(INTERRUPTED)


def _open(out: Path | None, endings: ExitStack) -> ResultFile | None:
    if out is None:
        return None
    from vqinsight.report.files import ResultFile

    return endings.enter_context(ResultFile(out))


def _json_line(result: ResultRecord) -> str:
    from vqinsight.report.files import json_line

    return json_line(result)


def _show(outputs: Outputs, results: list[Result], show: Callable[[Console, list[Result]], None]) -> None:
    shown = outputs.picks.apply(results, overall)
    if outputs.json_lines:
        for result in shown if outputs.picks.reorders else ():
            print(_json_line(result), flush=True)
    elif shown:
        show(text_console(), shown)


def text_console() -> Console:
    """Standard output for text."""
    return Console(markup=False, highlight=False, emoji=False)


def _report(outputs: Outputs, results: Sequence[ResultRecord]) -> None:
    if results and outputs.report is not None:
        command = shlex.join(["vqinsight", *sys.argv[1:]])
        measured = [result for result in results if isinstance(result, ClipMeasurement)]
        if measured:
            from vqinsight.report.measured_page import write_measured

            write_measured(outputs.report, measured, command)
            return
        from vqinsight.report.html import write_report

        write_report(outputs.report, results, command=command)


@contextmanager
def full_disk_is_no_bug() -> Iterator[None]:
    """Turn a full disk into one line and an exit, for every write inside, to standard output too. Other errors
    propagate.
    """
    try:
        try:
            yield
        finally:
            sys.stdout.flush()  # flushed here, as an error of the interpreter's final flush cannot be handled
    except _writing_errors() as error:
        reason = _reason(error)
        if reason is None:
            raise
        _drop_output()
        name = getattr(error, "filename", None) or "the output"
        complain(f"Error: {name} cannot be written ({reason}). Make room on the disk, or choose another place.")
        sys.exit(FAILED)


def _writing_errors() -> tuple[type[Exception], ...]:
    """The errors of failed writes in Python, torch and, where it is loaded, safetensors."""
    found = getattr(sys.modules.get("safetensors"), "SafetensorError", None)
    return (OSError, RuntimeError, *((found,) if isinstance(found, type) else ()))


def _reason(error: BaseException) -> str | None:
    """The system's message about a full disk, from the error or one of its causes."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, OSError) and seen.errno in _FULL:
            return seen.strerror or os.strerror(seen.errno)
        if said := next((words for words in _SAID if words in str(seen)), None):
            return said
        seen = seen.__cause__ or seen.__context__
    return None


def _drop_output() -> None:
    """Discard what standard output buffers if it cannot be written; else the interpreter tries again on exit."""
    try:
        sys.stdout.flush()
    except OSError:
        with open(os.devnull, "w") as nothing:  # noqa: PTH123 - a device
            os.dup2(nothing.fileno(), sys.stdout.fileno())
