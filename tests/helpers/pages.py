"""The documents as a reader sees them: their commands, links and names."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(DOCS.rglob("*.md")))
_BLOCK = re.compile(r"(?:^<!-- (?P<mark>[^\n]*?) -->\n)?^```(?P<kind>\w*)\n(?P<text>.*?)^```", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")


@dataclass(frozen=True)
class Command:
    """One command line of a page.

    Attributes:
        page: where it stands.
        text: as it is typed.
        mark: the comment before its block: "parse only: …" for what needs weights, downloads or hours; "exit 1: …"
            where it is to fail; empty where it is to run.
    """

    page: Path
    text: str
    mark: str

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}: {self.text}"

    @property
    def parse_only(self) -> bool:
        return self.mark.startswith("parse only: ")

    @property
    def exit_codes(self) -> set[int]:
        """How it may end."""
        said = re.match(r"exit ([\d or]+):", self.mark)
        return {int(code) for code in said[1].split(" or ")} if said else {0}


def commands(page: Path) -> list[Command]:
    """Every command line in the page's sh and console blocks."""
    found = []
    for block in _BLOCK.finditer(page.read_text(encoding="utf-8")):
        lines = block["text"].replace("\\\n", " ").splitlines()
        if block["kind"] == "console":
            lines = [line.removeprefix("$ ") for line in lines if line.startswith("$ ")]
        elif block["kind"] != "sh":
            continue
        parts = [part.strip() for line in lines for part in line.split("&&")]
        found += [Command(page, part, block["mark"] or "") for part in parts if part]
    return found


def inline_code(page: Path) -> list[str]:
    """What stands between backticks in the page's text, outside its blocks."""
    return _CODE.findall(_BLOCK.sub("", page.read_text(encoding="utf-8")))
