"""The whole alternation in miniature: real clips, the embedded assessor, a toy generator, real kills."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
import torch
from helpers import process
from helpers.runs import weights
from helpers.toy_generator import ToyGenerator, align_toy

from vqinsight.errors import TrainingError, UsageError
from vqinsight.ranking.pairs_file import Pair, read_pairs
from vqinsight.settings.align import AlignSettings
from vqinsight.settings.reader import read_toml
from vqinsight.training import stage3_united
from vqinsight.training.artifacts import Artifacts
from vqinsight.weights import ASSESSOR

STAGE2 = """
stage = "temporal"
out = "unused"
questions_per_update = 2
answers_per_forward = 8
updates = 1
learning_rate = 1e-4
save_every = 1

[[data]]
dataset = "synthetic"
task = "generated"

[rewards]
l_min = 40
l_max = 60

[grpo]
group_size = 4
max_new_tokens = 120
beta = 0.0
"""
CONFIG = """
stage = "united"
out = "run"
candidates = 4

[generator]
name = "toy"

[prompts]
file = "prompts.txt"

[dpo]
beta = 5.0
updates = 6
pairs_per_update = 2
pairs_per_forward = 2
learning_rate = 1e-2
save_every = 2
max_rise = 0

[dpo_later]
updates = 4

[assessor_update]
config = "stage2.toml"
weight = 100
"""


def prepare(folder: Path) -> Path:
    (folder / "stage2.toml").write_text(STAGE2)
    (folder / "config.toml").write_text(CONFIG)
    (folder / "prompts.txt").write_text("two red circles moving left\nthree stars\n\nthree stars\na blue square\n")
    return folder


def start(folder: Path, *arguments: str, kill_at: Path | None = None) -> str:
    """``vqinsight align`` in a process of its own, killed as soon as a file exists."""
    log = folder / "output.log"
    run = process.start("align", "config.toml", *arguments, folder=folder, output=log, program=align_toy)
    alive = process.kill_when(run, lambda: kill_at is not None and kill_at.exists(), timeout=560)
    said = log.read_text()
    assert alive == (kill_at is not None) and run.exitcode == (0 if kill_at is None else -9), said
    return said


@pytest.fixture(scope="module")
def straight(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A whole run without a stop."""
    folder = prepare(tmp_path_factory.mktemp("straight"))
    said = start(folder)
    assert "The generator is in run/round2/generator/final" in said
    return folder / "run"


def settings(folder: Path, *changes: str) -> AlignSettings:
    prepare(folder)
    files = [f"prompts.file={folder / 'prompts.txt'}", f"assessor_update.config={folder / 'stage2.toml'}"]
    return read_toml(AlignSettings, folder / "config.toml", [*files, f"out={folder / 'run'}", *changes])


def toy(place: Path) -> dict[str, torch.Tensor]:
    return torch.load(place / "weights.pt")


@pytest.mark.slow
def test_the_alternation(straight: Path) -> None:
    names = ["candidates", "generator", "pairs"]
    assert sorted(place.name for place in (straight / "round1").iterdir()) == names
    assert sorted(place.name for place in (straight / "round2").iterdir()) == ["assessor", *names[:1], "generator",
                                                                              "improved", "pairs"]  # fmt: skip
    first = read_pairs(straight / "round1" / "pairs" / "pairs.jsonl")
    assert 0 < len(first.pairs) <= 3 and len(list((straight / "round1").glob("candidates/*/*.mp4"))) == 12
    rows = [json.loads(line) for line in (straight / "round2/improved/improved.jsonl").read_text().splitlines()]
    losers = {pair.prompt: Path(pair.lose) for pair in first.pairs}
    for row in rows:  # the new best over the old loser
        assert "round2/candidates" in os.path.normpath(straight / "round2/improved" / row["path_a"])
        assert (straight / "round2/improved" / row["path_b"]).samefile(losers[row["prompt"]])
    before, after = weights(ASSESSOR), weights(straight / "round2" / "assessor" / "final")
    assert any(not torch.equal(before[name], after[name]) for name in before)
    zero, one, two = ToyGenerator().denoiser.state_dict(), *(
        toy(straight / f"round{n}" / "generator" / "final") for n in (1, 2)
    )  # fmt: skip
    assert not torch.equal(zero["say.weight"], one["say.weight"])
    assert not torch.equal(one["say.weight"], two["say.weight"])
    summary = json.loads((straight / "summary.json").read_text())
    assert [summary[f"round{n}/generator"]["updates"] for n in (1, 2)] == [6, 4]
    assert set(summary) == {f"round1/{name}" for name in names} | {
        f"round2/{name}" for name in (*names, "improved", "assessor")
    }
    assert summary["round1/candidates"]["diversity"] > 0 and summary["round1/generator"]["pairs"] == len(first.pairs)


