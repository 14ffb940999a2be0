"""Who may ask, what may be sent, and how much: each refusal on a real server."""

from __future__ import annotations

import base64
import json
import os
import socket
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from serving.conftest import CAT, CIRCLES, Here, b64, serving

from vqinsight.errors import UsageError
from vqinsight.inference.api import VQInsight
from vqinsight.serving.limits import Limits
from vqinsight.serving.place import check_place

if TYPE_CHECKING:
    import httpx

KEY = "correct-horse"
EMPTY = {"requests": []}  # a request of UniRL that asks nothing


@pytest.fixture(scope="module")
def keyed(nano: VQInsight) -> Iterator[httpx.Client]:
    """A server with a key, a further name and small limits."""
    limits = Limits(max_bytes=20_000, body_seconds=1.0, max_prompt=100)
    with serving(lambda: nano, key=KEY, hosts=["judge.example"], limits=limits, decoder=Here) as made:
        yield made


def auth(key: str = KEY) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def test_without_the_key_nothing_but_health(keyed: httpx.Client) -> None:
    for path in ("/metrics", "/rewards", "/v1/models", "/openapi.json", "/ff/overall/health", "/nowhere"):
        assert keyed.get(path).status_code == 401, path
    assert keyed.post("/score", json=EMPTY).status_code == 401
    basic = base64.b64encode(f"any:{KEY}".encode()).decode()
    for given, status in (
        (auth(), 200),
        (auth("wrong"), 401),
        ({"Authorization": "Bearer"}, 401),
        ({"Authorization": f"Basic {basic}"}, 200),
        ({"Authorization": "Basic !"}, 401),
        ({"Authorization": KEY}, 401),
    ):
        assert keyed.post("/score", json=EMPTY, headers=given).status_code == status, given
    assert keyed.get("/metrics", headers=auth()).status_code == 200
    assert keyed.get("/health").status_code == keyed.get("/ready").status_code == 200


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "evil.example"}, 403),
        ({"Host": "127.0.0.1.evil.example"}, 403),
        ({"Host": "judge.example"}, 200),
        ({"Host": "localhost:8000"}, 200),
        ({"Host": "[::1]:8000"}, 200),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Content-Type": "text/plain"}, 415),
        ({"Content-Type": "application/x-www-form-urlencoded"}, 415),
        ({"Content-Encoding": "gzip"}, 415),
    ],
    ids=str,
)
def test_headers_are_checked(keyed: httpx.Client, headers: dict[str, str], status: int) -> None:
    given = {"Content-Type": "application/json", **auth(), **headers}
    answer = keyed.post("/score", content=json.dumps(EMPTY), headers=given)
    assert answer.status_code == status
    assert "access-control-allow-origin" not in answer.headers


def test_nothing_large_is_taken_in(keyed: httpx.Client) -> None:
    """By its announced length, and by what comes where it announces none."""
    large = keyed.post("/score", content=b" " * 30_000, headers={"Content-Type": "application/json", **auth()})
    assert large.status_code == 413 and "20000 bytes" in large.json()["error"]["message"]
    sent = 0

    def endless() -> Iterator[bytes]:
        nonlocal sent
        for _ in range(4000):
            sent += 10_000
            yield b" " * 10_000

    import httpx

    try:
        streamed = keyed.post("/score", content=endless(), headers={"Content-Type": "application/json", **auth()})
        assert streamed.status_code == 413
    except httpx.TransportError:  # the server hung up while we still sent
        pass
    assert sent < 40_000_000, "it stops to listen"


def test_what_is_sent_must_fit(keyed: httpx.Client) -> None:
    headers = {"Content-Type": "application/json", **auth()}
    for body, reason in (
        ("[" * 15_000, "recursion"),
        ("{", "EOF"),
        (json.dumps({"clips": [{}]}), "exactly one of"),
        (json.dumps({"clips": [{"video": "x"}], "surprise": 1}), "surprise"),
        (json.dumps({"clips": [{"video": "???"}]}), "no base64"),
        (json.dumps({"clips": [{"video": b64(b"x")}] * 65}), "65 clips"),
        (json.dumps({"clips": [{"video": b64(b"x")}], "prompt": "x" * 101}), "101 characters"),
        (json.dumps({"clips": [{"video": b64(b"x")}], "samples": 17}), "17 samples"),
    ):
        answer = keyed.post("/v1/score", content=body, headers=headers)
        assert answer.status_code == 400 and reason in answer.json()["error"]["message"], answer.text[:200]


