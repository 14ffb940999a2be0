"""The amount of code that a command runs: python -m tools.count_walks score examples/cat.mp4

Prints, after the command's own output, how many modules of vqinsight it imports, and in how many files a function runs.
"""

from __future__ import annotations

import runpy
import sys
import threading
from pathlib import Path
from types import FrameType
from typing import Any

SOURCE = str(Path(__file__).resolve().parents[1] / "src" / "vqinsight")


def main() -> None:
    """Run the command given and count."""
    files: set[str] = set()

    def note(frame: FrameType, event: str, _: Any) -> None:
        code = frame.f_code
        if event == "call" and code.co_name != "<module>" and code.co_filename.startswith(SOURCE):
            files.add(code.co_filename)

    sys.setprofile(note)
    threading.setprofile(note)
    code: str | int | None = 0
    try:
        runpy.run_module("vqinsight", run_name="__main__", alter_sys=True)
    except SystemExit as end:
        code = end.code
    sys.setprofile(None)
    modules = [name for name in sys.modules if name.split(".")[0] == "vqinsight"]
    print(f"{len(modules)} modules imported, functions run in {len(files)} files", file=sys.stderr)
    sys.exit(code)


if __name__ == "__main__":
    main()
