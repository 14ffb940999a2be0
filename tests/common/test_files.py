"""A file is there whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from vqinsight.common.files import atomic_path, write_atomic


def test_what_was_there_stays_until_all_of_the_new_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "note.json"
    write_atomic(file, "old")

    def killed(part: Path, text: str, encoding: str) -> None:
        part.write_bytes(text[:1].encode(encoding))
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(Path, "write_text", killed)
        write_atomic(file, "new")
    assert file.read_text() == "old"
    write_atomic(file, "new")
    assert file.read_text() == "new"
    assert list(tmp_path.iterdir()) == [file]


def test_a_folder_is_there_whole_or_not_at_all(tmp_path: Path) -> None:
    place = tmp_path / "checkpoint"
    for content in ("old", "new"):
        with atomic_path(place) as part:
            part.mkdir()
            (part / f"{content}.txt").write_text(content)
    assert [file.name for file in place.iterdir()] == ["new.txt"]
    with pytest.raises(KeyboardInterrupt), atomic_path(place) as part:
        part.mkdir()
        (part / "half.txt").touch()
        raise KeyboardInterrupt
    assert [file.name for file in place.iterdir()] == ["new.txt"]
    assert list(tmp_path.iterdir()) == [place]
