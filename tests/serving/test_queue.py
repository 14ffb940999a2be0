"""A server under load: places inside, waiting outside, refusal, leaving clients, readiness, and the end."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from serving.conftest import CIRCLES, TEXT, Here, b64, serving

from vqinsight.inference.api import VQInsight
from vqinsight.serving.limits import Limits

BODY = {"clips": [{"video": b64(CIRCLES)}], "prompt": TEXT}


def wait_until(true: Callable[[], bool], seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


class Held:
    """Holds the model's thread, so that requests pile up."""

    def __init__(self, nano: VQInsight, monkeypatch: object) -> None:
        self.taken, self.go = threading.Event(), threading.Event()
        encode = nano.assessor.encode

        def slowly(clip: object) -> object:
            self.taken.set()
            assert self.go.wait(120)
            return encode(clip)  # type: ignore[arg-type]

        monkeypatch.setattr(nano.assessor, "encode", slowly)  # type: ignore[attr-defined]


def test_a_full_server_refuses_and_finishes_what_it_took(nano: VQInsight, monkeypatch: object) -> None:
    """One place: the first is held, the second waits and is refused, the first gets its answer as the server ends."""
    held = Held(nano, monkeypatch)
    with (
        ThreadPoolExecutor() as pool,
        serving(lambda: nano, decoder=Here, limits=Limits(queue=1, queue_wait=0.3)) as client,
    ):
        first = pool.submit(client.post, "/v1/score", json=BODY)
        assert held.taken.wait(120)
        refused = client.post("/v1/score", json=BODY)
        assert refused.status_code == 429 and int(refused.headers["retry-after"]) >= 1
        flow_factory = client.post("/ff/overall/compute", json={"prompt": []})
        assert flow_factory.status_code == 503 and isinstance(flow_factory.json()["error"], str)
        assert client.get("/ready").status_code == 200, "who watches is not kept waiting"
        client.server.should_exit = True
        held.go.set()
        (record,) = first.result(120).raise_for_status().json()["results"]
        assert record["status"] == "ok"


def test_a_client_that_leaves_takes_its_work_along(nano: VQInsight, monkeypatch: object) -> None:
    held = Held(nano, monkeypatch)
    with ThreadPoolExecutor() as pool, serving(lambda: nano, decoder=Here, limits=Limits(queue=4)) as client:
        first = pool.submit(client.post, "/v1/score", json=BODY)
        assert held.taken.wait(120)
        service = client.app.state.serving.service
        body = json.dumps(BODY).encode()
        head = f"POST /v1/score HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n"
        with socket.create_connection((client.base_url.host, client.base_url.port)) as connection:
            connection.sendall(f"{head}Content-Type: application/json\r\n\r\n".encode() + body)
            wait_until(lambda: service.engine.waiting == 1)
        wait_until(lambda: service.engine.waiting == 0)
        before = nano.assessor.tower.clips_encoded
        held.go.set()
        assert first.result(120).status_code == 200
        assert nano.assessor.tower.clips_encoded - before == 1
        assert 'status="499"' in client.get("/metrics").text


def test_health_comes_before_readiness(nano: VQInsight) -> None:
    go = threading.Event()

    def load() -> VQInsight:
        assert go.wait(120)
        return nano

    with serving(load, ready=False, decoder=Here) as client:
        assert client.get("/health").json() == {"status": "ok", "rewards": {}}
        assert client.get("/ready").status_code == 503
        assert client.get("/v1/models").status_code == 503
        refused = client.post("/v1/score", json=BODY)
        assert refused.status_code == 503 and "retry-after" in refused.headers
        go.set()
        wait_until(lambda: client.get("/ready").status_code == 200)
        assert "overall" in client.get("/health").json()["rewards"]
