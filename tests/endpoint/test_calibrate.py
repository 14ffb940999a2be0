"""A scale of a model behind a server."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from helpers import endpoint
from helpers.endpoint import Server
from typer.testing import CliRunner

from vqinsight.cli.main import app


def test_it_is_fitted_and_used_there(
    server: Server, grey: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server scores a clip by its brightness, and so do the ratings."""
    monkeypatch.chdir(tmp_path)
    server.answer = lambda body: f"<answer>{endpoint.brightness(body)[0] / 3:.2f}</answer>"
    levels = [20 + 9 * place for place in range(20)]
    rows = [f"{grey(level)},{level / 60:.3f},model {place % 4}\n" for place, level in enumerate(levels)]
    Path("r.csv").write_text("path,rating,generator\n" + "".join(rows), encoding="utf-8")
    there = ("--engine", "endpoint", "--url", server.url, "--frames", "4", "--quiet")
    done = CliRunner().invoke(app, ["calibrate", "r.csv", "--out", "own.json", "--json", *there])
    assert done.exit_code == 0, done.stderr
    scale = json.loads(done.stdout)
    assert scale["model"]["engine"] == "endpoint" and scale["validations"][0]["better_than"]["mean"]
    done = CliRunner().invoke(app, ["score", grey(100), "--scale", "own.json", "--json", *there])
    assert done.exit_code == 0, done.stderr
    on = json.loads(done.stdout)["calibrated"]
    assert on["low"] < 100 / 60 < on["high"] and abs(on["value"] - 100 / 60) < 0.3
    other = ("--engine", "endpoint", "--url", server.url, "--frames", "2")
    done = CliRunner().invoke(app, ["score", grey(100), "--scale", "own.json", *other])
    assert done.exit_code == 2 and "look.frames was 4, is 2" in done.stderr
