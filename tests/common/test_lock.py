"""One process at a time on an output, with real processes: who holds it is said, and who is dead holds nothing."""

from __future__ import annotations

import errno
import fcntl
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from vqinsight.common import lock
from vqinsight.common.lock import hold_file, hold_folder
from vqinsight.errors import UsageError

# Holds an output until its standard input ends; with a worker, a forked process that outlives it.
HOLDER = """
import os, sys, time
from pathlib import Path
from vqinsight.common import lock
with getattr(lock, sys.argv[1])(Path(sys.argv[2])):
    worker = os.fork() if sys.argv[3] == "worker" else 0
    if sys.argv[3] == "worker" and worker == 0:
        os.close(0)
        time.sleep(60)
        os._exit(0)
    print(worker, flush=True)
    sys.stdin.read()
"""


@contextmanager
def _held(kind: str, place: Path, worker: str = "alone") -> Iterator[tuple[subprocess.Popen[str], int]]:
    """The holder, once it holds, and its worker's id."""
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, kind, str(place), worker],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdout is not None and holder.stdin is not None
    try:
        yield holder, int(holder.stdout.readline())
    finally:
        holder.stdin.close()
        holder.wait(30)
        holder.stdout.close()


@pytest.mark.parametrize(("kind", "name"), [("hold_folder", "run"), ("hold_file", "pairs.jsonl")])
def test_the_second_is_told_who_is_there(kind: str, name: str, tmp_path: Path) -> None:
    hold = getattr(lock, kind)
    with _held(kind, tmp_path / name) as (holder, _):
        with pytest.raises(UsageError) as refused, hold(tmp_path / name):
            pass
        said = str(refused.value)
        assert f"process {holder.pid} on {socket.gethostname()} since 2" in said and str(tmp_path / name) in said
    with hold(tmp_path / name):
        pass
    assert list(tmp_path.iterdir()) == []  # nothing stays


def test_a_killed_process_holds_nothing_even_if_its_workers_live(tmp_path: Path) -> None:
    with _held("hold_folder", tmp_path / "run", "worker") as (holder, worker):
        holder.kill()
        holder.wait()
        try:
            os.kill(worker, 0)  # it is there
            assert (tmp_path / "run" / lock.FILE).is_file()
            with hold_folder(tmp_path / "run"):
                assert str(os.getpid()) in (tmp_path / "run" / lock.FILE).read_text()
        finally:
            os.kill(worker, signal.SIGKILL)


def test_of_the_processes_of_one_run_the_first_holds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with _held("hold_folder", tmp_path / "run"):
        monkeypatch.setenv("RANK", "1")
        with hold_folder(tmp_path / "run"):
            pass
        monkeypatch.setenv("RANK", "0")
        with pytest.raises(UsageError, match="in use"), hold_folder(tmp_path / "run"):
            pass


def test_a_process_does_not_hold_an_output_twice(tmp_path: Path) -> None:
    with hold_file(tmp_path / "a.json"), hold_file(tmp_path / "b.json"):
        with pytest.raises(UsageError, match=f"process {os.getpid()}"), hold_file(tmp_path / "a.json"):
            pass
        with pytest.raises(UsageError, match="in use"), hold_file(tmp_path / "a.json"):
            pass  # the refusal has not released it


def test_what_a_run_left_in_its_folder_stays(tmp_path: Path) -> None:
    with hold_folder(tmp_path / "deep" / "run"):
        (tmp_path / "deep" / "run" / "result").touch()
    assert [place.name for place in (tmp_path / "deep" / "run").iterdir()] == ["result"]


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="cannot be made"), hold_folder(tmp_path / "file" / "run"):
        pass
    with pytest.raises(UsageError, match="cannot be written to"), hold_file(tmp_path / "none" / "r.json"):
        pass


def test_a_file_system_without_locks_is_told_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def none(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "lockf", none)
    with hold_folder(tmp_path / "run"):
        (tmp_path / "run" / "result").touch()
    assert "has no locks" in caplog.text and (tmp_path / "run" / "result").is_file()
