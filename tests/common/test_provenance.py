"""Which code made a result."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from vqinsight.common import provenance
from vqinsight.common.provenance import commit


def test_the_commit_says_whether_the_code_was_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def git(*arguments: str) -> None:
        names = ("-c", "user.name=a", "-c", "user.email=a@b")
        subprocess.run(["git", "-C", str(tmp_path), *names, *arguments], check=True, capture_output=True)

    code = tmp_path / "src" / "vqinsight" / "__init__.py"
    for file in (code, tmp_path / "results" / "a.json"):
        file.parent.mkdir(parents=True)
        file.write_text("1")
    monkeypatch.setattr(provenance, "_PACKAGE", code.parent)
    git("init", "-q")
    assert commit() is None  # a package inside somebody else's checkout
    git("add", ".")
    git("commit", "-qm", "first")
    clean = commit()
    assert clean and not clean.endswith("-dirty")
    (tmp_path / "results" / "a.json").write_text("2")
    assert commit() == clean
    code.write_text("2")
    assert commit() == f"{clean}-dirty"
