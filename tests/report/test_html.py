"""The report: well-formed, self-contained, safe with hostile text, and complete."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from helpers import records

from vqinsight.errors import UsageError
from vqinsight.report import html, plot
from vqinsight.report.html import render, write_report

VOID = {"meta", "img", "br", "wbr", "link", "input", "hr"}
HOSTILE = "\"><script>alert(1)</script><img src=x onerror=alert(2)>{{ 7 * 7 }}&amp;\x1b[0m\udcff\u202e'"


class Page(HTMLParser):
    """Checks that tags nest, and collects what a test asks about."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def everything() -> list[Any]:
    return [
        records.score("a.mp4", (62.0, 71.0, 80.0), prompt="a dog", spread=4.0, seen=records.clip_input(("odd",), 3)),
        records.score("b.jpg", (3.5,), dimensions=(records.IMAGE,)),
        records.unreadable("bad.mp4"),
        records.missing("mute.mp4"),
        records.verdict("a.mp4"),
        records.verdict("c.mp4", None),
        records.comparison("a.mp4", "b.mp4", previews=2),
        records.comparison("a.mp4", "c.mp4", None),
        records.ranking(["x.mp4", "y.mp4", "z.mp4"], ["bad.mp4"], previews=1),
    ]


def test_everything_is_on_the_page() -> None:
    page = Page(render(everything(), None, "vqinsight score 'a b.mp4'"))
    text = " ".join(page.text.split())
    for expected in (
        "vqinsight score 'a b.mp4'", "0123456789ab", "Higher is better", "62.0 ± 4.0", "3.50", "1–5", "a dog",
        "slight blocking", "14 of 240 frames", "odd", "All 5 answers", "the file is empty (0 bytes). Copy or download",
        "the model gave no usable answer", "Is the motion reasonable?", "1 yes, 0 no, 1 without an answer",
        "A is better: the verdict survives the swap.", "Answer as given: B, that is clip A", "Order bias",
        "No verdict", "Who beats whom", "Clips encoded: 3.", "no such file. Check the path.",
    ):  # fmt: skip
        assert expected in text
    assert len(page.all("img")) == 3 + 2 * 2 + 3


def test_links_lead_somewhere_and_pictures_are_described() -> None:
    page = Page(render(everything(), None, None))
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    targets = {str(attributes["href"]) for attributes in page.all("a")}
    assert targets and all(target[0] == "#" and target[1:] in ids for target in targets)
    assert all(attributes["alt"] for attributes in page.all("img"))
    assert all("aria-label" in attributes or "aria-hidden" in attributes for attributes in page.all("svg"))
    assert page.all("html")[0]["lang"] == "en"


def test_nothing_is_loaded_from_anywhere() -> None:
    text = render(everything(), None, None)
    page = Page(text)
    assert not re.search(r"https?://|@import|url\(", text)
    assert {"script", "link", "iframe", "object"}.isdisjoint(tag for tag, _ in page.tags)
    assert all(str(attributes["src"]).startswith("data:image/jpeg;base64,") for attributes in page.all("img"))
    assert not any(name.startswith("on") for _, attributes in page.tags for name in attributes)


def test_hostile_text_stays_text() -> None:
    scored = replace(
        records.score(
            HOSTILE, (62.0, 71.0), prompt=HOSTILE, spread=1.0, why=HOSTILE, seen=records.clip_input((HOSTILE,), 1)
        ),
        provenance=replace(records.provenance(), model=HOSTILE),
    )
    unreadable_standing = replace(records.unreadable("x"), path=HOSTILE, error=HOSTILE)
    results = [
        scored,
        unreadable_standing,
        records.verdict(HOSTILE, question=HOSTILE),
        records.comparison(HOSTILE, "b"),
    ]
    text = render([*results, records.ranking([HOSTILE, "b", "c"])], HOSTILE, HOSTILE)
    page = Page(text)
    assert "script" not in {tag for tag, _ in page.tags}
    assert not any(name.startswith("on") for _, attributes in page.tags for name in attributes)
    assert "<script>alert(1)</script>" in page.text and "{{ 7 * 7 }}" in page.text
    assert not re.search("[\x1b\udcff\u202e]", text)


