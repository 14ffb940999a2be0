"""Tests that would notice: the source is broken on purpose, one place at a time, and the nearest test has to fail.

``python -m tools.mutants`` reads ``mutations.toml``, changes one place of a copy of the source for each mutation, and
runs its test there in a process that is forked from one with torch imported. The working tree is never changed. Exit
code 1 where a mutation survives, where its test cannot run, or where a test fails on the source as it is.
"""

from __future__ import annotations

import argparse
import gc
import importlib
import json
import os
import shutil
import signal
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NoReturn

ROOT = Path(__file__).resolve().parents[1]
SOURCE, LIST = ROOT / "src", Path(__file__).with_name("mutations.toml")
# Imported once, before the forks: none of it is ours.
PRELOADED = (
    *(
        "numpy",
        "scipy.stats",
        "torch",
        "av",
        "pyarrow.parquet",
        "diffusers",
        "hypothesis",
        "pydantic",
        "pytest",
        "typer",
    ),
    *("accelerate", "peft", "transformers", "transformers.models.qwen2_5_vl.modeling_qwen2_5_vl"),
)
LONGEST = 300  # seconds of a test; a mutation that never ends is noticed too
Outcome = Literal["killed", "survived", "broken"]


@dataclass(frozen=True)
class Mutation:
    """One change: ``old``, which occurs exactly once in ``file`` (below ``src/vqinsight``), becomes ``new``.

    Attributes:
        name: unique.
        test: id of the test, or its file, that has to fail.
    """

    name: str
    file: str
    old: str
    new: str
    test: str

    def applied(self) -> str:
        """The text of the changed file.

        Raises:
            ValueError: ``old`` does not occur exactly once.
        """
        text = (SOURCE / "vqinsight" / self.file).read_text(encoding="utf-8")
        if text.count(self.old) != 1:
            raise ValueError(
                f"{self.name}: the old text occurs {text.count(self.old)} times in {self.file}; mend {LIST.name}"
            )
        return text.replace(self.old, self.new)


@dataclass(frozen=True)
class Result:
    """What became of a mutation, in how many seconds; ``output`` is pytest's."""

    name: str
    outcome: Outcome
    seconds: float
    output: str


def read(file: Path = LIST) -> list[Mutation]:
    """The mutations of a file, in order."""
    return [Mutation(**each) for each in tomllib.loads(file.read_text(encoding="utf-8"))["mutation"]]


class Tree:
    """A copy of the source in links, of which one file is changed at a time."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        shutil.copytree(
            SOURCE, folder, copy_function=os.symlink, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info")
        )

    def change(self, file: str, text: str | None) -> None:
        """Put ``text`` in the place of a file, or the source's own with ``None``."""
        place = self.folder / "vqinsight" / file
        place.unlink()
        for compiled in (place.parent / "__pycache__").glob(f"{place.stem}.*"):
            compiled.unlink()  # Python tells versions apart by size and whole seconds
        if text is None:
            place.symlink_to(SOURCE / "vqinsight" / file)
        else:
            place.write_text(text, encoding="utf-8")


def run(mutations: Sequence[Mutation], jobs: int) -> Iterator[Result]:
    """Run every mutation's test, ``jobs`` at a time; results come as they are there."""
    with tempfile.TemporaryDirectory() as scratch:
        free = [Tree(Path(scratch, str(number))) for number in range(jobs)]
        waiting, running = list(mutations), {}
        while waiting or running:
            while waiting and free:
                mutation, tree = waiting.pop(0), free.pop()
                tree.change(mutation.file, mutation.applied())
                log = tree.folder.with_suffix(".log")
                running[_fork(tree.folder, [mutation.test], log)] = (mutation, tree, log, time.monotonic())
            time.sleep(0.02)
            for pid, (mutation, tree, log, start) in list(running.items()):
                seconds = time.monotonic() - start
                if seconds > LONGEST:
                    os.kill(pid, signal.SIGKILL)
                ended, status = os.waitpid(pid, 0 if seconds > LONGEST else os.WNOHANG)
                if not ended:
                    continue
                tree.change(mutation.file, None)
                free.append(tree)
                del running[pid]
                yield Result(mutation.name, _outcome(status, seconds), seconds, log.read_text(errors="replace"))


