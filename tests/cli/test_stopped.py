"""Judging that is killed, stopped or short of disk goes on: each clip is there once, as in a run without a stop."""

from __future__ import annotations

import random
import signal
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from helpers import stopped

import vqinsight
from vqinsight.report.store import MANIFEST

CLIPS, BAD, PART = 40, 6, 4
UNLIKE = {"seconds", "revision", "id", "a_id", "b_id"}  # those of two folders differ
SCORE = ("score", "clips", "--out", "results/")


def clips(folder: Path, count: int = CLIPS) -> Path:
    (folder / "clips").mkdir(exist_ok=True)
    for number in range(count):
        name = f"bad{number:02}.mp4" if number < BAD else f"c{number:02}.mp4"
        (folder / "clips" / name).touch()
    return folder


def rows(folder: Path) -> list[dict[str, Any]]:
    found = vqinsight.read_results(folder / "results").to_pylist()
    return [{key: value for key, value in row.items() if key not in UNLIKE} for row in found]


def committed(folder: Path) -> int:
    from pyarrow import parquet

    return sum(parquet.read_metadata(part).num_rows for part in (folder / "results").glob("part-*.parquet"))


def judged(folder: Path) -> Counter[str]:
    return Counter((folder / "work.log").read_text().splitlines())


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """The rows of a run that nothing stopped."""
    folder = clips(tmp_path_factory.mktemp("whole"))
    code, output, _ = stopped.run(folder, *SCORE)
    assert code == 1 and "results: 40 clips: 34 ok, 6 unreadable." in output
    found = rows(folder)
    assert len(found) == CLIPS == committed(folder) and [row["position"] for row in found] == list(range(CLIPS))
    assert sum(row["status"] == "unreadable" and row["overall"] is None for row in found) == BAD
    assert all("0 bytes" in row["error"] for row in found if row["status"] != "ok")
    return found


def goes_on(folder: Path, whole: list[dict[str, Any]], *, kills: int = 1) -> None:
    """The same command ends, and everything is there once; of each kill at most one part was done again."""
    code, output, _ = stopped.run(folder, *SCORE)
    assert code == 1 and "40 clips: 34 ok, 6 unreadable." in output
    assert rows(folder) == whole and committed(folder) == CLIPS
    names = {place.name for place in (folder / "results").iterdir()}
    assert all(name == MANIFEST or (name.startswith("part-") and name.endswith(".parquet")) for name in names)
    again = judged(folder)
    assert set(again) == {row["path"] for row in whole} and again.total() - CLIPS <= kills * PART


@pytest.mark.parametrize("step", stopped.STEPS)
def test_a_kill_at_each_step_of_a_commit(step: str, tmp_path: Path, whole: list[dict[str, Any]]) -> None:
    clips(tmp_path)
    code, _, _ = stopped.run(tmp_path, *SCORE, KILL=step)
    assert code == -signal.SIGKILL
    assert committed(tmp_path) == len(rows(tmp_path)) == (2 * PART if step == "renamed" else PART)
    assert bool(list((tmp_path / "results").glob(".part*.part"))) == (step != "renamed")
    goes_on(tmp_path, whole)


def test_kills_at_random_moments(tmp_path: Path, whole: list[dict[str, Any]]) -> None:
    clips(tmp_path)
    moments = sorted(random.Random(33).sample(range(1, CLIPS - PART), 3))
    for count, moment in enumerate(moments):
        process = stopped.start(tmp_path, *SCORE, PAUSE=0.01)
        code, _ = stopped.stop(process, tmp_path / "work.log", moment + count * PART, signal.SIGKILL)
        assert code == -signal.SIGKILL
    goes_on(tmp_path, whole, kills=len(moments))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_commits_what_it_has(
    number: signal.Signals, tmp_path: Path, whole: list[dict[str, Any]]
) -> None:
    clips(tmp_path)
    code, errors = stopped.stop(stopped.start(tmp_path, *SCORE, PAUSE=0.1), tmp_path / "work.log", 6, number)
    assert code == 130 and "Traceback" not in errors
    last = errors.splitlines()[-1]
    assert last == f"Interrupted. Results so far: {committed(tmp_path)}, in results. The same command goes on."
    assert committed(tmp_path) >= 5
    goes_on(tmp_path, whole)


def test_a_full_disk_costs_the_part_that_did_not_fit(tmp_path: Path, whole: list[dict[str, Any]]) -> None:
    clips(tmp_path)
    code, _, errors = stopped.run(tmp_path, *SCORE, MOST=6000)
    (line,) = [line for line in errors.splitlines() if not line.startswith("Needs about")]
    assert code == 1 and "cannot be written (File too large). Make room on the disk" in line
    assert [place.name for place in (tmp_path / "results").iterdir()] == [MANIFEST]
    goes_on(tmp_path, whole)


