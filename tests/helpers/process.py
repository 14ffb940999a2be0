"""``vqinsight`` as a process of its own without its ten seconds of imports: forked from a server that has done them.

Such a process has its own memory, folder, environment and output, and can be killed. What it shares with all others
of a session is what happens before ``main``: the imports, and the seed of Python's hashes. So every verb is started as
``python -m vqinsight`` by some test, too, and whatever torchrun or accelerate starts is never forked.
"""

from __future__ import annotations

import atexit
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import cache
from multiprocessing import forkserver, get_context
from multiprocessing.context import ForkServerContext
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest

PRELOADED = (
    "vqinsight.cli.main",
    "vqinsight.inference.api",
    "vqinsight.training.sft",
    "vqinsight.training.stage1_warmup",
    "vqinsight.training.stage2_temporal",
    "vqinsight.training.stage3_united",
    "transformers.models.qwen2_5_vl.modeling_qwen2_5_vl",
    "helpers.preload",
)
# torch may not have started threads before the fork, and what is read at import has to be there when the server starts.
ENVIRONMENT = {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}


def vqinsight() -> None:
    """The program that a process runs unless told otherwise; its arguments are in ``sys.argv``."""
    from vqinsight.cli.main import main

    main()


def start(
    *arguments: str, folder: Path, output: Path, errors: Path | None = None, program: Callable[[], None] = vqinsight
) -> BaseProcess:
    """Start ``program`` in ``folder``.

    Args:
        output: file for what it prints.
        errors: file for its standard error; by default that goes to ``output`` as well.
        program: a function of a module that can be imported, without arguments.

    Returns:
        A process with ``pid``, ``is_alive``, ``kill``, ``join`` and ``exitcode`` (below zero: minus the signal).
    """
    process: BaseProcess = _server().Process(  # type: ignore[attr-defined]
        target=_run, args=(program, arguments, folder, output, errors, os.environ | ENVIRONMENT)
    )
    process.start()
    return process


def run(
    *arguments: str, folder: Path, timeout: float = 300, program: Callable[[], None] = vqinsight
) -> subprocess.CompletedProcess[str]:
    """Run ``program`` to its end, like ``subprocess.run`` with captured output.

    Raises:
        subprocess.TimeoutExpired: it took longer than ``timeout`` seconds, and was killed.
    """
    with tempfile.TemporaryDirectory() as kept:
        output, errors = Path(kept, "output"), Path(kept, "errors")
        process = start(*arguments, folder=folder, output=output, errors=errors, program=program)
        process.join(timeout)
        if process.is_alive():
            process.kill()
            process.join()
            raise subprocess.TimeoutExpired(arguments, timeout, output.read_text(), errors.read_text())
        assert process.exitcode is not None
        return subprocess.CompletedProcess(arguments, process.exitcode, output.read_text(), errors.read_text())


def kill_when(process: subprocess.Popen[str] | BaseProcess, seen: Callable[[], bool], timeout: float = 300) -> bool:
    """SIGKILL a process as soon as ``seen`` says so, at the latest after ``timeout`` seconds; whether it was alive."""
    popen = isinstance(process, subprocess.Popen)
    deadline = time.monotonic() + timeout

    def alive() -> bool:
        return process.poll() is None if popen else process.is_alive()

    while time.monotonic() < deadline and alive() and not seen():
        time.sleep(0.002)
    was_alive = alive()
    process.kill()
    process.wait() if popen else process.join()
    return was_alive


@cache
def _server() -> ForkServerContext:
    context = get_context("forkserver")
    context.set_forkserver_preload(list(PRELOADED))
    paths = os.pathsep.join([str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", "")])
    with pytest.MonkeyPatch.context() as patch:
        for name, value in (ENVIRONMENT | {"PYTHONPATH": paths}).items():
            patch.setenv(name, value)
        forkserver.ensure_running()
    return context


def stop_server() -> None:
    """Stop the server if there is one and wait for it, so that its CPU seconds are counted as those of the tests."""
    if _server.cache_info().currsize:
        forkserver._forkserver._stop()  # type: ignore[attr-defined]


def _run(
    program: Callable[[], None],
    arguments: tuple[str, ...],
    folder: Path,
    output: Path,
    errors: Path | None,
    environment: dict[str, str],
) -> None:
    missing = [name for name in PRELOADED if name not in sys.modules]
    if missing:
        raise ImportError(f"the server of processes could not import {', '.join(missing)}")
    for number, file in ((1, output), (2, errors)):
        if file is None:
            os.dup2(1, number)
            continue
        opened = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(opened, number)
        os.close(opened)
    sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115 - until the process ends
    sys.stderr = open(2, "w", encoding="utf-8", closefd=False, buffering=1)  # noqa: SIM115
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = ["vqinsight", *arguments]
    try:
        program()
    finally:
        atexit._run_exitfuncs()
