"""The pages with nano: look, compare, rank and export, as their requests go."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from web.conftest import EXAMPLES, Start, finished, listed, send

from vqinsight.inference.api import VQInsight


def asked(web: Any, page: str, *names: str, once: str, **more: Any) -> str:
    """The address of the work that a page begins."""
    ids = listed(web)
    response = web.post(f"/{page}", json={"clips": [ids.get(name, name) for name in names], "once": once, **more})
    assert response.status_code == 200, response.text
    return response.json()["url"]


def test_a_look_says_what_score_says(web: Any, nano: VQInsight) -> None:
    url = asked(web, "look", "circles.mp4", once="look-0001", prompt="two red circles moving left")
    assert finished(web, url) == "done"
    [looked] = web.web.sessions.find(web.cookies["vqinsight-8080"]).jobs[url[6:]].result
    there = nano.score(str(EXAMPLES / "circles.mp4"), "two red circles moving left")
    assert (looked.score.scores, looked.score.reasoning) == (there.scores, there.reasoning)
    assert looked.score.path == "circles.mp4", "no folders of this machine"
    page = web.get(url).text
    assert str(EXAMPLES) not in page
    for text in ("Measured on every frame", "data-seek=", "data:image/jpeg", there.reasoning.splitlines()[0][:20]):
        assert text in page, text


def test_a_damaged_clip_is_named_and_the_others_are_scored(web: Any) -> None:
    bad = send(web, "bad.mp4", b"no video at all").json()["id"]
    url = asked(web, "look", bad, "circles.mp4", once="look-0002")
    assert finished(web, url) == "done"
    page = web.get(url).text
    assert "1 without a result" in page and "<b>bad.mp4</b>" in page and "75" not in page[:50]
    assert page.count('class="player"') == 1


def test_a_comparison_shows_both_orders(web: Any, nano: VQInsight) -> None:
    url = asked(web, "compare", "cat.mp4", "cat_compressed.mp4", once="compare-1")
    assert finished(web, url) == "done"
    there = nano.compare(str(EXAMPLES / "cat.mp4"), str(EXAMPLES / "cat_compressed.mp4"))
    page = web.get(url).text
    assert f"{there.verdict} is better" in page and "Shown B then A" in page and "Order bias" in page
    assert page.index("cat.mp4</figcaption>") < page.index("cat_compressed.mp4</figcaption>")
    for wrong in (["cat.mp4"], ["cat.mp4", "cat.mp4"], ["cat.mp4", "circles.mp4", "cat_compressed.mp4"]):
        ids = listed(web)
        refused = web.post("/compare", json={"clips": [ids[name] for name in wrong], "once": "compare-2"})
        assert refused.status_code == 400 and "two different clips" in refused.text


@pytest.fixture
def candidates(tmp_path: Path) -> Path:
    """Two prompts; one of them has a clip that cannot be read."""
    for prompt, names in (("a_cat", ("cat", "cat_compressed")), ("shapes", ("circles", "squares_blurred"))):
        (tmp_path / prompt).mkdir()
        for name in names:
            shutil.copy(EXAMPLES / f"{name}.mp4", tmp_path / prompt)
    (tmp_path / "shapes" / "torn.mp4").write_bytes(b"torn")
    return tmp_path


def test_folders_are_ranked_and_exported_as_pairs_does(start: Start, candidates: Path, nano: VQInsight) -> None:
    from vqinsight.ranking.candidate_folders import read_candidates
    from vqinsight.ranking.pairs_file import judge_all

    with start(folder=candidates) as web:
        url = asked(web, "rank", "group:a_cat", "group:shapes", once="rank-0001")
        assert finished(web, url) == "done"
        page = web.get(url).text
        for text in ("a cat", "Who beats whom", "Pairs asked in both orders: 1", "shapes/torn.mp4"):
            assert text in page, text
        exported = web.get(f"{url}/pairs.jsonl")
        rows = [json.loads(line) for line in exported.text.splitlines()]
    judge_all(nano.assessor, read_candidates(candidates), candidates / "pairs.jsonl")
    there = [json.loads(line) for line in (candidates / "pairs.jsonl").read_text().splitlines()]
    there = [row for row in there if "candidates" in row]
    for row, other in zip(rows, there, strict=True):
        for key in other.keys() - {"unreadable"}:
            assert row[key] == other[key], key
        assert row["unreadable"].keys() == other["unreadable"].keys()


def test_one_clip_is_no_ranking(web: Any) -> None:
    refused = web.post("/rank", json={"clips": [listed(web)["cat.mp4"]], "once": "rank-0002"})
    assert refused.status_code == 400 and "2 to 50 clips, not 1" in refused.text


def test_a_prompt_that_is_too_long_is_an_error_of_its_work(web: Any) -> None:
    url = asked(web, "look", "cat.mp4", once="look-0003", prompt="cats and dogs, " * 500)
    assert finished(web, url) == "failed"
    assert "tokens" in web.get(url).text


def test_work_is_cancelled_and_the_next_goes_on(web: Any) -> None:
    url = asked(web, "rank", *sorted(listed(web))[:5], once="cancel-01")
    assert web.post(f"{url}/cancel", json={}).json()["state"] == "cancelled"
    assert "Nothing more of it is done" in web.get(url).text
    following = asked(web, "look", "cat.mp4", once="cancel-02")
    assert finished(web, following) == "done"
    assert web.get(f"{url}/state").json()["state"] == "cancelled"
    assert web.get(f"{url}/pairs.jsonl").status_code == 400


def test_a_server_that_dies_is_named_and_nothing_hangs(start: Start) -> None:
    pytest.importorskip("openai", reason="the extra endpoint is not installed")
    from helpers import endpoint
    from web.conftest import pages

    from vqinsight.inference.endpoint.judge import connect

    with endpoint.serving() as server:
        judge = connect(server.url, deadline=2.0, frames=4)
        with pages(lambda: judge) as web:
            url = asked(web, "look", "cat.mp4", once="server-01")
            assert finished(web, url) == "done" and "50.0" in web.get(url).text
            server.script.extend([endpoint.drops] * 1000)
            url = asked(web, "look", "cat.mp4", once="server-02")
            assert finished(web, url) == "done"
            assert "no answer from the server" in web.get(url).text
            url = asked(web, "compare", "cat.mp4", "circles.mp4", once="server-03")
            assert finished(web, url) == "done"
            assert "no answer from the server" in web.get(url).text


def test_pages_answer_while_the_model_is_loaded(nano: VQInsight) -> None:
    import threading

    from fastapi.testclient import TestClient
    from web.conftest import Here

    from vqinsight.web.app import create_app

    loaded = threading.Event()

    def load() -> VQInsight:
        loaded.wait(30)
        return nano

    with TestClient(create_app(load, model="nano", decoder=Here), base_url="http://localhost") as client:
        assert "is being loaded" in client.get("/").text
        refused = client.post("/look", json={"clips": [], "once": "look-0004"})
        assert refused.status_code == 503 and "being loaded" in refused.text
        loaded.set()
