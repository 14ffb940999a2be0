"""Wordings and lists that a system's makers publish, read from the user's clone; none of them is in this repository."""

from __future__ import annotations

import ast
import hashlib
from pathlib import Path

from vqinsight.baselines.foreign.home import commit_warning
from vqinsight.errors import ModelError

TEXT = "{text}"  # stands for the text prompt of a clip


def read_clone(code: str, file: str, repository: str) -> str:
    """The text of a file of a clone.

    Raises:
        ModelError: no such file, or it is no text; names the command that gets it.
    """
    place = Path(code).expanduser() / file
    try:
        return place.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ModelError(
            f"{place}: cannot be read ({error}). Give code=CLONE, from: git clone {repository} CLONE"
        ) from error


def wording(source: str, variable: str, hole: str, file: str) -> str:
    """A text that a Python script assigns to a variable, without running the script.

    Args:
        source: of the script.
        variable: assigned a string, a formatted string, or a call with one string, such as ``Template("…")``.
        hole: what stands for the text prompt: ``{name}`` of a formatted string, or a part of a plain one.
        file: for messages.

    Returns:
        The text with ``{text}`` in the place of the hole.

    Raises:
        ModelError: the script has no such text, or not exactly one hole.
    """
    try:
        tree = ast.parse(source)
    except SyntaxError as error:
        raise ModelError(f"{file} is no Python script ({error.msg}).") from error
    found = [
        text
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id == variable for t in node.targets)
        if (text := _text(node.value)) is not None
    ]
    if len(found) != 1 or found[0].count(hole) != 1:
        raise ModelError(
            f"{file} has no single text {variable} with {hole}: the clone is at a commit with another script."
        )
    return found[0].replace(hole, TEXT)


def digest_of(text: str) -> str:
    """12 hex digits that change with a wording."""
    return hashlib.blake2b(text.encode(), digest_size=6).hexdigest()


def remarks_on(name: str, code: str, commit: str) -> tuple[str, ...]:
    """A warning where a clone is not at the commit that the adapter was written for, else nothing."""
    warning = commit_warning(name, Path(code).expanduser(), commit)
    return (warning,) if warning else ()


def _text(value: ast.expr) -> str | None:
    match value:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=parts):
            return "".join(
                str(part.value) if isinstance(part, ast.Constant) else f"{{{ast.unparse(part.value)}}}"
                for part in parts
                if isinstance(part, ast.Constant | ast.FormattedValue)
            )
        case ast.Call(args=[argument], keywords=[]):
            return _text(argument)
    return None
