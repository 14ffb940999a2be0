"""The documents hold together: links, anchors, figures, file names, length, and the words of today."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from helpers.pages import DOCS, PAGES, ROOT, inline_code

from tools import fill_figures, run_readme

SOURCE = ROOT / "src" / "vqinsight"
README = ROOT / "README.md"
LINKED = (*PAGES, ROOT / "CHANGELOG.md", *sorted((ROOT / "dev").rglob("*.md")))
# Names that the code does not know.
OLD = (
    r"\bworld:|\bthe (embedded )?world\b|stage\d_(nano|3b|7b)|configs/stage|vqinsight [^\n]*--prompts\b|--at-once"
    r"|grpo\.answers|\bteach\.|\btake\.|model\.tower|looked at once|by lot|sits a benchmark|terse line|\beyes\b"
    r"|benchmarks/\w+\.py|assessor/nano|generator/nano|stages/|baselines\.opening|docs/(data|training|alignment)\.md"
)


def anchors(document: Path) -> set[str]:
    """What GitHub and mkdocs call a document's headings: lower case, no punctuation, hyphens for spaces."""
    titles = re.findall(r"^#+ (.+)$", document.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-") for title in titles}


@pytest.mark.parametrize("document", LINKED, ids=lambda page: page.stem)
def test_links_lead_somewhere(document: Path) -> None:
    broken = []
    for link in re.findall(r"\]\(([^)\s]+)\)", document.read_text(encoding="utf-8")):
        path, _, anchor = link.partition("#")
        target = document.parent / path if path else document
        if link.startswith("http"):
            continue
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(link)
    assert not broken


def test_the_site_shows_every_page() -> None:
    listed = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    assert [page for page in DOCS.rglob("*.md") if f"- {page.relative_to(DOCS)}\n" not in listed] == []


def test_pages_print_what_results_hold() -> None:
    """And nothing is kept that no page prints."""
    assert fill_figures.stale(write=False) == [], "run python -m tools.fill_figures"
    text = "".join(page.read_text(encoding="utf-8") for page in fill_figures.pages())
    shown = {name for name in fill_figures.PIECES if f"<!-- {name} -->" in text}
    assert shown == set(fill_figures.PIECES)
    printed = {source for _, sources in fill_figures.PIECES.values() for source in sources}
    assert {file.stem for file in (ROOT / "results").iterdir()} == printed


def test_a_changed_figure_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = tmp_path / "page.md"
    text = (DOCS / "results.md").read_text(encoding="utf-8")
    assert "0.62 GB" in text
    page.write_text(text.replace("0.62 GB", "0.63 GB"), encoding="utf-8")
    monkeypatch.setattr(fill_figures, "pages", lambda: [page])
    assert fill_figures.stale(write=False) == [page]
    assert fill_figures.stale(write=True) == [page] and page.read_text(encoding="utf-8") == text


@pytest.mark.slow
def test_the_readme_prints_what_its_commands_print() -> None:
    shown = list(run_readme.SHOWN.finditer(README.read_text(encoding="utf-8")))
    assert shown
    for found in shown:
        printed = run_readme.printed(found["command"])
        assert printed == found["output"].rstrip("\n"), "run python -m tools.run_readme"


def test_the_readme_is_short_and_maps_every_folder() -> None:
    text = README.read_text(encoding="utf-8")
    assert len(text.splitlines()) < 150
    folders = [place.name for place in SOURCE.iterdir() if place.is_dir() and not place.name.startswith("__")]
    assert [name for name in folders if not re.search(rf"^  {name}/ +\w", text, re.MULTILINE)] == []
    assert all(command in text for command in ("make demo", "make test", "git clone --depth 1"))


def test_the_documents_are_short() -> None:
    assert sum(len(page.read_text(encoding="utf-8").split()) for page in DOCS.rglob("*.md")) <= 12_000


@pytest.mark.parametrize("page", (*PAGES, ROOT / "CHANGELOG.md"), ids=lambda page: page.stem)
def test_old_names_are_gone(page: Path) -> None:
    assert [found[0] for found in re.finditer(OLD, page.read_text(encoding="utf-8"))] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_files_that_are_named_exist(page: Path) -> None:
    """A path is one of the repository, of the package, or, after a path in the same line, of its folder."""
    folders = [ROOT, SOURCE, *(place for place in SOURCE.rglob("*") if place.is_dir())]
    folders += [place for place in (ROOT / "tests").rglob("*") if place.is_dir()]
    named = [code for code in inline_code(page) if re.fullmatch(r"[\w./]+\.py", code) and "NAME" not in code]
    assert [name for name in named if not any((folder / name).is_file() for folder in folders)] == []


def test_pages_that_the_code_names_exist() -> None:
    """Messages, comments, configurations and model cards send readers to pages that are there."""
    files = [file for file in SOURCE.rglob("*") if file.suffix in (".py", ".toml", ".md", ".html")]
    named = {name for file in files for name in re.findall(r"\b(?:docs|dev)/[\w/.-]+\.md", file.read_text("utf-8"))}
    assert named and [name for name in sorted(named) if not (ROOT / name).is_file()] == []


def test_version_and_address_are_the_same_everywhere() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    cited = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert f"version: {project['version']}\n" in cited
    assert f"## {project['version']} " in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    address = project["urls"]["Homepage"]
    for text in (cited, (ROOT / "mkdocs.yml").read_text(encoding="utf-8"), README.read_text(encoding="utf-8")):
        assert address in text


def test_every_setting_is_in_the_reference() -> None:
    pytest.importorskip("griffe", reason="the reference is made where the extra docs is installed: make docs")
    from tools import reference_pages

    page = reference_pages.configuration()
    for key in ("group_size", "updates_per_rollout", "l_max", "pairs_per_prompt", "self_similarity", "reuse"):
        assert re.search(rf"^\| `{key}` \| \S", page, re.MULTILINE), key
    assert "| `alpha` | number | `0.3` | of Eq. 4. |" in page and "| `mu` | number | `0.8` | of Eq. 4. |" in page
