"""The command line as a process of its own: pipes, Ctrl-C, encodings, and what is imported when."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

HELPERS = Path(__file__).parent.parent / "helpers"
BOOT = """
import os, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore it
import records
from vqinsight.cli.main import main
sys.modules["vqinsight.inference.api"] = records.fake_api(records.FakeJudge(float(os.environ.get("PAUSE", "0"))))
main()
"""
CHECK = """
import sys
from vqinsight.cli.main import app
try:
    app(sys.argv[1:], prog_name="vqinsight")
except SystemExit as end:
    heavy = {"torch", "transformers", "pyarrow", "scipy"} & set(sys.modules)
    print(end.code, *sorted(heavy), file=sys.stderr)
"""


def start(folder: Path, *arguments: str, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", BOOT, *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(HELPERS), *sys.path]), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        errors="replace",
    )


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["evaluate", "--help"],
        ["score", "--promt", "x"],
        ["score", "a.mp4", "--out", "no/r.csv"],
        ["score", "a.mp4", "--template", "brif"],
        ["score", "a.mp4", "--out", "file/results/"],
        ["watch", "gone", "--out", "results"],
        ["score", "a.mp4", "--model", "./gone"],
        ["evaluate", "synthetic", "--baseline", "technicol"],
        ["evaluate", "synthetic", "--baseline", "nano", "--baseline-option", "modle=x"],
        ["evaluate", "konivd"],
        ["evaluate", "synthetic", "--task", "natrual"],
        ["evaluate", "synthetic", "--out", "r.csv"],
        ["train", "nano/stge2"],
        ["train", "nano/stage2", "--set", "grpo.gruop_size=3"],
        ["align", "nano/stge3"],
        ["generate", "a cat", "--out", "file/x"],
        ["generate", "a cat", "--generator", "./gone"],
        ["pairs", "none.txt", "--out", "p.jsonl"],
        ["pairs", ".", "--out", "p.jsonl"],
        ["pairs", "none.txt", "--out", "file/p.jsonl"],
        ["repair", "a.mp4", "--prompt", "x", "--out", "b.avi"],
        ["tables", "--out", "t.txt"],
        ["vbench", ".", "--generator", "G", "--out", "t.txt"],
        ["configs", "nano/stge2"],
    ],
)
def test_help_and_wrong_usage_load_nothing_heavy(tmp_path: Path, arguments: list[str]) -> None:
    (tmp_path / "file").touch()
    done = subprocess.run([sys.executable, "-c", CHECK, *arguments], cwd=tmp_path, capture_output=True, text=True)
    assert done.stderr.splitlines()[-1] == ("0" if arguments[-1] == "--help" else "2")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]  # nothing is left behind


IMPORTS = """
import builtins, sys
real, found = builtins.__import__, set()
def watched(name, globals=None, *rest, **named):
    top, user = name.split(".")[0], (globals or {}).get("__name__", "")
    if user.split(".")[0] == "vqinsight" and top in ("scipy", "accelerate", "peft"):
        found.add(f"{user} imports {top}")
    return real(name, globals, *rest, **named)
builtins.__import__ = watched
from vqinsight.cli.main import app
try:
    app(["score", sys.argv[1]])
except SystemExit as end:
    ours = [name for name in sys.modules if name.split(".")[0] == "vqinsight"]
    learning = [name for name in ours if name.split(".")[1:2] in (["training"], ["grpo"], ["rewards"], ["ranking"])]
    heavy = {"peft", "pyarrow", "transformers.trainer"} & set(sys.modules)
    print(end.code, len(ours), sorted(found), learning, sorted(heavy), file=sys.stderr)
"""


def test_a_score_imports_little() -> None:
    clip = Path(__file__).parents[2] / "examples" / "cat.mp4"
    done = subprocess.run([sys.executable, "-c", IMPORTS, str(clip)], capture_output=True, text=True)
    code, count, *rest = done.stderr.splitlines()[-1].split(maxsplit=2)
    assert code == "0" and int(count) < 82 and rest == ["[] [] []"]
    assert "overall quality of the video" in done.stdout


def test_python_m_is_the_command(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-m", "vqinsight", "scroe"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 2 and "Usage: vqinsight" in done.stderr and "score" in done.stderr


@pytest.mark.parametrize("mode", [["--json"], []])
def test_a_reader_that_leaves_early_is_no_error(tmp_path: Path, mode: list[str]) -> None:
    process = start(tmp_path, "score", *(f"{number}{'c' * 60}.mp4" for number in range(1200)), *mode)  # over 64 KiB
    assert process.stdout is not None and process.stderr is not None
    assert process.stdout.readline()
    process.stdout.close()
    assert process.stderr.read() == "Needs about 1 GB of memory.\n"
    process.wait(timeout=20)


@pytest.mark.parametrize("suffix", [".jsonl", ".csv"])
def test_ctrl_c_keeps_what_there_is(tmp_path: Path, suffix: str) -> None:
    clips = [f"c{number}.mp4" for number in range(100)]
    process = start(tmp_path, "score", *clips, "--json", "--out", f"r{suffix}", "--report", "r.html", PAUSE="0.2")
    assert process.stdout is not None
    lines = [process.stdout.readline(), process.stdout.readline()]
    process.send_signal(signal.SIGINT)
    rest, errors = process.communicate(timeout=20)
    printed = [json.loads(line)["path"] for line in [*lines, *rest.splitlines()]]
    assert process.returncode == 130
    assert errors.splitlines()[-1] == (
        f"Interrupted. Results so far: {len(printed)}, in r{suffix}. The same command goes on."
    )
    with (tmp_path / f"r{suffix}").open(encoding="utf-8", newline="") as file:
        kept = (
            [row["path"] for row in csv.DictReader(file)] if suffix == ".csv" else [json.loads(x)["path"] for x in file]
        )
    assert kept == printed == clips[: len(kept)]
    beside = {f"r{suffix}.journal.jsonl", f"r{suffix}.journal.settings.json"}
    assert {place.name for place in tmp_path.iterdir()} == {f"r{suffix}", "r.html", *beside}


def test_ctrl_c_shows_what_there_is(tmp_path: Path) -> None:
    process = start(tmp_path, "score", *(f"c{number}.mp4" for number in range(100)), "--out", "r.jsonl", PAUSE="0.1")
    lines = tmp_path / "r.jsonl.journal.jsonl"
    while not lines.exists() or lines.read_bytes().count(b"\n") < 2:
        assert process.poll() is None
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    text, errors = process.communicate(timeout=20)
    assert process.returncode == 130 and "c0.mp4" in text and "Traceback" not in errors


@pytest.mark.parametrize(
    "environment",
    [
        {"LC_ALL": "C"},
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        {"PYTHONIOENCODING": "latin-1"},
        {"TERM": "dumb", "NO_COLOR": "1", "COLUMNS": "30"},
    ],
)
def test_any_terminal_is_good_enough(tmp_path: Path, environment: dict[str, str]) -> None:
    process = start(tmp_path, "score", "a.mp4", "b.mp4", "bad.mp4", "--prompt", "2 dogs", **environment)
    output, errors = process.communicate(timeout=20)
    assert process.returncode == 1
    assert "spatial" in output and "\x1b" not in output
    assert errors == "Needs about 1 GB of memory.\n"
