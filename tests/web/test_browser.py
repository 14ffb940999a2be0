"""The pages in a real browser: each flow by mouse or keyboard, on a desktop, a phone and in the dark."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from web.conftest import EXAMPLES, Here

from vqinsight.inference.api import VQInsight

CHROMIUM = Path("/usr/bin/chromium")
pytestmark = pytest.mark.full
PHONE = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True}


@pytest.fixture(scope="module")
def address(nano: VQInsight) -> Iterator[str]:
    """A server on a free port."""
    pytest.importorskip("fastapi", reason="the extra web is not installed")
    import socket

    import uvicorn

    from vqinsight.serving.run import configured
    from vqinsight.web.app import LIMITS, create_app

    ready = threading.Event()
    app = create_app(lambda: nano, model="nano", folder=EXAMPLES, decoder=Here, on_ready=ready.set)
    server = uvicorn.Server(configured(app, LIMITS))
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        assert ready.wait(60)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        server.should_exit = True
        thread.join(60)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if not CHROMIUM.exists():
        pytest.skip(f"{CHROMIUM} is not installed: apt-get install chromium")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def opened(browser: Any, address: str) -> Callable[..., Any]:
    """Opens a page as a user of its own; an error of a script fails the test."""

    @contextmanager
    def opened(path: str, **options: Any) -> Iterator[Any]:
        context = browser.new_context(**options)
        page, errors = context.new_page(), []
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(address + path)
        if path != "/runs":
            page.wait_for_selector("#clips li")
        yield page
        assert not errors
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "no page scrolls sideways"
        context.close()

    return opened


def choose(page: Any, *names: str) -> None:
    for name in names:
        page.get_by_label(name, exact=True).check()


def until(page: Any, expression: str, within: float = 20) -> None:
    """Wait for a condition; the browser's own way evaluates text in the page, which the policy refuses."""
    end = time.monotonic() + within
    while not page.evaluate(expression):
        assert time.monotonic() < end, expression
        time.sleep(0.02)


def times(page: Any) -> list[float]:
    return page.evaluate("[...document.querySelectorAll('video')].map((video) => video.currentTime)")


@pytest.mark.parametrize("options", [{}, PHONE, {"color_scheme": "dark"}], ids=["desktop", "phone", "dark"])
def test_look_and_seek_to_a_worst_moment(opened: Callable[..., Any], options: dict[str, Any]) -> None:
    with opened("/", **options) as page:
        choose(page, "rocket_jitter.mp4")
        page.get_by_role("button", name="Look").click()
        page.wait_for_selector("[data-seek]", timeout=120_000)
        until(page, "document.querySelector('video').readyState >= 2")
        worst = page.locator("[data-seek]").last
        worst.click()
        until(
            page, f"Math.abs(document.querySelector('video').currentTime - {worst.get_attribute('data-seek')}) < 0.05"
        )
        page.locator(".measure svg").first.click(position={"x": 5, "y": 60})
        until(page, "document.querySelector('video').currentTime < 0.2")


def test_files_are_sent_listed_and_deleted(opened: Callable[..., Any], tmp_path: Path) -> None:
    bad = tmp_path / "torn.mp4"
    bad.write_bytes(b"torn")
    with opened("/") as page:
        page.set_input_files("#files", [str(EXAMPLES / "circles.mp4"), str(bad)])
        page.wait_for_selector("button[data-delete] >> nth=1")
        assert page.locator("input[name=clips]:checked").count() == 2
        page.get_by_role("button", name="Delete torn.mp4").click()
        until(page, "document.querySelectorAll('[data-delete]').length === 1")
        page.get_by_role("button", name="Look").dblclick()
        page.wait_for_selector(".card", timeout=120_000)
        assert page.locator(".card").count() == 1


def test_compare_by_keyboard(opened: Callable[..., Any]) -> None:
    with opened("/compare") as page:
        page.get_by_label("cat_compressed.mp4").focus()
        page.keyboard.press("Space")
        page.get_by_label("cat.mp4", exact=True).focus()
        page.keyboard.press("Space")
        page.get_by_role("button", name="Compare").focus()
        page.keyboard.press("Enter")
        page.wait_for_selector(".verdict", timeout=120_000)
        assert page.locator("figcaption").first.inner_text().split() == ["A", "cat_compressed.mp4"], "chosen first"
        until(page, "[...document.querySelectorAll('video')].every((video) => video.readyState >= 2)")
        page.wait_for_timeout(500)
        for key, at in ((".", 1.5), (".", 2.5), (",", 1.5)):
            page.keyboard.press(key)
            until(page, f"Math.abs(document.querySelector('video').currentTime - {at / 24}) < 0.005")
            assert times(page)[0] == pytest.approx(times(page)[1], abs=0.005)
        page.keyboard.press("]")
        assert page.evaluate("[...document.querySelectorAll('video')].every((video) => video.playbackRate === 2)")
        page.keyboard.press("[")
        page.keyboard.press("Space")
        page.wait_for_timeout(700)
        page.keyboard.press("Space")
        first, second = times(page)
        assert first > 0.2 and abs(first - second) < 0.15
        assert page.get_by_role("button", name="Play").is_visible()


def test_a_reload_in_the_middle_and_a_cancelled_ranking(opened: Callable[..., Any]) -> None:
    with opened("/rank") as page:
        choose(page, *(f"{name}.mp4" for name in ("cat", "cat_compressed", "circles", "squares_blurred")))
        page.get_by_role("button", name="Rank").click()
        page.wait_for_selector(".working")
        page.reload()
        page.wait_for_selector(".places", timeout=120_000)
        assert page.locator(".matrix tbody tr").count() == 4
        with page.expect_download() as download:
            page.get_by_role("link", name="Export pairs").click()
        assert download.value.suggested_filename == "pairs.jsonl"
        page.goto(page.url.partition("/jobs")[0] + "/rank")
        page.wait_for_selector("#clips li")
        choose(page, *(f"{name}.mp4" for name in ("cat", "cat_compressed", "circles", "rocket_jitter")))
        page.get_by_role("button", name="Rank").click()
        page.get_by_role("button", name="Cancel").click()
        page.wait_for_selector("text=Nothing more of it is done")


def test_a_server_that_is_away_is_said(opened: Callable[..., Any]) -> None:
    with opened("/") as page:
        choose(page, "cat.mp4")
        page.context.set_offline(True)
        page.get_by_role("button", name="Look").click()
        page.wait_for_selector("#say:not([hidden])")
        assert "does not answer" in page.locator("#say").inner_text()
        page.context.set_offline(False)
        page.get_by_role("button", name="Look").click()
        page.wait_for_selector(".card", timeout=120_000)


def test_runs_without_any(opened: Callable[..., Any]) -> None:
    with opened("/runs", **PHONE) as page:
        assert "holds no training runs" in page.inner_text("main")
