"""The client: stands alone, sends frames without loss, and turns no failure into a number."""

from __future__ import annotations

import asyncio
import io
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from PIL import Image
from serving.conftest import CIRCLES, SQUARES, TEXT, b64

import vqinsight
from vqinsight.inference.api import VQInsight
from vqinsight.serving import client as module
from vqinsight.serving.client import Client, RewardError, as_text, flow_factory, flow_grpo, verl_omni
from vqinsight.serving.uploads import upload_of

if TYPE_CHECKING:
    import httpx


@pytest.fixture(scope="module")
def ours(client: httpx.Client) -> Client:
    return Client(str(client.base_url), patience=1.0)


def frames_of(encode: ModuleType, first: int) -> np.ndarray:
    return np.stack([encode.numbered(first + number, 96, 72) for number in range(4)])


def test_it_runs_without_this_package(tmp_path: Path) -> None:
    (tmp_path / "copied.py").write_text(Path(module.__file__).read_text(encoding="utf-8"), encoding="utf-8")
    code = "import copied, sys; assert not {'numpy', 'torch', 'vqinsight'} & {m.split('.')[0] for m in sys.modules}"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_frames_arrive_without_loss(encode: ModuleType) -> None:
    """As arrays and tensors in both layouts, as floats, and as PIL images."""
    frames = frames_of(encode, 100)
    turned = np.moveaxis(frames, 3, 1)
    pictures = [Image.fromarray(frame) for frame in frames]
    for given in (frames, torch.from_numpy(frames), torch.from_numpy(turned / np.float32(255)), pictures):
        sent = upload_of("x", as_text(given, 8.0))
        assert sent.frames is not None and sent.fps == 8.0
        assert np.array_equal(np.stack([np.asarray(Image.open(io.BytesIO(each))) for each in sent.frames]), frames)


def test_rewards_are_those_offline(ours: Client, nano: VQInsight) -> None:
    names = ["overall", "win_rate"]
    offline = vqinsight.reward([str(CIRCLES), str(SQUARES)], TEXT, dimensions=names, model=nano)
    assert ours.rewards([CIRCLES, SQUARES.read_bytes()], [TEXT] * 2, names) == offline


def test_the_shims_give_what_offline_gives(ours: Client, nano: VQInsight, encode: ModuleType) -> None:
    videos = [frames_of(encode, 0), frames_of(encode, 90)]
    group = vqinsight.reward(videos, TEXT, dimensions=["win_rate"], model=nano)
    rates = [each["win_rate"] for each in group if isinstance(each, dict)]
    assert flow_grpo(ours, "win_rate")(torch.from_numpy(np.stack(videos)), [TEXT] * 2, {}) == (rates, {})
    assert flow_factory(ours, "win_rate")(prompt=[TEXT] * 2, video=videos, image=None) == rates
    [image] = vqinsight.reward([videos[0][:1]], TEXT, dimensions=["quality"], model=nano)
    found = asyncio.run(verl_omni(ours, "quality")("x", torch.from_numpy(videos[0][0]).permute(2, 0, 1), TEXT))
    assert isinstance(image, dict) and found == {"score": image["quality"]}
    [clip] = vqinsight.reward([videos[0]], TEXT, dimensions=["overall"], model=nano)
    found = asyncio.run(verl_omni(ours, "overall")("x", torch.from_numpy(videos[0]).permute(3, 0, 1, 2), TEXT))
    assert isinstance(clip, dict) and found == {"score": clip["overall"]}
    with pytest.raises(RewardError, match="a group of one"):
        asyncio.run(verl_omni(ours, "win_rate")("x", videos[0], TEXT))


def test_no_failure_becomes_a_number(ours: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(RewardError, match=r"video 1, overall: .*not a video"):
        ours.rewards([CIRCLES, b"no video"], [TEXT] * 2, ["overall"])
    with pytest.raises(RewardError, match="no reward beauty"):
        ours.rewards([CIRCLES], [TEXT], ["beauty"])
    with pytest.raises(RewardError, match="No such file"):
        ours.rewards(["absent.mp4"], [TEXT], ["overall"])
    with pytest.raises(RewardError, match="refused") as unreached:
        Client("http://127.0.0.1:9", reconnect=0.0).rewards([CIRCLES], [TEXT], ["overall"])
    assert unreached.value.status is None
    with pytest.raises(RewardError, match="/v1/none answered 404") as refused:
        ours.get("/v1/none")
    assert refused.value.status == 404
    answers: list[Any] = [
        {},
        {"results": [], "errors": []},
        {"results": [{"overall": {}}], "errors": [{}]},
        {"results": [{"overall": {"score": None}}], "errors": [{}]},
    ]
    for answer in answers:
        monkeypatch.setattr(ours, "post", lambda *_, answer=answer: answer)
        with pytest.raises(RewardError, match=r"another shape|lacks a number"):
            ours.rewards([b64(b"x").encode()], [TEXT], ["overall"])


def test_what_passes_is_asked_again_under_one_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection that is dropped, and a busy server; a wrong request is not."""
    monkeypatch.setattr(module, "_PAUSE", 0.0)
    turns = iter(["drop", "drop", 429, 503, 200, 400])
    keys: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            keys.append(self.headers["Idempotency-Key"])
            turn = next(turns)
            if turn == "drop":
                self.close_connection = True
                return
            self.send_response(int(turn))
            self.send_header("Retry-After", "0")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever).start()
        try:
            ours = Client(f"http://127.0.0.1:{server.server_port}")
            assert ours.post("/x", {}) == {}
            assert len(keys) == 5 and len(set(keys)) == 1
            with pytest.raises(RewardError, match="answered 400") as refused:
                ours.post("/x", {})
            assert (refused.value.status, refused.value.body) == (400, "{}")
            assert len(keys) == 6 and len(set(keys)) == 2
        finally:
            server.shutdown()
