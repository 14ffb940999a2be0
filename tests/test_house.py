"""The house rules that a machine can check."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from tools.lowest import constraints

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src" / "vqinsight"
# A module imports from its own package or from those before it. What stands last, the package's public front, may be
# imported by the command line alone.
ORDER = (
    "errors",
    "common",
    "settings",
    "weights",
    "tasks",
    "video",
    "measure",
    "results",
    "rewards",
    "synthetic",
    "datasets",
    "evaluation",
    "assessor",
    "grpo",
    "ranking",
    "generator",
    "training",
    "inference",
    "calibration",
    "baselines",
    "report",
    "serving",
    "web",
    "lmms_eval",
    "__init__",
    "nano",
    "cli",
    "__main__",
)
# Optional parts, and the only modules outside of them (nano aside) that may import them, inside a function.
LAZY = {
    "vqinsight.video.instruments": {"assessor/load.py"},
    "vqinsight.synthetic": {"assessor/clips.py"},
}
FILES = sorted(SOURCE.rglob("*.py"))
LONGEST = 300  # lines of a file


def _modules() -> set[str]:
    """Every module and package of the source, with its full name."""
    places = [file.relative_to(SOURCE.parent).with_suffix("").parts for file in FILES]
    return {".".join(parts[:-1] if parts[-1] == "__init__" else parts) for parts in places}


MODULES = _modules()


def _name(file: Path) -> str:
    return ".".join(file.relative_to(SOURCE.parent).with_suffix("").parts)


def _imports(source: str, name: str) -> list[tuple[str, bool]]:
    """What of this package a module imports, in functions and for type checkers too; and whether at its top level.

    Args:
        name: its full name, against which relative imports are resolved.
    """
    tree, found = ast.parse(source), []
    inside = {
        id(node)
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for node in ast.walk(function)
    }
    for node in ast.walk(tree):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = name.split(".")[: -node.level] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            names = [f"{module}.{alias.name}" for alias in node.names]
            names = [full if full in MODULES else module for full in names]
        elif isinstance(node, ast.Call) and getattr(node.func, "id", getattr(node.func, "attr", "")) == "import_module":
            names = [arg.value for arg in node.args[:1] if isinstance(arg, ast.Constant)]
        found += [(each, id(node) not in inside) for each in names if each.split(".")[0] == "vqinsight"]
    return found


def _rank(module: str) -> int:
    """Where a module's package stands in the order; ``vqinsight`` itself is its ``__init__``."""
    return ORDER.index([*module.split("."), "__init__"][1])


def test_every_package_has_its_place_in_the_order() -> None:
    assert {_name(file).split(".")[1] for file in FILES} == set(ORDER)
    assert len(list(SOURCE.glob("*.py"))) <= 5


def test_imports_go_one_way() -> None:
    wrong = []
    for file in FILES:
        name = _name(file)
        for imported, _ in _imports(file.read_text(encoding="utf-8"), name):
            if name != "vqinsight.__init__" and _rank(imported) > _rank(name):
                wrong.append(f"{name} imports {imported}")
    assert not wrong, "\n".join(sorted(set(wrong)))


def test_nothing_imports_how_nano_is_made() -> None:
    wrong = []
    for file in FILES:
        name = _name(file)
        if not name.startswith("vqinsight.nano."):
            imported = [each for each, _ in _imports(file.read_text(encoding="utf-8"), name)]
            wrong += [f"{name} imports {each}" for each in imported if each.startswith("vqinsight.nano")]
    assert not wrong, "\n".join(wrong)


def test_the_general_path_names_no_instrument() -> None:
    """Of ``video`` only its folder ``instruments`` knows them."""
    wrong = []
    for file in (SOURCE / "video").glob("*.py"):
        found = re.findall(r"(?i)instruments?\b|scopes?\b|self[_-]?similarity", file.read_text(encoding="utf-8"))
        wrong += [f"{file.name}: {word}" for word in found]
    assert not wrong, "\n".join(wrong)


