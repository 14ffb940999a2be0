"""Run every command that the README shows with its output, and update the output.

python -m tools.run_readme
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

README = Path(__file__).resolve().parents[1] / "README.md"
SHOWN = re.compile(r"```console\n\$ (?P<command>vqinsight .*)\n(?P<output>(?:.*\n)*?)```")
WIDTH = 108


def printed(command: str) -> str:
    """The command's standard output, without trailing spaces."""
    environment = os.environ | {"COLUMNS": str(WIDTH), "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    done = subprocess.run(
        command, shell=True, cwd=README.parent, env=environment, stdout=subprocess.PIPE, text=True, check=False
    )
    return "\n".join(line.rstrip() for line in done.stdout.strip("\n").splitlines())


def main() -> None:
    """Rewrite the README."""
    text = README.read_text(encoding="utf-8")
    shown = SHOWN.sub(lambda found: f"```console\n$ {found['command']}\n{printed(found['command'])}\n```", text)
    README.write_text(shown, encoding="utf-8")


if __name__ == "__main__":
    main()