def test_a_second_run_on_a_folder_is_refused(tmp_path: Path) -> None:
    clips(tmp_path, 8)
    first = stopped.start(tmp_path, *SCORE, PAUSE=0.5, PART=1)
    try:
        while not (tmp_path / "work.log").exists():
            assert first.poll() is None
            time.sleep(0.01)
        first.send_signal(signal.SIGSTOP)  # it holds the folder as long as it lives
        code, _, errors = stopped.run(tmp_path, *SCORE)
        assert code == 2 and f"results is in use by process {first.pid} on " in errors
        first.send_signal(signal.SIGCONT)
        first.communicate(timeout=60)
    finally:
        first.kill()
    assert first.returncode == 1 and committed(tmp_path) == 8 == judged(tmp_path).total()


@pytest.mark.parametrize("name", ["r.csv", "r.jsonl", "r.parquet"])
def test_a_file_goes_on_from_its_journal(name: str, tmp_path: Path) -> None:
    clips(tmp_path, 12)
    command = ("score", "clips", "--out", name)
    straight, straight_lines, _ = stopped.run(tmp_path, *command, "--json")
    expected = (tmp_path / name).read_bytes()
    (tmp_path / "work.log").unlink()
    process = stopped.start(tmp_path, *command, PAUSE=0.05)
    assert stopped.stop(process, tmp_path / "work.log", 5, signal.SIGKILL)[0] == -signal.SIGKILL
    assert (tmp_path / name).read_bytes() == expected  # what was there stays until it can be replaced
    with (tmp_path / f"{name}.journal.jsonl").open("a") as journal:
        journal.write('{"id": "half a li')
    code, lines, _ = stopped.run(tmp_path, *command, "--json")
    assert (code, lines) == (straight, straight_lines) and judged(tmp_path).total() <= 13
    assert (tmp_path / name).read_bytes() == expected
    assert {place.name for place in tmp_path.iterdir()} == {"clips", "work.log", name}


@pytest.mark.parametrize("out", ["results/", pytest.param("r.jsonl", marks=pytest.mark.full)])
def test_pairs_go_on_from_where_a_kill_left_them(out: str, tmp_path: Path) -> None:
    """As a run that nothing stops."""
    names = [f"{'bad' if number % 5 == 4 else 'c'}{number:02}.mp4" for number in range(15)]
    lines = [f"clips/{name},prompt {number % 3}" for number, name in enumerate(names)]
    straight, killed = tmp_path / "straight", tmp_path / "killed"
    for folder in (straight, killed):
        (folder / "clips").mkdir(parents=True)
        for name in names:
            (folder / "clips" / name).touch()
        (folder / "list.csv").write_text("\n".join(["path,prompt", *lines]), encoding="utf-8")
    command = ("rank", "list.csv", "--out", out)
    process = stopped.start(killed, *command, PAUSE=0.02)
    assert stopped.stop(process, killed / "work.log", 14, signal.SIGKILL)[0] == -signal.SIGKILL
    code, output, _ = stopped.run(straight, *command)
    assert stopped.run(killed, *command)[:2] == (code, output) and code == 1
    assert judged(straight).total() == 30 and judged(killed).total() - 30 <= PART
    assert set(judged(killed)) == set(judged(straight))
    assert {place.name for place in killed.iterdir()} == {"clips", "list.csv", "work.log", out.rstrip("/")}
    if out == "results/":
        assert "30 pairs of 3 prompts: 18 ok, 12 unreadable." in output
        assert rows(killed) == rows(straight) and len(rows(killed)) == committed(killed) == 30
    else:
        assert (killed / out).read_bytes() == (straight / out).read_bytes()


def test_watch_takes_what_arrives_and_rests(tmp_path: Path) -> None:
    (tmp_path / "clips").mkdir()
    command = ("watch", "clips", "--out", "results", "--every", "0.1")
    process = stopped.start(tmp_path, *command)
    clips(tmp_path, 7)
    arriving = tmp_path / "clips" / "c09.mp4"
    written = _until(process, tmp_path, 7, lambda: arriving.write_bytes(b"x" * (arriving.stat().st_size + 1)), arriving)
    assert str(Path("clips/c09.mp4")) not in written  # it grew at every look
    _until(process, tmp_path, 8, lambda: None, arriving)
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=60) == 130
    assert [row["position"] for row in rows(tmp_path)] == list(range(8)) and committed(tmp_path) == 8
    assert judged(tmp_path).total() == 8
    (tmp_path / "clips" / "c07.mp4").touch()
    code, output, _ = stopped.run(tmp_path, *command, "--once")
    assert code == 1 and "9 clips: 3 ok, 6 unreadable" in output and judged(tmp_path).total() == 9
    assert stopped.run(tmp_path, *command, "--idle", "0.2")[0] == 1 and judged(tmp_path).total() == 9


def _until(process: Any, folder: Path, count: int, work: Callable[[], Any], arriving: Path) -> Counter[str]:
    """Do ``work`` again and again until so many clips are judged."""
    arriving.touch()
    deadline = time.monotonic() + 60
    while not (folder / "work.log").exists() or judged(folder).total() < count:
        assert process.poll() is None and time.monotonic() < deadline, process.communicate()
        work()
        time.sleep(0.01)
    return judged(folder)
