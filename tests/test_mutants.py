"""The list of mutations keeps step with the code, and the tool tells a test that notices from one that does not."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tools import mutants

ROOT = Path(__file__).resolve().parents[1]
MUTATIONS = mutants.read()
PROGRAM = """
import sys
from pathlib import Path
from tools import mutants
read = mutants.read
mutants.read, mutants.PRELOADED = lambda: read(Path({list!r})), ("torch", "hypothesis")
sys.exit(mutants.main())
"""


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda each: each.name)
def test_it_changes_one_place_and_has_a_test(mutation: mutants.Mutation) -> None:
    changed = mutation.applied()
    before = (mutants.SOURCE / "vqinsight" / mutation.file).read_text(encoding="utf-8")
    assert ast.dump(ast.parse(changed)) != ast.dump(ast.parse(before))  # it parses, and is no change of layout
    file, _, name = mutation.test.partition("::")
    text = (ROOT / file).read_text(encoding="utf-8")
    assert not name or re.search(rf"^def {re.escape(name.partition('[')[0])}\(", text, re.MULTILINE)


def test_there_are_many_and_each_has_its_name() -> None:
    names = [each.name for each in MUTATIONS]
    assert len(set(names)) == len(names) >= 60


def test_a_text_that_moved_is_an_error() -> None:
    with pytest.raises(ValueError, match="occurs 0 times"):
        mutants.Mutation("gone", "grpo/loss.py", "no such line", "", "").applied()
    with pytest.raises(ValueError, match=r"occurs \d+ times"):
        mutants.Mutation("many", "grpo/loss.py", "loss_AT", "", "").applied()


@pytest.mark.slow
def test_the_tool_by_itself(tmp_path: Path) -> None:
    """On a list of its own: a mutation that its test notices, one that it does not, and one that breaks the import."""
    (tmp_path / "list.toml").write_text(
        "".join(
            f"[[mutation]]\nname = {name!r}\nfile = 'rewards/length.py'\nold = {old!r}\nnew = {new!r}\n"
            f"test = 'tests/equations/test_learning.py::test_equation_{number}'\n"
            for name, old, new, number in (
                ("noticed", "if l_min < tokens", "if l_min <= tokens", 5),
                ("unnoticed", "if l_min < tokens", "if l_min <= tokens", 7),
                ("no-code", "def length_reward", "def another_name", 5),
            )
        )
    )
    program = PROGRAM.format(list=str(tmp_path / "list.toml"))
    command = [sys.executable, "-c", program, "--jobs", "1"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    said = [line.split()[:2] for line in done.stdout.splitlines() if line.endswith(" s")]
    assert said == [["killed", "noticed"], ["survived", "unnoticed"], ["broken", "no-code"]], done.stdout + done.stderr
    assert done.returncode == 1 and "3 mutations: 1 killed, 1 survived, 1 broken" in done.stdout
