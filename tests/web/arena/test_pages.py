"""The arena over HTTP: who is let in, what is shown, and that no vote is lost or counted twice."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from vqinsight.web.arena.raters import add_rater, revoke_rater
from vqinsight.web.arena.votes import open_votes

if TYPE_CHECKING:
    from vqinsight.web.arena.pages import Arena

Enter = Callable[[str], Any]


def ballot(pair: dict[str, Any], said: str = "left", **other: Any) -> dict[str, Any]:
    """The body of a vote on a pair that was shown."""
    shown = {"pair": pair["id"], "swapped": pair["swapped"], "follows": pair["follows"]}
    return {"id": str(uuid4()), "said": said, "clicked": 0, **shown, **other}


def pair_of(client: Any, **query: str) -> dict[str, Any]:
    found: dict[str, Any] = client.get("/arena/next", params=query).raise_for_status().json()["pair"]
    return found


def test_a_link_lets_its_rater_in(arena: Arena, enter: Enter) -> None:
    ada = enter("Ada")
    state = ada.get("/arena/next").json()
    assert state["rater"]["name"] == "Ada" and (state["done"], state["of"], state["last"]) == (0, 4, None)
    again = ada.post("/arena/session", json={"token": add_rater(arena.store, "Bo")})
    cookie = again.headers["set-cookie"]
    assert "HttpOnly" in cookie and "SameSite=strict" in cookie and "Path=/arena" in cookie
    assert ada.get("/arena/next").json()["rater"]["name"] == "Bo"


def test_others_see_nothing(arena: Arena, enter: Enter) -> None:
    """Without a session, with a wrong or revoked link, from another site, and by another name of this machine."""
    ada = enter("Ada")
    pair = pair_of(ada)
    stranger = enter("Bo")
    stranger.cookies.clear()
    for path in ("/arena/next", pair["left"], f"{pair['left']}/about"):
        assert stranger.get(path).status_code == 401
    assert stranger.post("/arena/votes", json=ballot(pair)).status_code == 401
    assert stranger.post("/arena/session", json={"token": "guess"}).status_code == 401
    assert ada.post("/arena/votes", json=ballot(pair), headers={"origin": "http://evil.example"}).status_code == 403
    assert ada.get("/arena", headers={"host": "evil.example"}).status_code == 403
    assert ada.post("/arena/votes", content=b"{}", headers={"content-type": "text/plain"}).status_code == 415
    revoke_rater(arena.store, "Ada")
    assert ada.get("/arena/next").status_code == 401 == ada.post("/arena/votes", json=ballot(pair)).status_code
    assert arena.store.revisions() == []


def test_the_page_runs_no_script_of_others(enter: Enter) -> None:
    ada = enter("Ada")
    page = ada.get("/arena")
    assert "script-src 'self'" in page.headers["content-security-policy"] and "<script>" not in page.text
    assert ada.get("/", follow_redirects=False).headers["location"] == "/arena"
    for name in ("web.css", "arena.css", "arena.js", "icon.svg"):
        assert f"/static/{name}" in page.text and ada.get(f"/static/{name}").status_code == 200


def test_clips_are_their_own_bytes_with_ranges(arena: Arena, enter: Enter) -> None:
    ada = enter("Ada")
    pair = pair_of(ada)
    own = next(clip for clip in arena.clips.values() if pair["left"].endswith(clip.id))
    content = Path(own.path).read_bytes()
    whole = ada.get(pair["left"])
    assert whole.content == content and whole.headers["content-type"] == "video/mp4"
    part = ada.get(pair["left"], headers={"range": "bytes=10-19"})
    assert part.status_code == 206 and part.content == content[10:20]
    assert ada.get(f"{pair['left']}/about").json() == {"label": None, "problem": None}
    assert ada.get("/arena/clips/none").status_code == 404


def test_a_rater_sees_each_pair_once(enter: Enter) -> None:
    ada, seen = enter("Ada"), []
    while pair := pair_of(ada):
        seen.append(pair["id"])
        assert ada.post("/arena/votes", json=ballot(pair, ("left", "tie", "skip")[len(seen) % 3])).status_code == 200
    assert len(seen) == len(set(seen)) == 4
    assert ada.get("/arena/next").json()["done"] == 4


def test_the_next_pair_is_another_than_those_held(enter: Enter) -> None:
    ada = enter("Ada")
    first = pair_of(ada)
    second = pair_of(ada, held=first["id"])
    assert second["id"] != first["id"] and pair_of(ada)["id"] == first["id"]


def test_a_double_click_is_one_vote(arena: Arena, enter: Enter) -> None:
    ada = enter("Ada")
    body = ballot(pair_of(ada))
    numbers = [ada.post("/arena/votes", json=body).json()["number"] for _ in range(2)]
    assert numbers == [1, 1] and len(arena.store.revisions()) == 1
    other = ada.post("/arena/votes", json=body | {"said": "right"})
    assert other.status_code == 409 and "another content" in other.json()["error"]["message"]


def test_a_reload_in_the_middle(arena: Arena, enter: Enter) -> None:
    """The vote was stored and its answer lost: after the reload it is sent again, and the next pair comes."""
    ada = enter("Ada")
    first = pair_of(ada)
    body = ballot(first)
    ada.post("/arena/votes", json=body)
    reloaded = enter("Ada")
    state = reloaded.get("/arena/next").json()
    assert state["last"]["id"] == body["id"] and state["pair"]["id"] != first["id"]
    assert reloaded.post("/arena/votes", json=body).json()["number"] == 1
    assert len(arena.store.present()) == 1


def test_two_tabs_of_one_rater(arena: Arena, enter: Enter) -> None:
    tab, other = enter("Ada"), enter("Ada")
    pair = pair_of(tab)
    assert pair_of(other) == pair
    assert tab.post("/arena/votes", json=ballot(pair, "left")).status_code == 200
    late = other.post("/arena/votes", json=ballot(pair, "right"))
    assert late.status_code == 409 and "came first" in late.json()["error"]["message"]
    assert [vote.said for vote in arena.store.present()] == ["left"]


def test_a_closed_laptop(arena: Arena, enter: Enter) -> None:
    """An hour later the vote arrives, with the old clock, after those of others."""
    ada, bo = enter("Ada"), enter("Bo")
    body = ballot(pair_of(ada), clicked=1_000)
    while pair := pair_of(bo):
        bo.post("/arena/votes", json=ballot(pair, clicked=3_601_000))
    assert ada.post("/arena/votes", json=body).json()["done"] == 1
    assert len(arena.store.present()) == 5


def test_an_undone_pair_is_shown_again(arena: Arena, enter: Enter) -> None:
    ada = enter("Ada")
    pair = pair_of(ada)
    body = ballot(pair)
    last = ada.post("/arena/votes", json=body).json()["last"]
    assert last == {"id": body["id"], "pair": pair["id"], "swapped": pair["swapped"]}
    undo = ballot(pair, "undo", follows=last["id"])
    state = ada.post("/arena/votes", json=undo).json()
    assert (state["last"], state["done"]) == (None, 0) and arena.store.present() == []
    again = pair_of(ada, again=pair["id"])
    assert again["id"] == pair["id"] and again["follows"] == undo["id"]
    assert ada.post("/arena/votes", json=ballot(again, "tie")).status_code == 200
    assert [vote.said for vote in arena.store.present()] == ["tie"]


@pytest.mark.parametrize("wrong", [
    {"id": "1"}, {"said": "better"}, {"swapped": 2}, {"clicked": 2**60}, {"pair": "x"}, {"follows": "x"}, {"rater": 2},
])  # fmt: skip
def test_a_body_that_is_no_vote_is_refused(arena: Arena, enter: Enter, wrong: dict[str, Any]) -> None:
    """Nobody votes for another: the rater is that of the cookie."""
    ada = enter("Ada")
    answer = ada.post("/arena/votes", json=ballot(pair_of(ada)) | wrong)
    assert answer.status_code == 400 and arena.store.revisions() == []


def test_a_disk_that_is_full_is_said_and_nothing_is_acknowledged(arena: Arena, enter: Enter) -> None:
    ada, status = enter("Ada"), 200
    arena.store.rows(f"PRAGMA max_page_count = {arena.store.rows('PRAGMA page_count')[0][0]}")
    acknowledged = []
    pair = pair_of(ada)
    while status == 200:
        body = ballot(pair, "undo" if len(acknowledged) % 2 else "left", follows=(acknowledged or [""])[-1])
        answer = ada.post("/arena/votes", json=body)
        if (status := answer.status_code) == 200:
            acknowledged.append(body["id"])
    assert status == 503 and "Nothing was stored" in answer.json()["error"]["message"]
    with open_votes(arena.store.path) as store:
        assert [vote.id for vote in store.revisions()] == acknowledged
