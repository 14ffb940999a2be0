"""The pages with the embedded model, asked in this process."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from vqinsight.errors import UnreadableVideo
from vqinsight.measure.clip import measure_clip
from vqinsight.measure.types import MeasuredClip
from vqinsight.serving.limits import Limits
from vqinsight.serving.reward import renamed

if TYPE_CHECKING:
    from fastapi.testclient import TestClient

    from vqinsight.assessor.clips import ClipLoader
    from vqinsight.inference.api import VQInsight
    from vqinsight.serving.rewards import Seen

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
Start = Callable[..., AbstractContextManager[Any]]


class Here:
    """Decodes in this process, for tests that are not about decoding: a sandbox takes seconds to start."""

    def __init__(self, loader: ClipLoader, _: Limits) -> None:
        self._loader = loader

    def decode(self, place: str, name: str, _: float | None = None) -> Seen:
        return renamed(self._loader.try_load(place), name, place)

    def measure(self, place: str, name: str, _: float | None = None) -> MeasuredClip | UnreadableVideo:
        try:
            return replace(measure_clip(place), path=name)
        except UnreadableVideo as error:
            return UnreadableVideo(name, error.reason, error.remedy)

    def close(self) -> None:
        pass


@contextmanager
def pages(load: Callable[[], VQInsight], **options: Any) -> Iterator[TestClient]:
    """A client with a session; ``options`` as for ``create_app``. ``client.web`` is what the app holds."""
    pytest.importorskip("fastapi", reason="the extra web is not installed")
    pytest.importorskip("httpx", reason="the extra test is not installed")
    from fastapi.testclient import TestClient

    from vqinsight.web.app import create_app

    app = create_app(load, **{"model": "nano", "folder": EXAMPLES, "decoder": Here, **options})
    with TestClient(app, base_url="http://localhost:8080") as client:
        client.web = app.state.web
        for _ in range(200):
            if client.web.worker is not None:
                break
            time.sleep(0.05)
        assert client.get("/").status_code == 200
        yield client


@pytest.fixture(scope="module")
def web(nano: VQInsight) -> Iterator[TestClient]:
    """The pages on the example clips, shared by a module's tests; each test sees its own session by ``other``."""
    with pages(lambda: nano) as client:
        yield client


@contextmanager
def other(client: TestClient) -> Iterator[TestClient]:
    """Another user of the same app."""
    from fastapi.testclient import TestClient

    user = TestClient(client.app, base_url="http://localhost:8080")
    user.portal = client.portal  # the app's own event loop
    assert user.get("/").status_code == 200
    yield user


@pytest.fixture
def start(nano: VQInsight) -> Start:
    """Starts the pages with other bounds."""

    def begin(**options: Any) -> AbstractContextManager[Any]:
        return pages(lambda: nano, **options)

    return begin


def listed(client: TestClient) -> dict[str, str]:
    """Ids of the clips that a user sees, by name."""
    import re

    found = re.findall(r'value="([^"]+)"> <span>([^<]+)</span>', client.get("/clips").text)
    return {name: key for key, name in found}


def send(client: TestClient, name: str, content: bytes, once: str = "") -> Any:
    """Send a clip."""
    return client.post("/clips", files={"clip": (name, content)}, data={"once": once} if once else {})


def finished(client: TestClient, url: str, within: float = 120) -> str:
    """The state in which work ends."""
    until = time.monotonic() + within
    while time.monotonic() < until:
        state = client.get(f"{url}/state").json()["state"]
        if state not in ("waiting", "running"):
            return state
        time.sleep(0.05)
    raise AssertionError(f"{url} did not end")