@pytest.mark.full
@pytest.mark.slow
def test_killed_anywhere_is_straight_and_repeats_nothing(straight: Path, tmp_path: Path) -> None:
    prepare(tmp_path)
    run = tmp_path / "run"
    start(tmp_path, kill_at=run / "round1" / "candidates" / "candidates.jsonl")
    start(tmp_path, "--resume", kill_at=run / "round1" / "generator" / "checkpoint-4")
    made = {path: path.stat().st_mtime_ns for path in (run / "round1").glob("[cp]*/**/*") if path.is_file()}
    start(tmp_path, "--resume", kill_at=run / "round2" / "assessor" / "settings.json")
    start(tmp_path, "--resume")
    assert made == {path: path.stat().st_mtime_ns for path in made}
    for name in ("round1", "round2"):
        expected, found = toy(straight / name / "generator" / "final"), toy(run / name / "generator" / "final")
        assert all(torch.equal(expected[key], found[key]) for key in expected)
        pairs = Path(name) / "pairs" / "pairs.jsonl"
        assert (run / pairs).read_bytes() == (straight / pairs).read_bytes()
    finished = {path: path.stat().st_mtime_ns for path in run.rglob("*") if path.is_file()}
    start(tmp_path, "--resume")
    finished.pop(run / "summary.json")
    assert finished == {path: path.stat().st_mtime_ns for path in finished}


@pytest.mark.slow
def test_variants_take_what_exists(straight: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stage3_united, "open_generator", ToyGenerator)
    before = {path: path.stat().st_mtime_ns for path in straight.rglob("*")}
    reuse = {f"round{n}/{name}": straight / f"round{n}" / name for n, name in ((1, "generator"), (2, "candidates"))}
    changes = ["update_assessor=false", *(f"reuse.{name}={place}" for name, place in reuse.items())]
    final = stage3_united.align(
        settings(tmp_path, *changes, f"reuse.round2/pairs={straight / 'round1/pairs/pairs.jsonl'}")
    )
    assert final == tmp_path / "run/round2/generator/final"
    assert [place.name for place in (tmp_path / "run").iterdir() if place.is_dir()] == ["round2"]
    assert [place.name for place in (tmp_path / "run/round2").iterdir()] == ["generator"]
    assert before == {path: path.stat().st_mtime_ns for path in straight.rglob("*")}
    with pytest.raises(UsageError, match="holds a run already"):
        stage3_united.align(settings(tmp_path))
    with pytest.raises(UsageError, match=r"other settings \(dpo[,;]"):
        stage3_united.align(settings(tmp_path, *changes, "dpo.beta=7"), resume=True)
    with pytest.raises(UsageError, match=r"no such file or folder"):
        stage3_united.align(settings(tmp_path, "reuse.round1/pairs=gone.jsonl"), resume=True)


