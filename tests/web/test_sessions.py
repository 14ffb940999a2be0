"""Users are apart: clips, work and results of one are 404 for another; what they send is bounded and deleted."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from web.conftest import EXAMPLES, Start, finished, listed, other, send

from vqinsight.errors import UsageError
from vqinsight.web.sessions import Bounds, Sessions

CAT = (EXAMPLES / "cat.mp4").read_bytes()


def test_a_clip_and_its_work_are_its_owners_alone(web: Any) -> None:
    key = send(web, "mine.mp4", CAT).json()["id"]
    url = web.post("/look", json={"clips": [key], "once": "owner-001"}).json()["url"]
    assert finished(web, url) == "done"
    mine = [f"/media/{key}", f"/media/{key}/about", url, f"{url}/state"]
    assert [web.get(each).status_code for each in mine] == [200] * 4
    with other(web) as stranger:
        assert "mine.mp4" not in listed(stranger)
        for each in mine:
            answer = stranger.get(each)
            assert answer.status_code == 404 and b"ftyp" not in answer.content, each
        assert stranger.post(f"{url}/cancel", json={}).status_code == 404
        assert stranger.post(f"/clips/{key}/delete", json={}).status_code == 404
        assert stranger.post("/look", json={"clips": [key], "once": "owner-001"}).status_code == 404
    assert "mine.mp4" in listed(web), "still there"


def test_without_a_session_nothing_is_taken_or_shown(web: Any) -> None:
    with other(web) as stranger:
        stranger.cookies.clear()
        for url in ("/clips", "/media/x", "/jobs/x"):
            assert stranger.get(url).status_code == 403, url
        assert send(stranger, "a.mp4", CAT).status_code == 403
        stranger.cookies.set("vqinsight-8080", "guessed")
        assert stranger.get("/clips").status_code == 403


def test_the_cookie(web: Any) -> None:
    with other(web) as stranger:
        stranger.cookies.clear()
        said = stranger.get("/compare").headers["set-cookie"]
        assert re.fullmatch(r"vqinsight-8080=[\w-]{43}; Path=/; HttpOnly; SameSite=Strict", said)
        assert "set-cookie" not in stranger.get("/").headers, "it is given once"
        stranger.cookies.clear()
        linked = stranger.get("/", headers={"sec-fetch-site": "cross-site"})
        assert "set-cookie" not in linked.headers and "http-equiv" in linked.text, "a link keeps the session there is"


def test_a_clip_is_deleted(web: Any) -> None:
    key = send(web, "brief.mp4", CAT).json()["id"]
    session = web.web.sessions.find(web.cookies["vqinsight-8080"])
    place = session.clips[key].place
    assert place.is_file() and web.post(f"/clips/{key}/delete", json={}).status_code == 200
    assert not place.exists() and "brief.mp4" not in listed(web)
    assert web.get(f"/media/{key}").status_code == 404
    shelf = listed(web)["cat.mp4"]
    assert web.post(f"/clips/{shelf}/delete", json={}).status_code == 400
    assert (EXAMPLES / "cat.mp4").is_file()


def test_a_second_click_and_a_resend_begin_nothing_twice(web: Any) -> None:
    first, second = (send(web, "twice.mp4", CAT, once="click-0001").json()["id"] for _ in range(2))
    assert first == second and sum("twice" in name for name in listed(web)) == 1
    urls = {web.post("/look", json={"clips": [first], "once": "click-0002"}).json()["url"] for _ in range(2)}
    assert len(urls) == 1
    with other(web) as stranger:  # the same name of a request is another's own
        shelf = listed(stranger)["cat.mp4"]
        theirs = stranger.post("/look", json={"clips": [shelf], "once": "click-0002"}).json()["url"]
        assert theirs not in urls and finished(stranger, theirs) == "done"


def test_names_are_plain_and_apart(web: Any) -> None:
    names = [send(web, name, CAT).json()["name"] for name in ("../../etc/a.mp4", "..\\a.mp4", "x\x1b[31m.mp4")]
    assert names[:2] == ["a.mp4", "a (2).mp4"] and "\x1b" not in names[2]
    evil = send(web, "<img src=x onerror=alert(1)>.mp4", CAT).json()["id"]
    assert "<img src=x" not in web.get("/clips").text
    assert web.post(f"/clips/{evil}/delete", json={}).status_code == 200


def test_bounds_are_said_and_hold(start: Start) -> None:
    with start(bounds=Bounds(clips=2, bytes=2 * len(CAT) - 1)) as web:
        assert send(web, "a.mp4", CAT).status_code == 200
        refused = send(web, "b.mp4", CAT)
        assert refused.status_code == 400 and "Delete some" in refused.json()["error"]["message"]
        assert send(web, "c.mp4", b"small").status_code == 200
        assert "2 clips here" in send(web, "d.mp4", b"small").text
        assert send(web, "e.mp4", b"").status_code == 400
        assert len(listed(web).keys() - {path.name for path in EXAMPLES.glob("*.mp4")}) == 2
        root = web.web.sessions.root
        assert len(list(root.rglob("clip"))) == 2
    assert not root.exists(), "nothing stays behind"


def test_sessions_at_rest_end_with_their_clips() -> None:
    at = 0.0
    sessions = Sessions(Bounds(sessions=2, idle=10, all_bytes=100), now=lambda: at)
    token, session = sessions.begin()
    clip = sessions.add(session, "a.mp4", bytes(60))
    _, second = sessions.begin()
    with pytest.raises(UsageError, match="all users"):
        sessions.add(second, "b.mp4", bytes(60))
    at = 9.0
    assert sessions.find(token) is session, "and rests from then on"
    at = 18.0
    sessions.sweep()
    assert sessions.find(token) is session and clip.place.exists()
    sessions.begin()
    sessions.begin()  # the third: the one that rests longest goes
    assert sessions.find(token) is None and not clip.place.exists()
    sessions.close()


def test_the_folder_is_all_that_is_opened(start: Start, tmp_path: Path) -> None:
    outside, inside = tmp_path / "outside", tmp_path / "inside"
    for place in (outside, inside):
        place.mkdir()
        (place / f"{place.name}.mp4").write_bytes(CAT)
    (inside / "link.mp4").symlink_to(outside / "outside.mp4")
    with start(folder=inside) as web:
        found = listed(web)
        assert set(found) == {"inside.mp4"}
        (inside / "inside.mp4").unlink()
        (inside / "inside.mp4").symlink_to(outside / "outside.mp4")  # exchanged after it was listed
        assert web.get(f"/media/{found['inside.mp4']}").status_code == 404
        for path in ("../outside/outside.mp4", "..%2foutside%2foutside.mp4", "%2fetc%2fpasswd"):
            assert web.get(f"/media/{path}").status_code == 404
            assert web.get("/runs", params={"run": path}).status_code == 404
