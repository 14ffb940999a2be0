"""The version of the code that computes a result."""

from __future__ import annotations

import subprocess
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parents[1]


def commit() -> str | None:
    """The commit of the running checkout; ``None`` for an installed package.

    With ``-dirty`` if files other than results and documents differ from it.
    """

    def git(*arguments: str) -> str | None:
        try:
            done = subprocess.run(
                ["git", "-C", str(_PACKAGE), *arguments], capture_output=True, text=True, timeout=20, check=False
            )
        except (OSError, subprocess.TimeoutExpired):  # no git
            return None
        return done.stdout.strip() if done.returncode == 0 else None

    if not git("ls-files", "--error-unmatch", "__init__.py"):
        return None
    changed = git("status", "--porcelain", "--untracked-files=no", ":/", ":(top,exclude)results", ":(top,exclude)docs")
    return f"{git('describe', '--always')}{'-dirty' if changed else ''}"
