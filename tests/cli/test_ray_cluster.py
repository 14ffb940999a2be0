"""``--engine ray`` on a cluster of one machine, with the embedded model: rows are local ones, whatever is killed."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from helpers import ray_hook

import vqinsight
from vqinsight.report.store import MANIFEST, NOTES

pytestmark = [
    pytest.mark.full,
    pytest.mark.skipif(find_spec("ray") is None, reason="the extra ray is not installed"),
]
BY_NATURE = {"seconds", "engine"}
CLIPS, BAD, PART = 12, 2, 4
AS_IT_IS = {"OMP_NUM_THREADS": "1", "RAY_worker_niceness": "0"}  # Ray makes workers nicer than the tests beside them


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, encode: ModuleType) -> Path:
    """A folder with clips, two of them bad, and ``local/``, their results without Ray."""
    folder = tmp_path_factory.mktemp("ray")
    (folder / "clips").mkdir()
    for number in range(CLIPS - BAD):
        grey = [np.full((48, 64, 3), 20 * number + frame, np.uint8) for frame in range(8)]
        encode.video(folder / "clips" / f"c{number:02}.mp4", grey)
    (folder / "clips" / "bad0.mp4").touch()
    (folder / "clips" / "bad1.mp4").write_bytes((folder / "clips" / "c00.mp4").read_bytes()[:600])
    (folder / "hook").mkdir()
    shutil.copy(ray_hook.__file__, folder / "hook" / "sitecustomize.py")
    assert command(folder, "score", "clips", "--out", "local/").wait() == 1
    assert Counter(row["status"] for row in rows(folder / "local"))["unreadable"] == BAD
    return folder


def command(folder: Path, *arguments: str, **environment: object) -> subprocess.Popen[str]:
    """Start the command line with parts of ``PART`` clips."""
    code = f"from vqinsight.report import store; store.PART_CLIPS = {PART}; from vqinsight.cli.main import main; main()"
    paths = os.pathsep.join([str(folder / "hook"), *sys.path])
    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": paths, **AS_IT_IS} | {name: str(value) for name, value in environment.items()},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )


def ended(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    output, errors = process.communicate(timeout=1800)
    assert "Traceback" not in errors, errors
    # Ray says that it was told to say less
    return process.returncode, output, "".join(line for line in errors.splitlines(True) if "log level" not in line)


def rows(folder: Path) -> list[dict[str, Any]]:
    found = vqinsight.read_results(folder).to_pylist()
    return [{key: value for key, value in row.items() if key not in BY_NATURE} for row in found]


def committed(folder: Path) -> int:
    from pyarrow import parquet

    return sum(parquet.read_metadata(part).num_rows for part in folder.glob("part-*.parquet"))


def manifest(folder: Path) -> dict[str, Any]:
    read = json.loads((folder / MANIFEST).read_text())
    return {key: value for key, value in read.items() if key not in NOTES}


def opened(work: Path) -> dict[str, list[int]]:
    """The ids of the workers that opened each clip, in order."""
    found: dict[str, list[int]] = {}
    for line in work.read_text().splitlines() if work.exists() else ():
        name, worker = line.split()
        found.setdefault(name, []).append(int(worker))
    return found


def wait_for(process: subprocess.Popen[str], seen: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + 600
    while not (found := seen()):
        assert process.poll() is None and time.monotonic() < deadline, process.communicate()
        time.sleep(0.05)
    return found


def test_rows_equal_local_ones_though_workers_are_killed(place: Path) -> None:
    """One clip kills its worker the first time, one each time, and the test kills one from outside."""
    clips = place / "clips"
    for name in ("first", "kills"):
        shutil.copy(clips / "c03.mp4", clips / f"{name}.mp4")
    try:
        work = place / "work.log"
        arguments = ("score", "clips", "--out", "ray/", "--engine", "ray")
        process = command(place, *arguments, RAY_WORK=work, RAY_PAUSE="c02.mp4")
        wait_for(process, lambda: "c02.mp4" in opened(work))
        os.kill(opened(work)["c02.mp4"][0], signal.SIGKILL)
        code, output, _ = ended(process)
    finally:
        for name in ("first", "kills"):
            (clips / f"{name}.mp4").unlink()
    assert code == 1 and "14 clips" in output and "raylet" not in output
    times = {name: len(processes) for name, processes in opened(work).items()}
    assert times["c02.mp4"] == 2 and 3 <= times["kills.mp4"] <= 4  # twice in its block, at most, and twice alone
    found = {Path(row["path"]).name: row for row in rows(place / "ray")}
    failed = found.pop("kills.mp4")
    assert failed["status"] == "failed" and "ended 2 times on it alone. Look at less" in failed["error"]
    first, like = found.pop("first.mp4"), found["c03.mp4"]
    same = {"overall", "status", "reasoning", "replies"}
    assert {key: first[key] for key in same} == {key: like[key] for key in same}
    local = {Path(row["path"]).name: row for row in rows(place / "local")}
    assert [_without_place(row) for row in found.values()] == [_without_place(local[name]) for name in found]
    assert found.keys() == local.keys() and committed(place / "ray") == CLIPS + 2
    assert manifest(place / "ray") == manifest(place / "local")
    # the folder is gone on with without Ray: nothing is left to judge
    code, output, _ = ended(command(place, "score", "clips", "--out", "ray/"))
    assert code == 1 and "12 clips" in output and committed(place / "ray") == CLIPS + 2


def test_a_killed_driver_goes_on(place: Path) -> None:
    import psutil

    work, out = place / "driver.log", place / "driven"
    arguments = ("ask", "clips", "Is it bright?", "--out", "driven/", "--engine", "ray")
    process = command(place, *arguments, RAY_WORK=work, RAY_PAUSE="c09.mp4")
    wait_for(process, lambda: out.exists() and committed(out))
    started = psutil.Process(process.pid).children(recursive=True)
    listening = [each.laddr.ip for one in started for each in one.net_connections("inet") if each.status == "LISTEN"]
    assert listening and {ip.removeprefix("::ffff:") for ip in listening} == {"127.0.0.1"}
    process.kill()
    process.communicate()
    assert not psutil.wait_procs(started, timeout=300)[1]  # Ray's agents look now and then whether it lives
    kept = committed(out)
    assert 0 < kept < CLIPS
    assert ended(command(place, *arguments, RAY_WORK=work))[0] == 1
    assert ended(command(place, "ask", "clips", "Is it bright?", "--out", "asked/"))[0] == 1
    assert committed(out) == CLIPS and rows(out) == rows(place / "asked")
    times = {name: len(processes) for name, processes in opened(work).items()}
    assert sum(times.values()) - len(times) <= CLIPS - kept and len(times) == CLIPS - 1  # an empty file is not opened


def test_sigterm_commits_what_there_is(place: Path) -> None:
    process = command(
        place, "score", "clips", "--out", "stopped/", "--engine", "ray", RAY_WORK=place / "s", RAY_PAUSE="c09.mp4"
    )
    wait_for(process, lambda: (place / "stopped").exists() and committed(place / "stopped"))
    process.send_signal(signal.SIGTERM)
    code, _, errors = ended(process)
    said = re.search(r"Results so far: (\d+), in stopped\. The same command goes on\.", errors)
    assert code == 130 and said and int(said[1]) == committed(place / "stopped") > 0


def _without_place(row: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in row.items() if key not in ("position", "id", "revision")}
