"""A server, and clips of one brightness each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from helpers.endpoint import Server, serving

from vqinsight.inference.endpoint.judge import EndpointJudge, connect


@pytest.fixture
def server() -> Iterator[Server]:
    pytest.importorskip("openai", reason="the extra endpoint is not installed")
    with serving() as server:
        yield server


@pytest.fixture
def judge(server: Server) -> Callable[..., EndpointJudge]:
    """Connects to the server, with options of ``connect``."""

    def connected(**options: Any) -> EndpointJudge:
        return connect(server.url, **{"deadline": 60.0, "frames": 4, **options})

    return connected


@pytest.fixture
def grey(tmp_path: Path, encode: ModuleType) -> Callable[..., str]:
    """The name of a clip whose frames are all of one grey."""

    def make(value: int, name: str = "") -> str:
        path = tmp_path / f"{name or value}.mp4"
        return str(encode.video(path, [np.full((48, 64, 3), value, np.uint8)] * 8))

    return make
