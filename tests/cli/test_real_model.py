"""The command line with a real, if tiny and untaught, model behind it."""

from __future__ import annotations

import json
from pathlib import Path
from types import ModuleType

import pytest
from typer.testing import CliRunner

from vqinsight.cli.main import app


@pytest.fixture
def model(tmp_path: Path) -> str:
    from helpers import tiny

    return str(tiny.save(tiny.qwen2_5_vl(), tmp_path / "model", template="brief", frames=4, max_new_tokens=8))


def test_every_verb_reaches_the_model(model: str, tmp_path: Path, encode: ModuleType) -> None:
    a, b = (str(encode.video(tmp_path / f"{name}.mp4", 12)) for name in "ab")
    (tmp_path / "empty.mp4").touch()
    empty, page = str(tmp_path / "empty.mp4"), tmp_path / "page.html"

    def run(*arguments: str) -> list[dict[str, object]]:
        result = CliRunner().invoke(app, [*arguments, "--model", model, "--json", "--report", str(page)])
        assert result.exit_code == 1, result.stderr  # an untaught model gives no usable answer
        return [json.loads(line) for line in result.stdout.splitlines()]

    scored = run("score", a, empty, b, "--prompt", "a board")
    assert [row["status"] for row in scored] == ["missing", "unreadable", "missing"]
    assert page.read_text(encoding="utf-8").count("data:image/jpeg") == 2 * 4
    assert run("compare", a, b)[0]["status"] == "missing"
    assert run("rank", a, empty, b)[0]["clips_encoded"] == 2
    assert [row["status"] for row in run("ask", a, b, "Is it sharp?")] == ["missing", "missing"]
