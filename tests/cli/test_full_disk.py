"""A place that takes no more, and a hub that cannot be reached: one line, no trace, real processes."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from vqinsight.errors import UsageError
from vqinsight.report.files import replacing
from vqinsight.report.output import full_disk_is_no_bug

HELPERS = Path(__file__).parent.parent / "helpers"
FULL = Path("/dev/full")
FAKE = """
import records, sys
from vqinsight.cli.main import main
sys.modules["vqinsight.inference.api"] = records.fake_api(records.FakeJudge())
main()
"""

needs_full = pytest.mark.skipif(not FULL.exists(), reason="this system has no /dev/full")


def call(
    folder: Path,
    *arguments: str,
    fake: bool = True,
    stdout: object = subprocess.PIPE,
    most: int | None = None,
    **env: str,
) -> subprocess.CompletedProcess[str]:
    """Run the command line, with a stand-in for the model if ``fake``; no file may grow beyond ``most`` bytes."""

    def limit() -> None:
        if most is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))

    start = ["-c", FAKE] if fake else ["-m", "vqinsight"]
    return subprocess.run(
        [sys.executable, *start, *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(HELPERS), *sys.path]), "COLUMNS": "200", **env},
        stdout=stdout,  # type: ignore[call-overload]
        stderr=subprocess.PIPE,
        encoding="utf-8",
        preexec_fn=limit,
    )


def errors(done: subprocess.CompletedProcess[str]) -> list[str]:
    assert done.returncode in (1, 2) and "Traceback" not in done.stderr and "Exception ignored" not in done.stderr
    return [line for line in done.stderr.splitlines() if not line.startswith("Needs about")]


@needs_full
@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["score", "a.mp4"],
        ["score", "a.mp4", "--json"],
        ["compare", "a.mp4", "b.mp4"],
        ["rank", "a.mp4", "b.mp4"],
        ["ask", "a.mp4", "Is it sharp?", "--json"],
        ["baselines"],
        ["tables", "--results", "."],
        ["data", "check", "labels.csv"],
    ],
)
def test_standard_output_that_is_full(tmp_path: Path, arguments: list[str]) -> None:
    (tmp_path / "a.mp4").touch()
    (tmp_path / "labels.csv").write_text("path,quality,low,high\na.mp4,1,0,2\n")
    with FULL.open("w") as full:
        done = call(tmp_path, *arguments, stdout=full)
    assert errors(done) == [
        "Error: the output cannot be written (No space left on device). Make room on the disk, or choose another place."
    ]


@pytest.mark.parametrize("name", ["r.csv", "r.jsonl", "r.parquet", "r.html"])
@pytest.mark.parametrize("verb", [["score", "a.mp4"], ["compare", "a.mp4", "b.mp4"], ["rank", "a.mp4", "b.mp4"]])
def test_a_result_file_that_does_not_fit(tmp_path: Path, name: str, verb: list[str]) -> None:
    option = "--report" if name == "r.html" else "--out"
    lines = errors(call(tmp_path, *verb, option, name, most=200))
    assert lines == [f"Error: {name} cannot be written (File too large). Check the disk and the folder."]
    assert {file.name for file in tmp_path.iterdir()} <= {"r.jsonl"}  # written line by line; of the others nothing


@pytest.mark.parametrize(
    ("arguments", "most"),
    [
        (["generate", "one red star moving up", "--out", "clips"], 100),
        pytest.param(["generate", "one red star moving up", "--out", "clips"], 1000, marks=pytest.mark.full),
        pytest.param(
            ["pairs", "prompts.txt", "--candidates", "2", "--out", "pairs.jsonl"], 1000, marks=pytest.mark.full
        ),
        (["evaluate", "table", "--data", "labels.csv", "--baseline", "technical", "--out", "e.json"], 100),
    ],
)
def test_a_disk_that_is_full_in_the_middle_of_work(tmp_path: Path, arguments: list[str], most: int) -> None:
    (tmp_path / "prompts.txt").write_text("one red star moving up\n")
    (tmp_path / "labels.csv").write_text("path,quality,low,high\na.mp4,1,0,2\n")
    (tmp_path / "a.mp4").symlink_to(Path(__file__).parents[2] / "examples" / "cat.mp4")
    lines = errors(call(tmp_path, *arguments, fake=False, most=most))
    assert len(lines) == 1 and "cannot be written" in lines[0] and "File too large" in lines[0]


def test_what_libraries_say_of_a_full_disk_is_understood(capsys: pytest.CaptureFixture[str]) -> None:
    from safetensors import SafetensorError

    for error in (
        SafetensorError("I/O error: No space left on device (os error 28)"),
        RuntimeError("[enforce fail at inline_container.cc:659] . PytorchStreamWriter failed writing file data/0"),
        OSError(28, "No space left on device", "model.safetensors"),
    ):
        with pytest.raises(SystemExit) as end, full_disk_is_no_bug():
            raise error
        assert end.value.code == 1
    assert "model.safetensors cannot be written (No space left on device)" in capsys.readouterr().err
    with pytest.raises(RuntimeError, match="a bug"), full_disk_is_no_bug():
        raise RuntimeError("a bug")
    with pytest.raises(FileNotFoundError), full_disk_is_no_bug():
        Path("nowhere").read_text()


@needs_full
def test_a_device_keeps_its_place(tmp_path: Path) -> None:
    (tmp_path / "r.html").symlink_to(FULL)
    with (
        pytest.raises(UsageError, match=r"r\.html cannot be written \(No space left"),
        replacing(tmp_path / "r.html") as part,
    ):
        part.write_text("page")
    assert FULL.is_char_device()


@pytest.mark.parametrize(
    ("environment", "why"),
    [
        ({"HF_HUB_OFFLINE": "1"}, "HF_HUB_OFFLINE forbids the network"),
        ({"HF_HUB_OFFLINE": "0", "HF_ENDPOINT": "http://127.0.0.1:9"}, "http://127.0.0.1:9 cannot be reached"),
    ],
)
def test_a_hub_out_of_reach_is_one_line(tmp_path: Path, environment: dict[str, str], why: str) -> None:
    environment |= {"HF_HOME": str(tmp_path / "kept")}
    arguments = ("score", "a.mp4", "--model", "Qwen/Qwen2.5-VL-7B-Instruct")
    (line,) = errors(call(tmp_path, *arguments, fake=False, **environment))
    assert line.startswith("Error: Qwen/Qwen2.5-VL-7B-Instruct: cannot be loaded: it is not on this machine")
    assert why in line and "hf download Qwen/Qwen2.5-VL-7B-Instruct" in line
