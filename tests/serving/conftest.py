"""A real server with the embedded model, in a thread."""

from __future__ import annotations

import base64
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from vqinsight.serving.limits import Limits
from vqinsight.serving.reward import renamed

if TYPE_CHECKING:
    import httpx

    from vqinsight.assessor.clips import ClipLoader
    from vqinsight.inference.api import VQInsight
    from vqinsight.serving.rewards import Seen

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
CIRCLES, SQUARES, CAT = (EXAMPLES / f"{name}.mp4" for name in ("circles", "squares_blurred", "cat"))
TEXT = "two red circles moving left"
Start = Callable[..., "contextmanager[httpx.Client]"]


def b64(content: bytes | Path) -> str:
    """Base64 of bytes or of a file."""
    return base64.b64encode(content if isinstance(content, bytes) else content.read_bytes()).decode()


class Here:
    """Decodes in this process, for servers whose tests are not about decoding: a sandbox takes seconds to start."""

    def __init__(self, loader: ClipLoader, _: Limits) -> None:
        self._loader = loader

    def decode(self, place: str, name: str, _: float | None = None) -> Seen:
        return renamed(self._loader.try_load(place), name, place)

    def close(self) -> None:
        pass


@contextmanager
def listening(app: Any, limits: Limits) -> Iterator[httpx.Client]:
    """A client of an app on a free port, run as ``vqinsight serve`` runs it."""
    httpx = pytest.importorskip("httpx", reason="the extra test is not installed")
    import uvicorn

    from vqinsight.serving.run import configured

    server = uvicorn.Server(configured(app, limits))
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        try:
            with httpx.Client(base_url=address, timeout=120, trust_env=False) as client:
                client.app, client.server = app, server
                yield client
        finally:
            server.should_exit = True
            thread.join(120)
            assert not thread.is_alive()


@contextmanager
def serving(load: Callable[[], VQInsight], *, ready: bool = True, **options: Any) -> Iterator[httpx.Client]:
    """A client of a server on a free port; ``options`` as for ``create_app``, ``limits`` included."""
    pytest.importorskip("fastapi", reason="the extra serve is not installed")
    pytest.importorskip("prometheus_client", reason="the extra serve is not installed")
    from httpx import TransportError

    from vqinsight.serving.app import create_app

    with listening(create_app(load, **options), options.get("limits", Limits())) as client:
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            try:
                if client.get("/ready").status_code == 200 or not ready:
                    break
            except TransportError:
                pass
            time.sleep(0.05)
        yield client


@pytest.fixture(scope="session")
def client(nano: VQInsight, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A server that may read below the folder ``allowed``, without a key."""
    folder = tmp_path_factory.mktemp("allowed")
    with serving(lambda: nano, allowed=[folder]) as made:
        made.allowed = folder
        yield made
