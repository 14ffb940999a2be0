"""Every command line in the documents runs, or, where it needs weights, downloads or hours, is one that would be taken.

What is not run is marked in the page by a comment before its block: ``<!-- parse only: needs weights -->``.
"""

from __future__ import annotations

import argparse
import importlib
import re
import shlex
import sys
import tomllib
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import typer
from helpers.pages import PAGES, ROOT, Command, commands, inline_code
from typer.testing import CliRunner

from vqinsight.cli.main import app
from vqinsight.settings.align import AlignSettings
from vqinsight.settings.reader import read_toml
from vqinsight.settings.shipped import config_path
from vqinsight.settings.train import TrainSettings

ALL = [command for page in PAGES for command in commands(page)]
RUN = [page for page in PAGES if any(not command.parse_only for command in commands(page))]
PARSED = sorted({each.text: each for each in ALL if each.parse_only}.values(), key=str)
# Programs of others in blocks that are parsed only: nothing of ours to check.
OTHERS = {"cd", "export", "git", "hf", "lmms-eval", "vllm"}
SETTINGS = {"train": TrainSettings, "align": AlignSettings}
# Flags of other programs that the text names.
FOREIGN = {"--depth", "--no-deps", "--media-io-kwargs", "--trust-request-mm-kwargs"}


class Parsed(Exception):
    """The arguments were taken."""


def test_the_pages_show_commands() -> None:
    assert len(RUN) >= 6 and len(ALL) >= 50 and len(PARSED) >= 25
    assert all(each.mark == "" or re.match(r"(parse only|exit [\d or]+): \w", each.mark) for each in ALL)


@pytest.mark.slow
@pytest.mark.parametrize("page", RUN, ids=lambda page: page.stem)
def test_shown_commands_run(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page's commands one after the other, in a folder like a fresh clone."""
    for name in ("examples", "README.md"):
        (tmp_path / name).symlink_to(ROOT / name)
    monkeypatch.chdir(tmp_path)
    for command in commands(page):
        if not command.parse_only:
            run(command, monkeypatch)


def run(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run a command line in this process."""
    program, *arguments = shlex.split(command.text)
    assert program == "vqinsight", f"{command.text}: mark what cannot be run here"
    monkeypatch.setattr(sys, "argv", [program, *arguments])
    result = CliRunner().invoke(app, arguments, env={"COLUMNS": "108", "TERM": "dumb"})
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code in command.exit_codes, f"{command.text}: {result.output}"
    assert result.stdout.strip()


@pytest.mark.parametrize("command", PARSED, ids=str)
def test_other_commands_would_be_taken(command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for folder in re.findall(r"\bruns/\S+", command.text):  # what earlier commands would have left
        Path(folder).mkdir(parents=True)
    take(command.text, monkeypatch)


def take(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Check a command line without running it."""
    for inner in re.findall(r"\$\((vqinsight [^)]*)\)", text):
        take(inner, monkeypatch)
    program, *arguments = shlex.split(text)
    name = Path(program).name
    if "-m" in arguments and arguments[arguments.index("-m") + 1] == "vqinsight":  # behind a launcher
        assert name in ("torchrun", "accelerate", "python")
        program, arguments = "vqinsight", arguments[arguments.index("-m") + 2 :]
    if program == "vqinsight":
        parse(arguments)
    elif program == "make":
        targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
        assert {each for each in arguments if "=" not in each} <= set(targets)
    elif program == "python" and arguments[0] == "-m":
        parse_module(arguments[1], arguments[2:], monkeypatch)
    elif name == "pip" or arguments[:2] == ["-m", "venv"]:
        assert_extras(text)
    else:
        assert program in OTHERS, f"{program}: say here how it is checked"


def parse(arguments: list[str]) -> None:
    """Parse with the real command line; of training and alignment also the configuration."""
    command: Any = typer.main.get_command(app)
    context = command.make_context("vqinsight", list(arguments))
    rest = [*context._protected_args, *context.args]
    while hasattr(command, "resolve_command"):
        name, command, rest = command.resolve_command(context, rest)
        context = command.make_context(name, rest, parent=context)
        rest = [*context._protected_args, *context.args]
    if kind := SETTINGS.get(str(context.info_name)):
        read_toml(kind, config_path(context.params["config"]), context.params["changes"] or [])
    if context.info_name == "configs":
        for value in context.params.values():
            if isinstance(value, str):
                assert config_path(value).is_file()


def parse_module(name: str, arguments: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Parse with the module's own argument parser, and stop there."""
    if name == "tools.count_walks":
        parse(arguments)
        return
    assert {word for word in arguments if word.startswith("--")} <= known_flags()  # argparse takes beginnings, too
    original = argparse.ArgumentParser.parse_args

    def parse_args(self: argparse.ArgumentParser, *given: Any) -> None:
        original(self, *given)
        raise Parsed

    monkeypatch.setattr(argparse.ArgumentParser, "parse_args", parse_args)
    monkeypatch.setattr(sys, "argv", [name, *arguments])
    monkeypatch.syspath_prepend(str(ROOT))
    with pytest.raises(Parsed):
        importlib.import_module(name).main()


def assert_extras(text: str) -> None:
    """The extras that a line installs are there."""
    known = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    for extras in re.findall(r"(?:\.|vqinsight)\[([\w,-]+)\]", text):
        assert set(extras.split(",")) <= set(known)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_commands_and_flags_in_the_text_exist(page: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    flags = known_flags() | FOREIGN
    for code in inline_code(page):
        words = code.split()
        named = {word.split("=")[0] for word in words if re.match(r"--[a-z]", word)}
        assert named <= flags, f"{code}: unknown {named - flags}"
        if words[0] == "vqinsight" and words[1:] and words[1].islower():
            assert words[1] in {command.name for command in every_command()}, code
        if words[0] == "make" and len(words) == 2:
            take(code, monkeypatch)
        if words[0] == "python" and words[1] == "-m":
            assert find_spec(words[2]) is not None
        assert_extras(code)


def every_command() -> list[Any]:
    """Every verb, and what is below it."""
    found: list[Any] = [typer.main.get_command(app)]
    for command in found:
        if hasattr(command, "list_commands"):
            context = typer.Context(command)
            found += [command.get_command(context, name) for name in command.list_commands(context)]
    return found


def known_flags() -> set[str]:
    """Every option of every verb, and of the benchmarks."""
    parameters = [parameter for command in every_command() for parameter in command.params]
    found = {flag for parameter in parameters for flag in (*parameter.opts, *parameter.secondary_opts)}
    for file in (*(ROOT / "benchmarks").rglob("*.py"), *(ROOT / "tools").glob("*.py")):
        found |= set(re.findall(r'add_argument\("(--[\w-]+)"', file.read_text(encoding="utf-8")))
    return found | {"--help"}