@pytest.mark.parametrize("count", [1, 2, 30, 200])
def test_any_number_of_clips_has_a_plot(count: int) -> None:
    scores = [records.score(f"{i}.mp4", (i * 37 % 101, 50.0, 99.0 + i % 2)) for i in range(count)]
    for strip in plot.strips(scores):
        assert len(strip.marks) == count
        assert all(0 <= mark.x <= 100 and strip.radius <= mark.y <= strip.height - strip.radius for mark in strip.marks)
        assert strip.height < 220
    assert plot.strips(scores)[0].numbered == (count <= 30)
    page = Page(render(scores, None, None))
    assert len(page.all("article")) == count


def test_marks_do_not_overlap_while_there_is_room() -> None:
    strip = plot.strips([records.score(f"{i}.mp4", (40 + i,)) for i in range(20)])[0]
    spots = [(mark.x * 5.6, mark.y) for mark in strip.marks]
    distances = [abs(x - u) + abs(y - v) for i, (x, y) in enumerate(spots) for u, v in spots[:i]]
    assert min(distances) >= 2 * strip.radius


def test_one_name_on_two_scales_is_two_plots() -> None:
    strips = plot.strips([records.score("a.mp4"), records.score("b.jpg", (3.0,), dimensions=(records.IMAGE,))])
    assert [(strip.name, strip.range) for strip in strips] == [
        ("quality", "0–100"),
        ("quality", "1–5"),
        ("overall", "0–100"),
    ]
    assert strips[1].marks[0].x == 50.0 and strips[2].marks[1].x == 50.0


def test_a_spread_reaches_to_both_sides_and_not_beyond_the_scale() -> None:
    mark = plot.strips([records.score("a.mp4", (98.0,), spread=5.0)])[0].marks[0]
    assert (mark.low, mark.x, mark.high) == (93.0, 98.0, 100.0)


def test_the_matrix_says_who_beats_whom() -> None:
    ranking = replace(
        records.ranking(["a", "b", "c"]),
        comparisons=(
            records.comparison("a", "b"),
            records.comparison("a", "c", "A", "A"),
            records.comparison("b", "c", None),
        ),
    )
    assert plot.win_matrix(ranking) == [
        ["self", "wins", "ties"],
        ["loses", "self", "missing"],
        ["ties", "missing", "self"],
    ]


def test_titles_say_what_it_is_about() -> None:
    def title(*results: Any) -> str | None:
        found = re.search("<h1>(.*)</h1>", render(results, None, None))
        return found[1] if found else None

    assert title(records.score("x/a.mp4")) == "Quality of a.mp4"
    assert title(records.score("a"), records.score("b")) == "Quality of 2 clips"
    assert title(records.comparison("x/a.mp4", "b.mp4")) == "a.mp4 against b.mp4"
    assert title(records.ranking(["a", "b"])) == "Ranking of 2 clips"
    assert title(records.verdict("a")) == "Is the motion reasonable?"
    assert title(records.score("a"), records.comparison("a", "b")) == "Quality of clips"


def test_a_page_replaces_the_old_one_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "report.html"
    path.write_text("old", encoding="utf-8")
    monkeypatch.setattr(plot, "strips", lambda _: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        write_report(path, [records.score("a.mp4")])
    assert path.read_text(encoding="utf-8") == "old"
    monkeypatch.undo()
    write_report(path, [records.score("a.mp4")], title="Mine")
    assert "<h1>Mine</h1>" in path.read_text(encoding="utf-8")
    assert [found.name for found in tmp_path.iterdir()] == ["report.html"]
    with pytest.raises(UsageError, match="cannot be written"):
        write_report(tmp_path / "gone" / "r.html", [records.score("a.mp4")])


def test_every_table_scrolls_in_a_box_of_its_own() -> None:
    """A page on a phone is narrower than a table of several dimensions: the page stays, the table scrolls."""
    folder = Path(html.__file__).parent
    assert re.search(r"\.scroll \{\s*overflow-x: auto;", (folder / "style.html").read_text(encoding="utf-8"))
    for name in ("report", "parts", "evaluation", "tables"):
        text = (folder / f"{name}.html").read_text(encoding="utf-8")
        tables = re.findall(r"(.{0,60})<table[ >]", text)
        assert tables and all(before.endswith('<div class="scroll" tabindex="0">') for before in tables), name
