"""``vqinsight serve`` as a process of its own: it says where it is, answers, and ends in order."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from helpers.process import ENVIRONMENT
from serving.conftest import CIRCLES, TEXT, b64
from typer.testing import CliRunner

from vqinsight.cli.main import app
from vqinsight.inference.api import VQInsight


@pytest.mark.slow
def test_a_process_serves_and_ends(nano: VQInsight, tmp_path: Path) -> None:
    """The key comes by the environment, and is neither printed nor left to the process that decodes."""
    pytest.importorskip("fastapi", reason="the extra serve is not installed")
    httpx = pytest.importorskip("httpx", reason="the extra test is not installed")
    errors = tmp_path / "errors"
    key = "correct-horse"
    with (
        errors.open("w") as log,
        subprocess.Popen(
            [sys.executable, "-m", "vqinsight", "serve", "--port", "0"],
            env=os.environ | ENVIRONMENT | {"VQINSIGHT_API_KEY": key},
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        ) as server,
    ):
        try:
            assert server.stdout is not None
            found = re.fullmatch(r"Serving nano on (http://127\.0\.0\.1:\d+)\n", server.stdout.readline())
            assert found is not None and server.stdout.readline() == "Ready\n", errors.read_text()
            with httpx.Client(base_url=found[1], auth=("any", key), timeout=300, trust_env=False) as client:
                assert client.get("/ready").status_code == 200
                body = {"clips": [{"video": b64(CIRCLES)}], "prompt": TEXT}
                (record,) = client.post("/v1/score", json=body).raise_for_status().json()["results"]
            assert record["scores"] == nano.score(str(CIRCLES), TEXT).scores
            (child,) = psutil.Process(server.pid).children()
            assert key not in child.environ().values()
            server.send_signal(signal.SIGTERM)
            server.wait(120)
        finally:
            server.kill()
    assert server.returncode in (0, -signal.SIGTERM)
    text = errors.read_text()
    assert key not in text and "Traceback" not in text and '"route": "/v1/score", "status": 200' in text
    psutil.wait_procs([child], timeout=20)
    assert not child.is_running(), "what decodes ends with it"


def test_wrong_usage_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VQINSIGHT_API_KEY", raising=False)
    for arguments, reason in (
        (["--host", "0.0.0.0"], "reached from other machines. Give a key"),
        (["--allow-dir", str(tmp_path / "no")], "there is no such folder"),
        (["--queue-wait", "0"], "above 0"),
    ):
        result = CliRunner().invoke(app, ["serve", *arguments], env={"COLUMNS": "200"})
        assert result.exit_code == 2 and reason in result.stderr, result.stderr


def test_without_the_extra_the_line_to_install_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fastapi", None)
    result = CliRunner().invoke(app, ["serve"])
    assert result.exit_code == 1 and "pip install 'vqinsight[serve]'" in result.stderr
