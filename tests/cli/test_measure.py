"""``vqinsight measure``: real clips, its outputs and its exit codes."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers import encode
from helpers.measured import measured

from vqinsight.errors import UnreadableVideo
from vqinsight.measure import clip as measuring
from vqinsight.measure import reference

Run = Callable[..., Any]


@pytest.fixture
def clips(tmp_path: Path, run: Run) -> list[str]:
    rng = np.random.default_rng(0)
    coarse = [rng.integers(0, 255, (6, 8, 3), dtype=np.uint8).repeat(12, 0).repeat(12, 1)] * 8
    encode.video(tmp_path / "good.mp4", coarse, size=(96, 72), options={"crf": "5"})
    encode.video(tmp_path / "poor.mp4", coarse, size=(96, 72), options={"crf": "45"})
    return ["good.mp4", "poor.mp4"]


def test_every_output_of_real_clips(run: Run, clips: list[str]) -> None:
    result = run("measure", *clips, "none.mp4", "--out", "m.csv", "--report", "m.html", "--reference", "good.mp4")
    assert result.exit_code == 1 and "Traceback" not in result.stderr
    assert "✗ none.mp4 unreadable: no such file" in result.stdout and "3 clips: 2 ok, 1 unreadable." in result.stdout
    good, poor, bad = list(csv.DictReader(Path("m.csv").read_text().splitlines()))
    assert good["identical"] == "True" and good["psnr"] == "" and float(good["ssim"]) == 1
    assert 15 < float(poor["psnr"]) < 45 and float(poor["ssim"]) < 1 and poor["compared"] == "8"
    assert float(poor["blockiness"]) >= 0 and poor["blockiness_severity"] and bad["status"] == "unreadable"
    assert "none.mp4" in Path("m.html").read_text() and "<script" not in Path("m.html").read_text()


def test_json_is_a_line_a_clip(run: Run, clips: list[str]) -> None:
    result = run("measure", *clips, "--json")
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    assert result.exit_code == 0 and [row["path"] for row in rows] == clips
    assert rows[0]["frames"] == 8 and rows[0]["measurements"]["frozen"]["unit"] == "%"
    assert "fidelity" not in rows[0] and "series" not in rows[0]


def test_a_clip_that_does_not_fit_its_reference_is_measured_and_named(run: Run, clips: list[str]) -> None:
    encode.video("small.mp4", 8)
    result = run("measure", "small.mp4", clips[0], "--reference", clips[1], "--json")
    small, good = [json.loads(line) for line in result.stdout.splitlines()]
    assert result.exit_code == 1 and small["status"] == "missing" and "64x48" in small["error"]
    assert small["measurements"] and good["status"] == "ok" and good["fidelity"]["frames"] == 8


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ([], 2, "Missing argument"),
        (["none-*.mp4"], 2, "matches nothing"),
        (["https://example.org/a.mp4"], 2, "is a URL"),
        (["a.mp4", "--vmaf"], 2, "--vmaf compares with a reference"),
        (["a.mp4", "--reference", "none.mp4"], 1, "none.mp4: no such file"),
        (["a.mp4", "--out", "m.txt"], 2, "unknown kind of file"),
        (["a.mp4", "--reference", "a.jsonl", "--out", "a.jsonl"], 2, "would overwrite an input"),
        (["a.mp4", "--folder-fps", "0"], 2, "not a number above 0"),
    ],
)
def test_what_is_wrong_is_said_before_anything_is_measured(
    run: Run, monkeypatch: pytest.MonkeyPatch, arguments: list[str], code: int, said: str
) -> None:
    monkeypatch.setattr(measuring, "measure_clip", lambda *_, **__: pytest.fail("it was measured"))
    Path("a.jsonl").write_text('{"path": "a.mp4"}\n')
    result = run("measure", *arguments)
    assert result.exit_code == code and said in " ".join(result.stderr.split()) and "Traceback" not in result.stderr


def test_vmaf_without_its_program_is_refused(run: Run, clips: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    reference.vmaf_program.cache_clear()
    result = run("measure", clips[0], "--reference", clips[1], "--vmaf")
    assert result.exit_code == 2 and "Install a static build" in result.stderr and result.stdout == ""


def test_interrupted_it_keeps_what_there_is(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def measure(path: str, **_: Any) -> Any:
        if path == "c.mp4":
            raise KeyboardInterrupt
        if path == "b.mp4":
            raise UnreadableVideo(path, "the file is empty (0 bytes)", "Copy it again.")
        return measured(path)

    monkeypatch.setattr(measuring, "measure_clip", measure)
    result = run("measure", "a.mp4", "b.mp4", "c.mp4", "--out", "m.jsonl")
    assert result.exit_code == 130 and "Interrupted. Results so far: 2, in m.jsonl." in result.stderr
    assert [json.loads(line)["status"] for line in Path("m.jsonl").read_text().splitlines()] == ["ok", "unreadable"]
    assert "strong blur at 1.00 s" in result.stdout


def test_lists_and_folders_are_taken(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measuring, "measure_clip", lambda path, **_: measured(path))
    Path("list.csv").write_text("path\nx.mp4\n\ny.mp4\n")
    Path("folder").mkdir()
    Path("folder/z.mp4").write_bytes(b"1")
    Path("folder/notes.txt").write_text("no clip")
    result = run("measure", "list.csv", "folder", "--json")
    assert [Path(json.loads(line)["path"]).name for line in result.stdout.splitlines()] == ["x.mp4", "y.mp4", "z.mp4"]
    assert "Left out, neither video nor image: folder/notes.txt" in result.stderr