def test_optional_parts_are_imported_where_they_are_needed_only() -> None:
    """To score a file neither the instruments nor the generator of scenes is imported."""
    wrong = []
    for file in FILES:
        name, place = _name(file), file.relative_to(SOURCE).as_posix()
        for imported, at_top in _imports(file.read_text(encoding="utf-8"), name):
            for part, allowed in LAZY.items():
                if not f"{imported}.".startswith(f"{part}.") or f"{name}.".startswith(f"{part}."):
                    continue
                general = place.split("/")[0] in ("common", "settings", "tasks", "video", "assessor", "inference")
                if general and (at_top or place not in allowed):
                    wrong.append(f"{name} imports {imported}" + " at its top level" * at_top)
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(
    ("source", "imported"),
    [
        ("import vqinsight.video.read as r", [("vqinsight.video.read", True)]),
        ("import os, vqinsight", [("vqinsight", True)]),
        ("def f():\n    from vqinsight.video import read, Clip", [("vqinsight.video.read", False),
                                                                  ("vqinsight.video", False)]),
        ("from ..video.read import probe", [("vqinsight.video.read", True)]),
        ("from . import dpo", [("vqinsight.generator.dpo", True)]),
        ("if TYPE_CHECKING:\n    from vqinsight import load", [("vqinsight", True)]),
        ("async def f():\n    importlib.import_module('vqinsight.nano.x')", [("vqinsight.nano.x", False)]),
        ("import numpy", []),
    ],
)  # fmt: skip
def test_an_import_of_any_form_is_found(source: str, imported: list[tuple[str, bool]]) -> None:
    assert _imports(source, "vqinsight.generator.x") == imported


def test_files_stay_readable() -> None:
    """At most 300 lines; and what is in the package begins by saying what it is, unless it is empty."""
    folders = (SOURCE, ROOT / "tests", ROOT / "benchmarks", ROOT / "tools")
    lengths = {
        file: len(file.read_text(encoding="utf-8").splitlines()) for root in folders for file in root.rglob("*.py")
    }
    assert not {str(file.relative_to(ROOT)): length for file, length in lengths.items() if length > LONGEST}
    for file in FILES:
        text = file.read_text(encoding="utf-8")
        assert not text.strip() or ast.get_docstring(ast.parse(text)), file


def test_tensors_stay_out_of_the_plain_parts() -> None:
    """Tasks, results and settings work without torch, so that rewards and datasets will."""
    folders = ("tasks", "rewards", "datasets", "evaluation")
    plain = [file for folder in folders for file in (SOURCE / folder).glob("*.py")]
    plain += [SOURCE / "results.py", SOURCE / "errors.py"]
    for file in plain:
        assert "import torch" not in file.read_text(encoding="utf-8"), file


GUIDED = [
    "assessor",
    "baselines",
    "datasets",
    "evaluation",
    "generator",
    "grpo",
    "inference",
    "calibration",
    "ranking",
    "report",
    "rewards",
    "serving",
    "tasks",
    "video",
    "measure",
    "web/arena",
]


@pytest.mark.parametrize("package", GUIDED)
def test_a_package_lists_its_files_once_each(package: str) -> None:
    folder = SOURCE / package
    text = ast.get_docstring(ast.parse((folder / "__init__.py").read_text(encoding="utf-8"))) or ""
    listed = re.findall(r"^\* ``(\w+)``: \S", text, re.MULTILINE)
    files = [file.stem for file in folder.glob("*.py") if file.stem != "__init__"]
    packages = [file.parent.name for file in folder.glob("*/__init__.py")]
    assert set(files) <= set(listed) <= {*files, *packages} and len(set(listed)) == len(listed)


def test_lowest_versions_are_also_those_of_what_the_tests_need() -> None:
    found = dict(each.split("==") for each in constraints())
    assert {"numpy", "fastapi", "openai", "pytest"} <= set(found)  # a dependency, an extra's, and the tests' own
    assert "torch" not in found and "vqinsight" not in found  # pinned; the project itself
