"""A forked ``vqinsight`` is a process of its own that does what ``python -m vqinsight`` does."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from helpers import process


def fail() -> None:
    os.environ["LEFT"] = "behind"
    print(Path.cwd(), sys.argv[1:], os.environ["OMP_NUM_THREADS"])
    raise RuntimeError("on purpose")


def leave() -> None:
    raise SystemExit(int("LEFT" in os.environ))


def wait() -> None:
    Path("started").touch()
    time.sleep(60)


def test_it_prints_and_ends_as_the_real_one(tmp_path: Path) -> None:
    for arguments in (["scroe"], ["--version"]):
        real = subprocess.run(
            [sys.executable, "-m", "vqinsight", *arguments], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        forked = process.run(*arguments, folder=tmp_path)
        assert (forked.returncode, forked.stdout, forked.stderr) == (real.returncode, real.stdout, real.stderr)


def test_it_fails_alone(tmp_path: Path) -> None:
    failed = process.run("a", "b", folder=tmp_path, program=fail)
    assert failed.returncode == 1 and failed.stdout == f"{tmp_path} ['a', 'b'] 1\n"
    assert "RuntimeError: on purpose" in failed.stderr
    assert process.run(folder=tmp_path, program=leave).returncode == 0  # nothing of one is in the next


def test_it_can_be_killed_and_takes_no_longer_than_it_may(tmp_path: Path) -> None:
    running = process.start(folder=tmp_path, output=tmp_path / "log", program=wait)
    assert process.kill_when(running, (tmp_path / "started").exists) and running.exitcode == -9
    with pytest.raises(subprocess.TimeoutExpired):
        process.run(folder=tmp_path, program=wait, timeout=0.5)
    ended = process.start("--version", folder=tmp_path, output=tmp_path / "log")
    assert not process.kill_when(ended, lambda: False) and ended.exitcode == 0