def test_a_step_leaves_alone_what_it_did_not_make(tmp_path: Path) -> None:
    foreign = tmp_path / "round1" / "pairs"
    foreign.mkdir(parents=True)
    (foreign / "pairs.jsonl").write_text("mine")
    steps = Artifacts(tmp_path, {})

    def never(place: Path) -> dict[str, Any]:
        raise AssertionError(place)

    with pytest.raises(UsageError, match="not made by the step"):
        steps.run("round1/pairs", {}, never)
    assert [path.name for path in foreign.iterdir()] == ["pairs.jsonl"]
    place = steps.run("round1/other", {"a": 1}, lambda place: {"made": (place / "x").write_text("x")})
    assert steps.run("round1/other", {"a": 1}, never) == place and steps.summaries() == {"round1/other": {"made": 1}}
    with pytest.raises(UsageError, match=r"other settings \(a;"):
        steps.run("round1/other", {"a": 2}, never)


def test_nothing_to_learn_from_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stage3_united, "open_generator", ToyGenerator)
    ties = tmp_path / "ties.jsonl"
    ties.write_text(json.dumps({"id": "0", "prompt": "x", "win": None, "lose": None, "reason": "all ties"}) + "\n")
    with pytest.raises(TrainingError, match=r"no usable pair.*1 all ties"):
        stage3_united.align(settings(tmp_path, "rounds=1", f"reuse.round1/pairs={ties}"))


def test_the_new_best_meets_the_old_loser() -> None:
    new = [Pair("0", "a", "a_new_best", "a_new_worst"), Pair("1", "b", "b_new_best", "b_new_worst")]
    old = [Pair("0", "a", "a_old_best", "a_old_worst")]
    assert stage3_united.new_over_old(new, old) == [Pair("0", "a", "a_new_best", "a_old_worst")]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("rounds=0", "rounds"),
        ("prompts.dataset=vidprom", "either file or dataset"),
        ("dpo.bata=3", "dpo.beta"),
        ("dpo_later.updats=3", r"dpo_later\.updates"),
        ("dpo_later=3", "dpo_later"),
        ("candidates=1", "candidates"),
        ("dpo.pairs_per_forward=3", "pairs_per_forward"),
    ],
)
def test_wrong_settings(tmp_path: Path, change: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        settings(tmp_path, change)


def test_learning_between_rounds_needs_to_know_how() -> None:
    with pytest.raises(ValueError, match="assessor_update"):
        AlignSettings.model_validate({"stage": "united", "out": "x", "prompts": {"dataset": "synthetic"}})


def test_a_later_round_keeps_what_it_is_not_told(tmp_path: Path) -> None:
    told = settings(tmp_path, "dpo_later.sft=2.5")
    assert told.dpo_of(1) == told.dpo and told.dpo.updates == 6
    assert told.dpo_of(2) == told.dpo_of(3) == told.dpo.model_copy(update={"updates": 4, "sft": 2.5})
    assert settings(tmp_path, "dpo_later={}").dpo_of(2) == told.dpo
    again = AlignSettings.model_validate(told.model_dump())  # as summaries store it
    assert again == told
    first, later = told.dpo, type(told.dpo)(updates=4, sft=2.5)  # from Python: what is unset is inherited too
    assert told.model_validate({**told.model_dump(), "dpo": first, "dpo_later": later}) == told


def test_the_plan_stops_at_what_exists(tmp_path: Path) -> None:
    told = settings(tmp_path)
    first = [f"round1/{name}" for name in ("candidates", "pairs", "generator")]
    second = [f"round2/{name}" for name in ("candidates", "improved", "assessor", "pairs", "generator")]
    assert stage3_united.plan(told, "round2/generator", set().__contains__) == [*first, *second]
    assert stage3_united.plan(told, "round1/pairs", set().__contains__) == first[:2]
    have = {"round1/generator", "round2/candidates"}.__contains__
    assert stage3_united.plan(told, "round2/generator", have) == [*first[:2], *second[1:]]
    alone = told.model_copy(update={"update_assessor": False})
    assert stage3_united.plan(alone, "round2/generator", have) == second[3:]
    assert stage3_united.plan(told, "round2/generator", {"round2/generator"}.__contains__) == []
