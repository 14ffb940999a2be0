"""The command line with a stand-in for the model whose answers depend on the clip alone, stopped where a test wants.

``python -c "import stopped; stopped.main()" score clips --out results/``; every judged clip is a line of ``work.log``.
The environment says the rest: ``PAUSE`` seconds a clip, ``PART`` clips a part, ``MOST`` bytes a file, and ``KILL``, the
step of the commit of the second part at which the process gets a SIGKILL.
"""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import time
import zlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

STEPS = ("writing", "written", "renamed")
SECOND = "part-000001.parquet"


def start(folder: Path, *arguments: str, **environment: object) -> subprocess.Popen[str]:
    """Start ``main`` in a folder."""
    given = {name: str(value) for name, value in environment.items()}
    paths = os.pathsep.join([str(Path(__file__).parent), *sys.path])
    return subprocess.Popen(
        [sys.executable, "-c", "import stopped; stopped.main()", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": paths, "COLUMNS": "200", "PART": "4", **given},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )


def run(folder: Path, *arguments: str, **environment: object) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of ``start``."""
    process = start(folder, *arguments, **environment)
    output, errors = process.communicate(timeout=120)
    assert "Traceback" not in errors, errors
    return process.returncode, output, errors


def stop(process: subprocess.Popen[str], log: Path, lines: int, number: signal.Signals) -> tuple[int, str]:
    """Send a signal once so many clips are judged; exit code and standard error."""
    deadline = time.monotonic() + 60
    while not log.exists() or len(log.read_text().splitlines()) < lines:
        assert process.poll() is None and time.monotonic() < deadline, process.communicate()
        time.sleep(0.005)
    process.send_signal(number)
    _, errors = process.communicate(timeout=60)
    return process.returncode, errors


def main() -> None:
    """The program."""
    import records

    from vqinsight.cli.main import main as command
    from vqinsight.common import files
    from vqinsight.report import store

    class Judge(records.FakeJudge):
        def score_all(self, clips: Iterable[Any], **settings: Any) -> Iterator[Any]:
            for path, prompt in clips:
                time.sleep(self.pause)
                with Path("work.log").open("a") as log:
                    log.write(f"{path}\n")
                if "on_seconds" in settings:
                    settings["on_seconds"](0.5)
                value = float(zlib.crc32(Path(path).name.encode()) % 100)
                yield records.unreadable(path) if "bad" in path else records.score(path, (value,), prompt=prompt)

        def pair(self, a: Any, b: Any, place: int) -> Any:
            with Path("work.log").open("a") as log:
                log.write(f"{a} {b}\n")
            names = sorted((Path(a).name, Path(b).name))
            return super().pair(a, b, zlib.crc32("".join(names).encode()))

    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore it
    if "MOST" in os.environ:
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(os.environ["MOST"]),) * 2)
    sys.modules["vqinsight.inference.api"] = records.fake_api(Judge(float(os.environ.get("PAUSE", "0"))))  # type: ignore[assignment]
    store.PART_CLIPS = int(os.environ["PART"])
    if "KILL" in os.environ:
        step = os.environ["KILL"]
        store.write_parquet = _killing(step, store.write_parquet)
        files.sync = _killing(step, files.sync)
    command()


def _killing(step: str, real: Callable[..., None]) -> Callable[..., None]:
    def call(place: Path, *rest: Any) -> None:
        second = SECOND in place.name if place.is_file() or not place.exists() else (place / SECOND).exists()
        here = {"writing": bool(rest), "written": place.is_file() and not rest, "renamed": place.is_dir()}[step]
        if second and here:
            if step == "writing":
                place.write_bytes(b"PAR1 and no more")
            os.kill(os.getpid(), signal.SIGKILL)
        real(place, *rest)

    return call
