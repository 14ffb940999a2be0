"""The house rules that a machine can check."""

from __future__ import annotations

import ast
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src" / "vqinsight"
# A file imports from its own line or from those before it.
ORDER = [
    {"errors"},
    {"config", "files"},
    {"video"},
    {"tasks"},
    {"synthetic"},
    {"rewards"},
    {"datasets"},
    {"evaluation"},
    {"results"},
    {"assessor"},
    {"grpo"},
    {"ranking"},
    {"generator"},
    {"stages"},
    {"records"},
    {"api"},
    {"judges"},
    {"baselines"},
    {"report"},
    {"options"},
    {"data_cli"},
    {"baselines_cli"},
    {"evaluate_cli"},
    {"tables_cli"},
    {"vbench_cli"},
    {"generator_cli"},
    {"align_cli"},
    {"cli"},
    {"__init__", "__main__"},
]
FILES = sorted(SOURCE.rglob("*.py"))


def _rank(name: str) -> int:
    return next(number for number, names in enumerate(ORDER) if name in names)


def test_imports_go_one_way() -> None:
    wrong = []
    for file in FILES:
        mine = _rank(file.relative_to(SOURCE).parts[0].removesuffix(".py"))
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.ImportFrom) or not (node.module or "").startswith("vqinsight."):
                continue
            if _rank(str(node.module).split(".")[1]) > mine:
                wrong.append(f"{file.name} imports {node.module}")
    assert not wrong


def test_files_stay_readable() -> None:
    """About 300 lines; and each begins by saying what it is, unless it is empty."""
    for file in FILES:
        text = file.read_text(encoding="utf-8")
        assert len(text.splitlines()) <= 320, file
        assert not text.strip() or ast.get_docstring(ast.parse(text)), file


def test_tensors_stay_out_of_the_plain_parts() -> None:
    """Tasks, results and settings work without torch, so that rewards and datasets will."""
    folders = ("tasks", "rewards", "datasets", "evaluation")
    plain = [file for folder in folders for file in (SOURCE / folder).glob("*.py")]
    plain += [SOURCE / "results.py", SOURCE / "config.py", SOURCE / "errors.py"]
    for file in plain:
        assert "import torch" not in file.read_text(encoding="utf-8"), file
