"""The verb ``generate`` with a real, tiny generator: clips on the disk, bad ones named, a stop changes nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from helpers.tiny_generators import tiny_generator
from typer.testing import CliRunner, Result

from vqinsight.cli.main import app
from vqinsight.video.read import probe


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("generator")
    tiny_generator("nano").save(place)
    return place


def _generate(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["generate", *map(str, arguments)])


def test_every_prompt_gets_its_clips(folder: Path, tmp_path: Path) -> None:
    prompts = tmp_path / "prompts.txt"
    prompts.write_text("one red star moving up\n")
    out = tmp_path / "clips"
    done = _generate(prompts, "two blue circles moving left", "--generator", folder, "--candidates", 2, "--out", out)
    assert done.exit_code == 0, done.output
    clips = sorted(out.rglob("*.mp4"))
    assert len(clips) == 4
    assert all(probe(clip).frames == 8 for clip in clips)
    assert str(clips[0]) in done.stdout
    written = "".join(file.read_text() for file in out.glob("candidates.*"))
    assert "two blue circles moving left" in written
    assert '"model_hash"' in written

    before = {clip: clip.stat().st_mtime_ns for clip in clips}
    again = _generate(prompts, "two blue circles moving left", "--generator", folder, "--candidates", 2, "--out", out)
    assert again.exit_code == 0
    assert {clip: clip.stat().st_mtime_ns for clip in clips} == before


def test_clips_that_are_no_numbers_are_left_out_and_named(folder: Path, tmp_path: Path) -> None:
    broken = tiny_generator("nano")
    with torch.no_grad():
        next(iter(broken.denoiser.parameters())).fill_(torch.nan)
    broken.save(tmp_path / "broken")
    done = _generate("one red star moving up", "--generator", tmp_path / "broken", "--out", tmp_path / "clips")
    assert done.exit_code == 1
    assert "not a number, left out" in done.stderr
    assert "left out: 1" in done.stderr
    assert not list((tmp_path / "clips").rglob("*.mp4"))


def test_a_generator_that_is_not_there_is_a_plain_error(tmp_path: Path) -> None:
    done = _generate("a cat", "--generator", tmp_path, "--out", tmp_path / "clips")
    assert done.exit_code == 1
    assert "model_index.json" in done.stderr


@pytest.mark.parametrize("out", ["clip.mp4", "clip.mp4/deeper"])
def test_an_output_that_is_a_file_is_refused_before_anything_is_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, out: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("clip.mp4").write_bytes(b"precious")
    done = _generate("a cat", "--generator", "no such generator", "--out", out)
    assert done.exit_code == 2 and "clip.mp4 is a file. Give the name of a folder." in done.stderr
    assert Path("clip.mp4").read_bytes() == b"precious"