def test_a_slow_client_is_not_waited_for(keyed: httpx.Client) -> None:
    address = (keyed.base_url.host, keyed.base_url.port)
    with socket.create_connection(address, timeout=30) as connection:
        head = f"POST /score HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {KEY}\r\n"
        connection.sendall(f"{head}Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{{".encode())
        assert connection.recv(100).startswith(b"HTTP/1.1 408 ")


@pytest.mark.parametrize("url", ["https://evil.example/a.mp4", "file:///etc/passwd", "data:video/mp4,abc", "s3://a/b"])
def test_addresses_are_not_fetched(client: httpx.Client, url: str) -> None:
    content = [{"type": "video_url", "video_url": {"url": url}}]
    answers = [
        client.post("/v1/chat/completions", json={"messages": [{"role": "user", "content": content}]}),
        client.post("/v1/score", json={"clips": [{"video": url}]}),
    ]
    for answer in answers:
        assert answer.status_code == 400 and "are not fetched" in answer.json()["error"]["message"]


def test_paths_lie_below_the_allowed_folder(client: httpx.Client, tmp_path: Path) -> None:
    """Also what links and dots make of them; what is absent and what is forbidden looks the same."""
    folder: Path = client.allowed
    (folder / "good.mp4").write_bytes(CIRCLES.read_bytes())
    (folder / "inside.mp4").symlink_to(folder / "good.mp4")
    outside = tmp_path / "secret.mp4"
    outside.write_bytes(CAT.read_bytes())
    (folder / "link.mp4").symlink_to(outside)
    (folder / "linked").symlink_to(tmp_path)
    os.mkfifo(folder / "pipe.mp4")
    good = ["good.mp4", "inside.mp4"]
    bad = ["link.mp4", "linked/secret.mp4", f"../{folder.name}/../secret.mp4", "absent.mp4", "pipe.mp4", ".", "\0"]
    clips = [{"path": str(folder / name)} for name in (*good, *bad)] + [{"path": str(outside)}, {"path": "/dev/zero"}]
    found = client.post("/v1/score", json={"clips": clips}).raise_for_status().json()["results"]
    assert [record["status"] for record in found] == ["ok"] * 2 + ["unreadable"] * 9
    reasons = {record["error"].partition(": ")[2] for record in found[2:]}
    assert len(reasons) == 1 and "no such file, or it does not lie below" in reasons.pop()
    assert str(tmp_path) not in json.dumps(found) and str(folder) not in json.dumps(found)


def test_another_interface_needs_a_key() -> None:
    for host in ("0.0.0.0", "::", "192.168.1.7", "judge.example", ""):
        with pytest.raises(UsageError, match="reached from other machines"):
            check_place(host, None)
        check_place(host, KEY)
    for host in ("127.0.0.1", "::1", "localhost", "127.3.2.1"):
        check_place(host, None)
    with pytest.raises(UsageError, match="at least 8"):
        check_place("0.0.0.0", "short")


def test_neither_keys_nor_folders_are_logged(
    keyed: httpx.Client, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("INFO", logger="vqinsight.serving"):
        body = {"clips": [{"path": str(tmp_path / "a.mp4")}]}
        answer = keyed.post("/v1/score?secret=1", json=body, headers={**auth(), "X-Request-ID": "mine-1"})
        keyed.get("/metrics", headers={**auth("wrong-key"), "X-Request-ID": "bad id"})
    assert answer.headers["x-request-id"] == "mine-1"
    lines = [json.loads(record.getMessage()) for record in caplog.records]
    [mine] = [line for line in lines if line["request"] == "mine-1"]
    assert mine["route"] == "/v1/score" and mine["status"] == 200
    [refused] = [line for line in lines if line["status"] == 401]
    assert refused["request"] != "bad id"
    text = caplog.text + answer.text
    assert not [word for word in (KEY, "wrong-key", str(tmp_path), "secret") if word in text]


def test_a_compressed_bomb_is_not_opened(keyed: httpx.Client) -> None:
    bomb = zlib.compress(b" " * 10_000_000)
    headers = {"Content-Type": "application/json", "Content-Encoding": "deflate", **auth()}
    assert keyed.post("/score", content=bomb, headers=headers).status_code == 415
