"""Files that are there whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path


def write_whole(file: Path, text: str) -> None:
    """Write ``text`` (UTF-8) so that ``file`` is never seen half written, whenever the process is killed.

    Raises:
        OSError: it cannot be written; what was there before stays.
    """
    part = file.with_name(f".{file.name}.{os.getpid()}.part")
    part.write_text(text, encoding="utf-8")
    part.replace(file)
