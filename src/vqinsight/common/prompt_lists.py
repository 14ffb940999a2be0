"""Lists of prompts: text files with one prompt per line."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from vqinsight.errors import UsageError

_LONGEST_NAME = 255  # bytes of a file name
# One word with a suffix or that begins as a path does; or several that end in the suffix of a text file.
_FILE_NAME = re.compile(r"(~|\.{0,2}/)\S*|\S*\w\.[A-Za-z]\w{1,4}|.*\w\.(txt|csv|tsv|jsonl?|md)", re.IGNORECASE)


def read_prompt_file(file: Path) -> list[str]:
    """Each distinct prompt of a text file once, in its order; empty lines and a byte order mark are fine.

    Raises:
        UsageError: the file cannot be read, or holds no prompt.
    """
    try:
        lines = file.read_text(encoding="utf-8-sig").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{file}: cannot be read as text ({error}). Give a file with one prompt a line.") from error
    found = _distinct(lines)
    if not found:
        raise UsageError(f"{file}: there is no prompt in it. Write one prompt a line.")
    return found


def gather_prompts(given: Sequence[str]) -> list[str]:
    """Each distinct prompt once: a text itself, or the lines of a text file.

    Raises:
        UsageError: a file does not exist or cannot be read, or there is no prompt.
    """
    texts: list[str] = []
    for each in given:
        if len(each.encode("utf-8", "surrogateescape")) <= _LONGEST_NAME and Path(each).is_file():
            texts += read_prompt_file(Path(each))
        elif _FILE_NAME.fullmatch(each.strip()):
            raise UsageError(f"{each}: there is no such file. Check the path; a prompt is a text in words.")
        else:
            texts.append(each)
    found = _distinct(texts)
    if not found:
        raise UsageError("There is no prompt. Give a text, or a file with one prompt a line.")
    return found


def _distinct(lines: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(line.strip() for line in lines if line.strip()))
