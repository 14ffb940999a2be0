"""``vqinsight web`` as a process: the sandbox decodes, and what users sent ends with it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from helpers import process
from typer.testing import CliRunner
from web.conftest import EXAMPLES, finished, listed, send

from vqinsight.cli.main import app


@pytest.mark.slow
def test_a_process_from_begin_to_end(tmp_path: Path) -> None:
    httpx = pytest.importorskip("httpx", reason="the extra test is not installed")
    pytest.importorskip("fastapi", reason="the extra web is not installed")
    command = [sys.executable, "-m", "vqinsight", "web", "--folder", str(EXAMPLES), "--port", "0", "--quiet"]
    environment = os.environ | process.ENVIRONMENT | {"TMPDIR": str(tmp_path)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as server:
        try:
            assert server.stdout is not None
            address = re.search(r"http://\S+", server.stdout.readline())[0]  # type: ignore[index]
            with httpx.Client(base_url=address, timeout=60, trust_env=False) as client:
                client.get("/")
                assert server.stdout.readline() == "Ready\n"
                key = send(client, "mine.mp4", (EXAMPLES / "rocket_jitter.mp4").read_bytes()).json()["id"]
                url = client.post("/look", json={"clips": [key], "once": "process-1"}).json()["url"]
                assert finished(client, url) == "done"
                page = client.get(url).text
                assert "data-seek=" in page and "data:image/jpeg" in page, "measured and shown out of the sandbox"
                assert str(tmp_path) not in page and "cat.mp4" in listed(client)
                assert list(tmp_path.rglob("clip"))
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait(30)
    assert not list(tmp_path.rglob("clip")), f"nothing stays in {tempfile.gettempdir()}"


def test_wrong_usage_is_said_at_once(tmp_path: Path) -> None:
    for arguments, text in (
        (["--host", "0.0.0.0"], "can be reached from other machines"),
        (["--folder", str(tmp_path / "none")], "there is no such folder"),
    ):
        done = CliRunner().invoke(app, ["web", *arguments])
        assert done.exit_code == 2 and text in done.stderr
