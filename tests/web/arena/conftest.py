"""Arenas in miniature: a folder of candidates, its file of votes, and raters who are let in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

if TYPE_CHECKING:
    from vqinsight.web.arena.pages import Arena

PROMPTS = {"a_cat": 3, "a_dog": 2}  # folders of candidates with their number of clips: four pairs


@pytest.fixture(scope="session")
def candidates(encode: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Candidate folders of real clips in H.264, of different lengths."""
    folder = tmp_path_factory.mktemp("candidates")
    rng = np.random.default_rng(0)
    for prompt, count in PROMPTS.items():
        (folder / prompt).mkdir()
        for number in range(count):
            frames = rng.integers(0, 255, (6 + 3 * number, 48, 64, 3), np.uint8)
            encode.video(folder / prompt / f"{number}.mp4", frames)
    return folder


@pytest.fixture
def arena(candidates: Path, tmp_path: Path) -> Iterator[Arena]:
    """The arena of these clips, with the raters Ada and Bo added by ``rater``."""
    pytest.importorskip("fastapi", reason="the extra serve is not installed")
    from vqinsight.cli.pairing import pairs_to_vote
    from vqinsight.web.arena.asked import asked_pairs
    from vqinsight.web.arena.site import open_arena

    with open_arena(tmp_path / "votes.db", asked_pairs(pairs_to_vote([str(candidates)], None))) as (found, _):
        yield found


@pytest.fixture
def enter(arena: Arena) -> Iterator[Callable[[str], Any]]:
    """Lets a rater in: gives a client of the app that has the cookie of a new session."""
    from fastapi.testclient import TestClient

    from vqinsight.web.arena.raters import add_rater
    from vqinsight.web.arena.site import create_arena_app

    tokens: dict[str, str] = {}
    with ExitStack() as clients:

        def let_in(name: str) -> TestClient:
            app = create_arena_app(arena)
            client = clients.enter_context(TestClient(app, base_url="http://127.0.0.1:8080"))
            tokens[name] = tokens.get(name) or add_rater(arena.store, name)
            client.post("/arena/session", json={"token": tokens[name]}).raise_for_status()
            return client

        yield let_in
