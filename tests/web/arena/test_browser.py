"""The arena in a real browser: a rater votes with keys; what reloads, second tabs and lost connections do to votes."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from vqinsight.web.arena.raters import add_rater

if TYPE_CHECKING:
    from vqinsight.web.arena.pages import Arena

CHROMIUM = Path("/usr/bin/chromium")
pytestmark = pytest.mark.full


@pytest.fixture
def link(arena: Arena) -> Iterator[str]:
    """Ada's link to a server of the arena."""
    import uvicorn

    from vqinsight.serving.run import configured
    from vqinsight.web.arena.site import LIMITS, create_arena_app

    server = uvicorn.Server(configured(create_arena_app(arena), LIMITS))
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}/arena#token={add_rater(arena.store, 'Ada')}"
        finally:
            server.should_exit = True
            thread.join(60)


@pytest.fixture
def context() -> Iterator[Any]:
    """A browser with nothing stored."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if not CHROMIUM.exists():
        pytest.skip("there is no /usr/bin/chromium")
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        yield browser.new_context(viewport={"width": 1200, "height": 800})
        browser.close()


def ready(page: Any) -> None:
    """Wait until a vote is taken: both clips are loaded and have been there for a moment."""
    until(lambda: page.evaluate("canVote('left')"), page)


def until(fits: Callable[[], Any], page: Any) -> None:
    """Wait for it; the page's own policy keeps Playwright from waiting in the page."""
    for _ in range(400):
        if fits():
            return
        page.wait_for_timeout(50)
    raise AssertionError(fits)


def test_a_rater_votes_with_keys(arena: Arena, link: str, context: Any) -> None:
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(link)
    ready(page)
    assert "token" not in page.url and page.inner_text("#who") == "Ada" and "0 of 4" in page.inner_text("#count")
    boxes = [page.locator(f"#{side}").bounding_box() for side in ("left", "right")]
    assert (boxes[0]["width"], boxes[0]["height"]) == (boxes[1]["width"], boxes[1]["height"])
    for number, key in enumerate(("ArrowLeft", "t", "ArrowRight", "b"), 1):
        ready(page)
        page.keyboard.press(key)
        until(lambda: len(arena.store.present()) == number, page)  # noqa: B023 - called at once
    page.wait_for_selector("text=No pair is left")
    assert [vote.said for vote in arena.store.present()] == ["left", "tie", "right", "both_bad"]
    page.keyboard.press("u")
    ready(page)
    page.keyboard.press("s")
    until(lambda: [vote.said for vote in arena.store.present()][-1:] == ["skip"], page)
    assert len(arena.store.present()) == 4 and len(arena.store.revisions()) == 6 and errors == []


def test_both_play_together(link: str, context: Any) -> None:
    page = context.new_page()
    page.goto(link)
    ready(page)
    until(lambda: page.evaluate("current.videos.every((video) => video.ended)"), page)
    durations = page.evaluate("current.videos.map((video) => video.duration)")
    assert page.evaluate("current.videos.map((video) => video.currentTime)") == pytest.approx(durations, abs=0.05)
    page.keyboard.press("Space")
    until(lambda: page.evaluate("current.videos.every((video) => !video.ended && video.currentTime > 0)"), page)


def test_a_double_click_is_one_vote(arena: Arena, link: str, context: Any) -> None:
    page = context.new_page()
    page.goto(link)
    ready(page)
    page.dblclick("[data-said=left]")
    ready(page)
    assert len(arena.store.revisions()) == 1 and "1 of 4" in page.inner_text("#count")


def test_votes_wait_for_the_server_through_a_reload(arena: Arena, link: str, context: Any) -> None:
    page = context.new_page()
    page.goto(link)
    ready(page)
    context.route("**/arena/votes", lambda route: route.abort())
    page.keyboard.press("ArrowLeft")
    page.wait_for_selector("text=1 vote waits in this browser")
    page.reload()
    page.wait_for_selector("text=1 vote waits in this browser")
    assert arena.store.revisions() == []
    context.unroute("**/arena/votes")
    until(lambda: len(arena.store.revisions()) == 1, page)
    until(lambda: page.evaluate("!document.querySelector('#waits').textContent"), page)
    page.reload()
    ready(page)
    assert len(arena.store.revisions()) == 1


def test_an_answer_that_is_lost(arena: Arena, link: str, context: Any) -> None:
    """The server stores the vote, the connection breaks, and it is sent again."""
    page = context.new_page()
    page.goto(link)
    ready(page)

    def lose(route: Any) -> None:
        route.fetch()
        route.abort()

    context.route("**/arena/votes", lose, times=1)
    page.keyboard.press("ArrowRight")
    until(lambda: len(arena.store.revisions()) == 1, page)
    until(lambda: page.evaluate("waiting().length === 0"), page)
    assert [vote.said for vote in arena.store.revisions()] == ["right"]


def test_two_tabs_do_not_vote_twice(arena: Arena, link: str, context: Any) -> None:
    first, second = context.new_page(), context.new_page()
    for page in (first, second):
        page.goto(link)
        ready(page)
    assert first.evaluate("current.pair.id") == second.evaluate("current.pair.id")
    first.keyboard.press("ArrowLeft")
    until(lambda: len(arena.store.revisions()) == 1, first)
    second.bring_to_front()
    second.keyboard.press("ArrowRight")
    second.wait_for_selector("text=Another vote of yours on this pair came first")
    assert [vote.said for vote in arena.store.present()] == ["left"]