def as_it_is(tests: Sequence[str]) -> str | None:
    """Run the tests on the source as it is: what pytest prints where they do not all pass, else ``None``."""
    with tempfile.TemporaryDirectory() as scratch:
        log = Path(scratch, "log")
        _, status = os.waitpid(_fork(Tree(Path(scratch, "tree")).folder, list(dict.fromkeys(tests)), log), 0)
        return None if status == 0 else log.read_text(errors="replace")


def _outcome(status: int, seconds: float) -> Outcome:
    if seconds > LONGEST or os.waitstatus_to_exitcode(status) == 1:  # pytest: tests failed
        return "killed"
    return "survived" if status == 0 else "broken"


def _fork(tree: Path, tests: Sequence[str], log: Path) -> int:
    pid = os.fork()
    if pid == 0:
        _test(tree, tests, log)
    return pid


def _test(tree: Path, tests: Sequence[str], log: Path) -> NoReturn:
    """In a process of its own: the tests, on the source in ``tree``."""
    code = 3  # pytest's own for an internal error
    try:
        descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(descriptor, 1)
        os.dup2(descriptor, 2)
        os.environ["PYTHONPATH"] = str(tree)
        sys.path.insert(0, str(tree))
        import hypothesis
        import pytest

        # The same examples in every run, and none kept for the next run of the real tests.
        hypothesis.settings.register_profile("mutants", derandomize=True, database=None)
        hypothesis.settings.load_profile("mutants")
        found = importlib.import_module("vqinsight").__file__
        assert found and found.startswith(str(tree)), f"{found} is not of the copy"
        options = ["-x", "-p", "no:cacheprovider", f"--basetemp={tree.parent / f'{tree.name}-tmp'}"]
        code = int(pytest.main([*options, *tests]))
    finally:
        sys.stdout.flush()
        os._exit(code)


def main() -> int:
    """Returns the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--only", metavar="NAME", action="append", help="only this one; may be given several times")
    parser.add_argument("--list", action="store_true", help="print names, files and tests, and end")
    parser.add_argument("--jobs", type=int, default=2, metavar="N", help="at a time")
    parser.add_argument("--out", type=Path, metavar="FILE", help="also write the result, .json")
    given = parser.parse_args()
    mutations = read()
    if unknown := sorted(set(given.only or ()) - {each.name for each in mutations}):
        parser.error(f"no mutation is called {', '.join(unknown)}; see --list")
    mutations = [each for each in mutations if not given.only or each.name in given.only]
    if given.list:
        print("\n".join(f"{each.name:38} {each.file:34} {each.test}" for each in mutations))
        return 0
    for each in mutations:
        each.applied()
    os.chdir(ROOT)
    os.environ |= {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
    for name in PRELOADED:
        importlib.import_module(name)
    gc.freeze()  # the forks share these pages while their collectors do not touch them
    if failed := as_it_is([each.test for each in mutations]):
        print(f"{failed}\nThe tests above do not pass on the source as it is, so they show nothing.")
        return 1
    results = []
    for result in run(mutations, given.jobs):
        results.append(result)
        print(f"{result.outcome:8} {result.name:38} {result.seconds:5.1f} s", flush=True)
        if result.outcome != "killed":
            print(result.output)
    counts = {outcome: sum(r.outcome == outcome for r in results) for outcome in ("killed", "survived", "broken")}
    print(f"{len(results)} mutations: " + ", ".join(f"{count} {name}" for name, count in counts.items()))
    if given.out:
        _write(given.out, results, counts)
    return int(counts["killed"] < len(results))


def _write(file: Path, results: Sequence[Result], counts: dict[str, int]) -> None:
    from vqinsight.common.provenance import commit

    rows = [{"name": r.name, "outcome": r.outcome, "seconds": round(r.seconds, 1)} for r in results]
    rows.sort(key=lambda row: str(row["name"]))
    summary = {"command": "python -m tools.mutants", "commit": commit(), "mutations": len(rows), **counts, "each": rows}
    file.write_text(json.dumps(summary, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
