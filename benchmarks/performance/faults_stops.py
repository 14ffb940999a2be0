"""Runs that are killed, stopped, or short of disk, and two at a time on one folder.

The model is the tests' stand-in, whose answers depend on a clip's name alone; what writes and commits is the program.
"""

from __future__ import annotations

import random
import shutil
import signal
import time
from collections import Counter
from pathlib import Path
from typing import Any

from benchmarks.performance.faults_runs import Row, as_straight, helper, row_of, rows

CLIPS, BAD, KILLS, TIMES = 200, 20, 10, 5
_SCORE = ("score", "clips", "--out", "results/")
_MOST = (200, 1000, 2000, 4000, 6000)  # bytes of a file: too few for the settings, or for a part
_PAUSE = 0.02  # seconds a clip
_ENDED = 1  # exit code: a clip is bad


class Disturbed:
    """A folder of 200 clips, 20 of them bad, whose judging is disturbed as often as a row wants.

    Attributes:
        injected: faults so far.
        sound: whether every process ended as it should.
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self.injected, self.sound = folder, 0, True
        (folder / "clips").mkdir()
        for number in range(CLIPS):
            bad = number % (CLIPS // BAD) == BAD // 3
            (folder / "clips" / f"{'bad' if bad else 'c'}{number:03}.mp4").touch()
        self._run()
        self._straight = rows(folder / "results")
        shutil.rmtree(folder / "results")
        self._log = folder / "work.log"
        self._log.unlink()
        self._wanted: set[str] = set()
        self._found: Counter[str] = Counter()
        self._wrong = self._again = 0

    def start(self, **environment: object) -> Any:
        """A process that judges."""
        return helper("stopped").start(self.folder, *_SCORE, **environment)

    def _run(self) -> None:
        process = self.start()
        process.communicate()
        self.sound &= process.returncode == _ENDED

    def judged(self) -> int:
        """Clips that were judged so far, those twice that were judged twice."""
        return len(self._log.read_text().splitlines()) if self._log.exists() else 0

    def reach(self, process: Any, count: int) -> None:
        """Wait until a process has judged so many."""
        while self.judged() < count:
            if process.poll() is not None:
                raise SystemExit(f"it ended by itself: {process.communicate()[1]}")
            time.sleep(0.002)

    def stop(self, draw: random.Random, number: signal.Signals) -> tuple[int, str]:
        """Judge, and stop at a random moment; exit code and standard error."""
        process = self.start(PAUSE=_PAUSE)
        self.reach(process, self.judged() + draw.randint(1, CLIPS // KILLS - 5))
        time.sleep(draw.uniform(0, 2 * _PAUSE))
        process.send_signal(number)
        _, errors = process.communicate()
        self.injected += 1
        return process.returncode, errors

    def finish(self) -> None:
        """Go on to the end with the same command, compare the rows, and clear the folder for the next fault."""
        self._run()
        found = rows(self.folder / "results")
        self._wrong += as_straight(found, self._straight)
        self._wanted |= {f"{self.injected} {row['id']}" for row in self._straight}
        self._found.update(f"{self.injected} {row['id']}" for row in found)
        self._again += self.judged() - CLIPS
        shutil.rmtree(self.folder / "results")
        self._log.unlink()

    def row(self) -> Row:
        """The figures."""
        more = {"judged_again": self._again}
        return row_of(self.injected, self._wanted, self._found, self._wrong, sound=self.sound, **more)


def killed(folder: Path) -> Row:
    """Ten SIGKILLs at random moments of one run."""
    run, draw = Disturbed(folder), random.Random(33)
    for _ in range(KILLS):
        run.sound &= run.stop(draw, signal.SIGKILL)[0] == -signal.SIGKILL
    run.finish()
    return run.row()


def killed_at_steps(folder: Path) -> Row:
    """A SIGKILL while a part is written, when it is written, and when it has its name."""
    run = Disturbed(folder)
    for step in helper("stopped").STEPS:
        process = run.start(KILL=step)
        process.communicate()
        run.sound &= process.returncode == -signal.SIGKILL
        run.injected += 1
        run.finish()
    return run.row()


def interrupted(folder: Path) -> Row:
    """Five times Ctrl-C."""
    return _asked_to_end(folder, signal.SIGINT)


def terminated(folder: Path) -> Row:
    """Five times SIGTERM."""
    return _asked_to_end(folder, signal.SIGTERM)


def _asked_to_end(folder: Path, number: signal.Signals) -> Row:
    run, draw = Disturbed(folder), random.Random(number)
    for _ in range(TIMES):
        code, errors = run.stop(draw, number)
        run.sound &= code == 130 and "The same command goes on." in errors and "Traceback" not in errors
    run.finish()
    return run.row()


def full_disk(folder: Path) -> Row:
    """No file may grow beyond so many bytes, as if the disk were full there."""
    run = Disturbed(folder)
    for most in _MOST:
        process = run.start(MOST=most)
        _, errors = process.communicate()
        run.sound &= process.returncode in (1, 2) and "cannot be written" in errors and "Traceback" not in errors
        run.injected += 1
        run.finish()
    return run.row()


def two_runs(folder: Path) -> Row:
    """Five further runs begin on a folder while one judges."""
    run = Disturbed(folder)
    first = run.start(PAUSE=0.3)
    try:
        run.reach(first, 1)
        for _ in range(TIMES):
            second = run.start()
            _, errors = second.communicate()
            run.sound &= second.returncode == 2 and f"is in use by process {first.pid} on " in errors
            run.injected += 1
        run.sound &= first.poll() is None
        first.communicate()
    finally:
        first.kill()
    run.sound &= first.returncode == _ENDED
    run.finish()
    return run.row()
