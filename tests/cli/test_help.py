"""What ``--help`` says: the verbs in their order and panels, flags as flags, options with one meaning."""

from __future__ import annotations

import re

import pytest
from typer.testing import CliRunner

from vqinsight.cli.main import VERBS, app

EVERY = [*VERBS, "data check"]
LOOSE = {"<bool>", "--at-once", "--count", "--prompts ", "--set "}


def help_of(verb: str, width: str = "100") -> str:
    result = CliRunner().invoke(app, [*verb.split(), "--help"], env={"COLUMNS": width, "TERM": "dumb"})
    assert result.exit_code == 0
    return result.stdout


def test_verbs_are_listed_in_panels_and_in_order() -> None:
    text = help_of("")
    found = re.findall(r"^│ ([a-z][a-z-]+) ", text, re.MULTILINE)
    assert found == [*VERBS]
    assert " ".join(found) == (
        "score compare rank compare-systems ask measure calibrate watch serve web arena train plan export evaluate "
        "align generate pairs repair tables vbench baselines data models configs lmms-eval-path doctor bench"
    )
    panels = re.findall(r"^╭─ (.+?) ─", text, re.MULTILINE)
    assert panels == ["Options", "Judge clips", "Train and evaluate", "Make and align", "Inspect"]


def test_every_summary_is_one_short_line() -> None:
    lines = help_of("", "100").splitlines()
    rows = [line for line in lines if re.match(r"^│ (?!-)", line)]
    assert len(rows) == len(VERBS) and all(line.split()[1] in VERBS for line in rows)


@pytest.mark.parametrize("verb", EVERY)
def test_flags_read_as_flags_and_old_names_are_gone(verb: str) -> None:
    text = help_of(verb)
    wrong = {word for word in LOOSE if word in text}
    assert wrong <= ({"--set "} if verb in ("train", "plan", "align") else set())
    assert "-h" in text


@pytest.mark.parametrize(
    ("verb", "options"),
    [
        ("score", ["--template", "--device", "--quiet", "--verbose", "-v"]),
        ("measure", ["--reference", "--vmaf", "--quiet", "--verbose", "-v"]),
        ("evaluate", ["--template", "--limit", "--baseline-option", "--quiet"]),
        ("generate", ["--batch-size", "--device", "--quiet"]),
        ("pairs", ["--batch-size", "--device", "--quiet"]),
        ("repair", ["--device", "--quiet"]),
        ("train", ["--set", "--quiet"]),
        ("align", ["--set", "--quiet"]),
        ("vbench", ["--quiet"]),
        ("data check", ["--quiet"]),
    ],
)
def test_options_have_their_names(verb: str, options: list[str]) -> None:
    text = help_of(verb)
    assert all(f"{option} " in text for option in options)
    if "--device" in options:
        assert "auto (CUDA, else the CPU)" in text and "[default: auto]" in " ".join(text.split())


def test_a_verb_that_is_misspelled_is_suggested() -> None:
    result = CliRunner().invoke(app, ["modles"])
    assert result.exit_code == 2 and "Did you mean 'models'?" in result.stderr
