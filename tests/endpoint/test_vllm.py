"""vLLM itself, in an environment of its own: ``make test-vllm VLLM=DIR MODEL=DIR``."""

from __future__ import annotations

import os
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from vqinsight.inference.endpoint.judge import connect

pytestmark = pytest.mark.full
_READY_WITHIN = 300  # seconds


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """vLLM on a free port, serving the model of the environment variable."""
    program, model = os.environ.get("VLLM_PROGRAM", ""), os.environ.get("VLLM_MODEL", "")
    if not Path(program).is_file() or not Path(model).is_dir():
        pytest.skip("vLLM is not installed: make test-vllm VLLM=DIR MODEL=DIR")
    pytest.importorskip("openai", reason="the extra endpoint is not installed")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    serve = [program, "serve", model, "--host", "127.0.0.1", "--port", str(port), "--served-model-name", "tiny"]
    serve += ["--dtype", "bfloat16", "--max-model-len", "4096", "--max-num-seqs", "4", "--enforce-eager"]
    own = {"VLLM_CPU_KVCACHE_SPACE": "1", "VLLM_CPU_OMP_THREADS_BIND": "nobind", "OMP_NUM_THREADS": "1"}
    quiet = {"HF_HUB_OFFLINE": "1", "VLLM_NO_USAGE_STATS": "1", "DO_NOT_TRACK": "1"}
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"} | own | quiet
    log = tmp_path_factory.mktemp("vllm") / "log.txt"
    with log.open("wb") as output, subprocess.Popen(serve, env=environment, stdout=output, stderr=output) as process:
        try:
            _wait(f"http://127.0.0.1:{port}/health", process, log)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


def _wait(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + _READY_WITHIN
    while time.monotonic() < end and process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(1)
    pytest.fail(f"vLLM is not ready: {log.read_text(errors='replace')[-2000:]}")


def test_five_clips_through_vllm(address: str, shared: Path) -> None:
    """An untaught model says nothing usable; what counts is that every clip is looked at and every answer counted."""
    clips = sorted((shared / "clips").rglob("*.mp4"))[:5]
    judge = connect(address, max_pixels=12_544, deadline=300)
    found = list(judge.score_all((str(clip), None) for clip in clips))
    assert [score.path for score in found] == [str(clip) for clip in clips]
    assert {score.provenance.sent for score in found} == {"PNG frames as one video"}
    for score in found:
        print(Path(score.path).name, score.status, score.replies[0].tokens, repr(score.replies[0].text[:40]))
        assert score.status in ("ok", "missing") and score.replies[0].text and score.input is not None
        tokens, (width, height) = score.replies[0].tokens, score.input.size
        visual = -(-len(score.input.times) // 2) * (width // 28) * (height // 28)
        assert tokens is not None and visual < tokens.prompt < visual + 400  # as many as a loaded model gives them
