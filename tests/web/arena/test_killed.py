"""A real server, raters at once, and SIGKILL in the middle: the benchmark's run in miniature."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.mark.slow
def test_every_acknowledged_vote_is_stored_once(tmp_path: Path) -> None:
    pytest.importorskip("fastapi", reason="the extra serve is not installed")
    from benchmarks.performance.arena import run

    found = run(tmp_path, votes=40, raters=4, kills=1, clips=6)
    nothing = {"missing": 0, "repeated": 0, "altered": 0, "pairs_twice": 0}
    assert found["after_kills"] == [nothing] and found["at_the_end"] == nothing and found["refused"] == {}
    assert found["acknowledged"] == found["stored"] >= 40 and found["answered"] > found["stored"]
