"""Faults in Ray's workers: a folder with this as ``sitecustomize.py`` on ``PYTHONPATH`` is loaded by every process.

A worker that opens a clip writes a line with the clip's name and its own id to the file ``RAY_WORK``, once a process.
A clip named ``kills`` ends each process that opens it, ``first`` only the first one. At the one that ``RAY_PAUSE``
names the first process waits.
"""

import os
import signal
import sys
import time
from pathlib import Path

SEEN: set[str] = set()


def hook(event: str, arguments: tuple[object, ...]) -> None:
    if event != "open" or not sys.argv[0].endswith("default_worker.py"):
        return
    name = os.path.basename(str(arguments[0]))  # noqa: PTH119 - called for every file that is opened
    if not name.endswith(".mp4") or name in SEEN:
        return
    SEEN.add(name)
    log = Path(os.environ["RAY_WORK"])
    again = log.exists() and name in log.read_text().split()
    with log.open("a") as lines:
        lines.write(f"{name} {os.getpid()}\n")
    if "kills" in name or ("first" in name and not again):
        os.kill(os.getpid(), signal.SIGKILL)
    if name == os.environ.get("RAY_PAUSE") and not again:
        time.sleep(600)


if "RAY_WORK" in os.environ:
    sys.addaudithook(hook)
