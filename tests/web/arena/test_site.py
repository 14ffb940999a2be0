"""The arena beside the other pages, and what it is opened with."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np
from typer.testing import CliRunner
from web.arena.test_pages import ballot, pair_of

from vqinsight.cli.main import app
from vqinsight.cli.pairing import pairs_to_vote
from vqinsight.web.arena.asked import asked_pairs
from vqinsight.web.arena.raters import add_rater
from vqinsight.web.arena.votes import Pair

if TYPE_CHECKING:
    from vqinsight.web.arena.pages import Arena


def test_beside_the_other_pages(arena: Arena, start: Callable[..., Any]) -> None:
    """One server, two kinds of sessions: a user of the pages is no rater."""
    with start(arena=arena) as client:
        assert client.get("/arena").status_code == 200 and client.get("/arena/next").status_code == 401
        client.post("/arena/session", json={"token": add_rater(arena.store, "Ada")}).raise_for_status()
        assert client.post("/arena/votes", json=ballot(pair_of(client))).json()["done"] == 1
        assert client.get("/").status_code == 200
    with start() as client:
        assert client.get("/arena").status_code == 404


def test_the_pages_have_an_arena_of_a_folder_only(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["web", "--arena", str(tmp_path / "votes.db")])
    assert done.exit_code == 2 and "--arena needs --folder" in done.stderr


def test_a_copy_where_browsers_do_not_play_the_original(
    encode: ModuleType, tmp_path: Path, arena: Arena, enter: Callable[[str], Any]
) -> None:
    """An MPEG-4 clip in AVI is shown as a copy that says so; a damaged one says why it cannot be shown."""
    from dataclasses import replace

    frames = np.random.default_rng(0).integers(0, 255, (6, 48, 64, 3), np.uint8)
    old = encode.video(tmp_path / "old.avi", frames, codec="mpeg4")
    (tmp_path / "broken.mp4").write_bytes(b"no video")
    ids = list(arena.clips)
    arena.clips[ids[0]] = replace(arena.clips[ids[0]], path=str(old))  # type: ignore[index]
    arena.clips[ids[1]] = replace(arena.clips[ids[1]], path=str(tmp_path / "broken.mp4"))  # type: ignore[index]
    ada = enter("Ada")
    about = ada.get(f"/arena/clips/{ids[0]}/about").json()
    assert about["label"].startswith("A copy in H.264") and about["problem"] is None
    assert ada.get(f"/arena/clips/{ids[0]}").headers["content-type"] == "video/mp4"
    assert ada.get(f"/arena/clips/{ids[1]}/about").json()["problem"]
    assert ada.get(f"/arena/clips/{ids[1]}").status_code == 404


def test_pairs_of_a_list_are_those_alone(candidates: Path, tmp_path: Path) -> None:
    paths = [os.path.relpath(candidates / "a_cat" / f"{number}.mp4", tmp_path) for number in range(3)]
    (tmp_path / "note.txt").write_text("no video", encoding="utf-8")
    listed = tmp_path / "pairs.csv"
    rows = [(paths[0], paths[1]), (paths[1], paths[0]), (paths[0], "gone.mp4"), (paths[0], "note.txt")]
    listed.write_text("path_a,path_b,prompt\n" + "".join(f"{a},{b},a cat\n" for a, b in rows), encoding="utf-8")
    asked = asked_pairs(pairs_to_vote([str(listed)], None))
    assert asked.pairs == [Pair.of(*asked.clips)] and len(asked.clips) == 2
    reasons = {Path(name).name: reason for name, reason in asked.left_out.items()}
    assert reasons["gone.mp4"].startswith("no such file (row 4") and reasons["note.txt"] == "no video"
    single = tmp_path / "clips.csv"
    single.write_text("path,prompt\n" + "".join(f"{path},a cat\n" for path in paths), encoding="utf-8")
    assert len(asked_pairs(pairs_to_vote([str(single)], None)).pairs) == 3
