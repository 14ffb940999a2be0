"""An append-only file of JSON lines: an interrupted run continues after the last complete line."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vqinsight.common.files import write_atomic
from vqinsight.errors import UsageError


class Journal:
    """Rows that are written one by one, each with an ``id``; the settings are stored beside the file.

    Args:
        path: ends in ``.jsonl``; existing rows are kept, an incomplete last line is dropped.
        settings: everything the rows depend on, ready for JSON; rows of other settings are never mixed with these.

    Raises:
        UsageError: the file belongs to other settings, or is not of this class.
    """

    def __init__(self, path: Path, settings: Mapping[str, Any]) -> None:
        self.path = path
        self._note = note = path.with_suffix(".settings.json")
        given = json.loads(json.dumps(settings))
        if note.is_file() and path.exists():
            before = json.loads(note.read_text(encoding="utf-8"))
            changed = [key for key in {**before, **given} if before.get(key) != given.get(key)]
            if changed:
                raise UsageError(
                    f"{path} was begun with other settings ({', '.join(changed)}; see {note}). Rows of two kinds are "
                    "not mixed: choose another place, or remove both files."
                )
        elif path.exists():
            raise UsageError(f"{path} is there already and was not made by this run. Choose another place.")
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_atomic(note, json.dumps(given, indent=2) + "\n")
        self.rows: dict[str, dict[str, Any]] = {row["id"]: row for row in _whole_lines(path)}

    def add(self, row: dict[str, Any]) -> None:
        """Append one row, which a kill of the process does not undo.

        Raises:
            OSError: it cannot be written.
        """
        # An undecodable byte of a file name is a lone surrogate; json.loads takes it from bytes.
        with self.path.open("a", encoding="utf-8", errors="surrogatepass", newline="\n") as file:
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
        self.rows[row["id"]] = row

    def remove(self) -> None:
        """Remove the file and its settings."""
        self.path.unlink(missing_ok=True)
        self._note.unlink(missing_ok=True)


def _whole_lines(path: Path) -> list[dict[str, Any]]:
    if not path.is_file():
        return []
    content = path.read_bytes()
    whole = content.rfind(b"\n") + 1
    if whole < len(content):
        os.truncate(path, whole)
    return [json.loads(line) for line in content[:whole].splitlines()]
