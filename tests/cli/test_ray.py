"""``--engine ray``: what is refused, what a worker makes of a block, and whole runs on a cluster of one machine."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
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
from helpers import ray_hook, records

import vqinsight
from vqinsight.errors import ModelError, UnreadableVideo, UsageError
from vqinsight.report.store import MANIFEST, NOTES

Run = Callable[..., Any]
Rows = list[dict[str, Any]]
BY_NATURE = {"seconds", "engine"}
cluster = [
    pytest.mark.full,
    pytest.mark.skipif(find_spec("ray") is None, reason="the extra ray is not installed"),
]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["score", "a.mp4"], "--engine ray is for score and ask with a folder of results: --out results/"),
        (["score", "a.mp4", "--out", "r.csv"], "with a folder of results: --out results/"),
        (["compare", "a.mp4", "b.mp4"], "is for score and ask"),
        (["ask", "a.mp4", "Is it sharp?", "--out", "r/", "--url", "http://h"], "--url goes with --engine endpoint"),
        (["score", "a.mp4", "--out", "r/", "--device", "cuda:1"], "Ray gives each worker its device"),
        (["score", "a.mp4", "--out", "r/", "--address", "ray://h:1"], "write HOST:PORT, or auto"),
        (["score", "a.mp4", "--out", "r/"], "ray is not installed. Install it: pip install 'vqinsight[ray]'"),
        (["score", "a.mp4", "--engine", "local", "--actors", "2"], "--actors goes with --engine ray"),
    ],
)
def test_what_is_refused(run: Run, arguments: list[str], said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    for name in ("a.mp4", "b.mp4"):
        Path(name).touch()
    result = run(*arguments, *(() if "--engine" in arguments else ("--engine", "ray")))
    assert result.exit_code == 2 and said in " ".join(result.stderr.split())
    assert not Path("r").exists()


def test_workers_and_what_each_of_them_gets() -> None:
    from vqinsight.inference.ray_engine import share_of

    assert share_of({"CPU": 8.0}, None, "auto", alone=True) == {"actors": 1, "num_cpus": 8, "num_gpus": 0}
    assert share_of({"CPU": 8.0}, 3, "auto", alone=True) == {"actors": 3, "num_cpus": 2, "num_gpus": 0}
    two = {"CPU": 8.0, "GPU": 2.0}
    assert share_of(two, None, "auto", alone=True) == {"actors": 2, "num_cpus": 4, "num_gpus": 1}
    assert share_of(two, None, "auto", alone=False) == {"actors": 2, "num_cpus": 1, "num_gpus": 1}
    assert share_of(two, 4, "cpu", alone=True) == {"actors": 4, "num_cpus": 2, "num_gpus": 0}
    with pytest.raises(UsageError, match="the cluster has 2 GPUs"):
        share_of(two, 3, "auto", alone=True)
    with pytest.raises(UsageError, match="the cluster has no GPU"):
        share_of({"CPU": 8.0}, None, "cuda", alone=True)


def test_an_address_at_which_nothing_answers() -> None:
    from vqinsight.inference.ray_engine import _check_answer

    with socket.create_server(("127.0.0.1", 0)) as listening:
        address = f"127.0.0.1:{listening.getsockname()[1]}"
        _check_answer(address)
    for nowhere in (address, "127.0.0.1", "127.0.0.1:99999"):
        with pytest.raises(ModelError, match=rf"--address {nowhere}: no cluster answers .* Write HOST:PORT"):
            _check_answer(nowhere)


class Judge(records.FakeJudge):
    """Answers like a loaded model that tells the share of each clip."""

    def score_all(self, clips: Any, **settings: Any) -> Any:
        import torch

        for number, record in enumerate(super().score_all(clips, **settings)):
            if record.path == "lost.mp4":
                raise torch.AcceleratorError("the device is lost")
            settings["on_seconds"](number / 2)
            yield record


@pytest.fixture
def worker(run: Run, monkeypatch: pytest.MonkeyPatch) -> Any:
    from vqinsight.inference.ray_worker import Place, Worker

    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setitem(sys.modules, "vqinsight.inference.api", records.fake_api(Judge()))
    return Worker(Place(str(Path.cwd()), "1", {"model": "nano"}), "score", {"task": None, "samples": 1})


def test_a_block_of_clips_becomes_their_results(worker: Any) -> None:
    from vqinsight.inference.ray_worker import clip_block, read_block

    row = UnreadableVideo("gone.mp4", "no such file", "Check the list.")
    given = [(4, "a\udcff.mp4", "a 'dog'"), (2, row, None), (9, "mute.mp4", None)]
    found = list(read_block(worker(clip_block(given))))
    assert [(place, record.path, seconds) for place, record, seconds in found] == [
        (4, "a\udcff.mp4", 0.0),
        (2, "gone.mp4", 0.5),
        (9, "mute.mp4", 1.0),
    ]
    assert [record.status for _, record, _ in found] == ["ok", "unreadable", "missing"]
    [plain] = Judge().score_all([("a\udcff.mp4", "a 'dog'")], samples=1, on_seconds=id)
    assert found[0][1].as_dict() == {**plain.as_dict(), "provenance": found[0][1].as_dict()["provenance"]}
    assert {record.provenance.engine for _, record, _ in found} == {"ray"}


def test_a_worker_that_loses_its_device_ends(worker: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from vqinsight.inference.ray_worker import clip_block

    def end(code: int) -> None:
        raise SystemExit(code)

    monkeypatch.setattr(os, "_exit", end)
    with pytest.raises(SystemExit):
        worker(clip_block([(0, "lost.mp4", None)]))


@pytest.mark.parametrize("verb", ["score", "ask"])
def test_clips_of_a_block_that_is_left_out_are_asked_one_by_one(verb: str) -> None:
    from vqinsight.inference.ray_engine import TRIES, RayJudge
    from vqinsight.inference.ray_worker import About, Place

    sizes: list[int] = []

    class Deadly(RayJudge):
        def _pass(self, blocks: Any, arguments: Any) -> Any:
            assert arguments[1:] == (verb, {**about, **sampling})
            for block in blocks:
                sizes.append(block.num_rows)
                if 20 not in block["place"].to_pylist():
                    yield from ((place, made, 0.5) for place in block["place"].to_pylist())

    about: dict[str, Any] = {"task": None} if verb == "score" else {"question": "Is it sharp?"}
    sampling = {"samples": 5, "seed": 3, "temperature": 0.7}
    made = records.score("a.mp4")
    about_model = About(made.provenance, {"weights": "0123"}, {}, ())
    judge = Deadly(None, Place("/", None, {}), about_model, {"actors": 1, "num_cpus": 1, "num_gpus": 0})
    found = list(judge.judge_all(verb, [(f"{number}.mp4", None) for number in range(80)], about, **sampling))
    assert sizes == [32, 32, 16] + [1] * 32 and sorted(place for place, _, _ in found) == list(range(80))
    place, failed, seconds = found[-1]
    assert (place, failed.path, failed.status, seconds) == (20, "20.mp4", "failed", None)
    assert failed.error and failed.error.startswith(f"20.mp4: the process of a worker ended {TRIES} times on it alone.")
    assert (failed.provenance.samples, failed.provenance.seed, failed.provenance.temperature) == (5, 3, 0.7)
    assert judge.settings(**sampling) == {"weights": "0123", **sampling, "engine": made.provenance.engine}


# From here on real clusters, and the embedded model.
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
    output, errors = process.communicate(timeout=600)
    assert "Traceback" not in errors, errors
    # Ray says that it was told to say less
    return process.returncode, output, "".join(line for line in errors.splitlines(True) if "log level" not in line)


def rows(folder: Path) -> Rows:
    found = vqinsight.read_results(folder).to_pylist()
    return [{key: value for key, value in row.items() if key not in BY_NATURE} for row in found]


def committed(folder: Path) -> int:
    from pyarrow import parquet

    return sum(parquet.read_metadata(part).num_rows for part in folder.glob("part-*.parquet"))


def manifest(folder: Path) -> dict[str, Any]:
    read = json.loads((folder / MANIFEST).read_text())
    return {key: value for key, value in read.items() if key not in NOTES}


def wait_for(process: subprocess.Popen[str], seen: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + 300
    while not (found := seen()):
        assert process.poll() is None and time.monotonic() < deadline, process.communicate()
        time.sleep(0.05)
    return found


class TestOnACluster:
    pytestmark = cluster

    def test_rows_equal_local_ones_though_workers_are_killed(self, place: Path) -> None:
        """One clip kills its worker the first time, one each time, and the test kills one from outside."""
        clips = place / "clips"
        for name in ("first", "kills"):
            shutil.copy(clips / "c03.mp4", clips / f"{name}.mp4")
        try:
            process = command(place, "score", "clips", "--out", "ray/", "--engine", "ray", RAY_WORK=place / "work.log")
            _kill_a_worker(process)
            code, output, errors = ended(process)
        finally:
            for name in ("first", "kills"):
                (clips / f"{name}.mp4").unlink()
        assert code == 1 and "14 clips" in output and not errors, errors
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
        # without Ray the folder is gone on with: only what failed is judged again
        code, output, _ = ended(command(place, "score", "clips", "--out", "ray/"))
        assert code == 1 and "12 clips" in output and committed(place / "ray") == CLIPS + 2

    def test_a_killed_driver_goes_on(self, place: Path) -> None:
        import psutil

        work, out = place / "driver.log", place / "driven"
        arguments = ("ask", "clips", "Is it bright?", "--out", "driven/", "--engine", "ray")
        process = command(place, *arguments, RAY_WORK=work, RAY_PAUSE="c09.mp4")
        wait_for(process, lambda: out.exists() and committed(out))
        started = psutil.Process(process.pid).children(recursive=True)
        listening = [
            each.laddr.ip for one in started for each in one.net_connections("inet") if each.status == "LISTEN"
        ]
        assert listening and {ip.removeprefix("::ffff:") for ip in listening} == {"127.0.0.1"}
        process.kill()
        process.communicate()
        assert not psutil.wait_procs(started, timeout=60)[1]
        kept = committed(out)
        assert 0 < kept < CLIPS
        assert ended(command(place, *arguments, RAY_WORK=work))[0] == 1
        assert ended(command(place, "ask", "clips", "Is it bright?", "--out", "asked/"))[0] == 1
        assert committed(out) == CLIPS and rows(out) == rows(place / "asked")
        times = Counter(work.read_text().split())
        assert times.total() - len(times) <= CLIPS - kept and len(times) == CLIPS - 1  # an empty file is not opened

    def test_sigterm_commits_what_there_is(self, place: Path) -> None:
        process = command(
            place, "score", "clips", "--out", "stopped/", "--engine", "ray", RAY_WORK=place / "s", RAY_PAUSE="c09.mp4"
        )
        wait_for(process, lambda: (place / "stopped").exists() and committed(place / "stopped"))
        process.send_signal(signal.SIGTERM)
        code, _, errors = ended(process)
        assert code == 130 and "Results so far: 8, in stopped. The same command goes on." in errors


def _kill_a_worker(process: subprocess.Popen[str]) -> None:
    """SIGKILL the first worker that is seen with a block in hand."""
    import psutil

    def busy() -> list[psutil.Process]:
        try:
            children = psutil.Process(process.pid).children(recursive=True)
            return [each for each in children if _has_a_block(each)]
        except psutil.NoSuchProcess:
            return []

    wait_for(process, busy)[0].kill()


def _has_a_block(process: Any) -> bool:
    title = " ".join(process.cmdline())
    return "MapWorker" in title and "submit" in title


def _without_place(row: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in row.items() if key not in ("position", "id", "revision")}
