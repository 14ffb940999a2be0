"""Every printed command that trains fits into the cards that it names, of 80 GB unless it says otherwise."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml
from helpers.pages import PAGES, commands, inline_code

from vqinsight.settings.shipped import CONFIGS, config_path, shipped_names
from vqinsight.training.plan import Plan, hardware, plan_file
from vqinsight.training.plan.workload import Sharding

GIGABYTES = 80
TRAINS = re.compile(r"\bvqinsight (train|align) \S")
NAMED = re.compile(r"\$\(vqinsight configs ([\w/.]+)\)")
LARGE = [name for name in shipped_names() if re.match(r"[37]b/(?!stage3)", name)]


def printed() -> dict[str, Path]:
    """Command lines with the file that prints them: of pages, their text, and the comments of configurations."""
    found = {command.text: page for page in PAGES for command in commands(page)}
    found |= {code: page for page in PAGES for code in inline_code(page)}
    for file in (each for each in CONFIGS.rglob("*") if each.suffix in (".toml", ".yaml")):
        lines = re.findall(
            r"^# ((?:vqinsight|torchrun|accelerate) .*)$", file.read_text(encoding="utf-8"), re.MULTILINE
        )
        found |= dict.fromkeys(lines, file)
    return {text: file for text, file in found.items() if TRAINS.search(text)}


PRINTED = printed()


def planned(text: str) -> Plan:
    """The plan of a command line, for as many cards as its launcher starts."""
    words = shlex.split(NAMED.sub(lambda found: str(config_path(found[1])), text))
    verb = next(place for place, word in enumerate(words) if word in ("train", "align"))
    launcher, (config, *options) = words[:verb], words[verb + 1 :]
    sharding: Sharding | None = None
    gpus = 1
    if launcher[0] == "torchrun":
        gpus = int(launcher[launcher.index("--nproc_per_node") + 1])
    elif launcher[0] == "accelerate":
        started: dict[str, Any] = yaml.safe_load(Path(launcher[launcher.index("--config_file") + 1]).read_text("utf-8"))
        assert started["fsdp_config"]["fsdp_version"] == 2
        gpus, sharding = started["num_processes"], "fsdp2"
    else:
        assert launcher[0] == "vqinsight"
    changes = [options[place + 1] for place, word in enumerate(options) if word == "--set"]
    return plan_file(config, hardware(gpus, GIGABYTES), changes, sharding=sharding)


def test_commands_are_found() -> None:
    """With every launcher, on pages and in each large configuration."""
    assert {text.split()[0] for text in PRINTED} == {"vqinsight", "torchrun", "accelerate"}
    for name in LARGE:
        assert any(re.search(rf"^accelerate .* train {name}$", text) for text in PRINTED), name


@pytest.mark.parametrize("text", PRINTED)
def test_a_printed_command_fits(text: str) -> None:
    plan = planned(text)
    assert plan.fits, f"{PRINTED[text]}: {text}: {plan.peak / 1e9:.0f} GB; {plan.changes}"


@pytest.mark.parametrize("name", LARGE)
def test_what_a_configuration_offers_fits(name: str) -> None:
    """In comments: an adapter on one card of the size that is named, and DeepSpeed on eight."""
    text = config_path(name).read_text(encoding="utf-8")
    (sizes,) = re.findall(r"One card of (\d+) GB for 3B, of (\d+) GB for 7B", text)
    size = float(sizes[0] if name.startswith("3b") else sizes[1])
    assert plan_file(name, hardware(1, size), ["model.lora_rank=16"]).fits
    (cards,) = re.findall(r"DeepSpeed .* torchrun --nproc_per_node (\d+)", text)
    offered = re.findall(r'# (deepspeed = "\S+")', text)
    assert len(offered) == 2
    for line in offered:
        change = "trainer." + line.replace(" ", "")
        assert plan_file(name, hardware(int(cards), GIGABYTES), [change]).fits, line
