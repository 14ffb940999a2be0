"""Pairs teach a generator: real clips, real updates, a real kill."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from helpers import process
from helpers.toy_generator import ToyGenerator, teach_toy
from helpers.toy_pairs import QUICK, preferred
from safetensors.torch import save_file

from vqinsight.errors import TrainingError, UsageError
from vqinsight.generator.dpo import pair_errors
from vqinsight.generator.dpo_trainer import train_dpo
from vqinsight.generator.latents import cached
from vqinsight.ranking.pairs_file import Pair, Pairs
from vqinsight.settings.dpo import DpoSettings


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> Pairs:
    return preferred(tmp_path_factory.mktemp("pairs"))


def log(out: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]


@pytest.mark.parametrize("rank", [0, 4], ids=["all", "lora"])
def test_it_starts_at_ln_2_and_learns_to_prefer(pairs: Pairs, tmp_path: Path, rank: int) -> None:
    generator = ToyGenerator()
    before = {name: weight.clone() for name, weight in generator.denoiser.state_dict().items()}
    final = train_dpo(generator, pairs, QUICK.model_copy(update={"lora_rank": rank, "updates": 30}), tmp_path, seed=5)
    rows = log(tmp_path)
    assert rows[0]["loss"] == pytest.approx(math.log(2), abs=1e-7) and rows[0]["drift"] == rows[0]["accuracy"] == 0
    assert rows[-1]["loss"] < 0.6 and rows[-1]["accuracy"] == 1 and rows[-1]["margin"] > 0 and rows[-1]["drift"] > 0
    done = json.loads((final / "dpo.json").read_text())
    assert (done["updates"], done["stopped"], done["pairs"]) == (30, None, 3)
    after = generator.denoiser.state_dict()
    if rank:  # the base's own weights stayed
        assert torch.equal(after["to_q.base_layer.weight"], before["to_q.weight"])
        assert torch.equal(after["say.weight"], before["say.weight"])
    else:
        assert not torch.equal(after["say.weight"], before["say.weight"])


def test_the_running_average_is_saved(pairs: Pairs, tmp_path: Path) -> None:
    """The first update counts whole; of the second 9 parts in 11, for an average is young at first."""
    saved = []
    for name, steps, ema in (("one", 1, 0.0), ("two", 2, 0.0), ("average", 2, 0.5)):
        final = train_dpo(
            ToyGenerator(), pairs, QUICK.model_copy(update={"updates": steps, "ema": ema}), tmp_path / name
        )
        saved.append(torch.load(final / "weights.pt"))
    one, two, average = saved
    assert any(not torch.equal(one[name], two[name]) for name in one)
    for name in one:
        torch.testing.assert_close(average[name], (2 * one[name] + 9 * two[name]) / 11)
    with pytest.raises(UsageError, match=r"without dpo\.ema"):
        longer = QUICK.model_copy(update={"updates": 4, "ema": 0.5})
        (tmp_path / "two" / "final" / "dpo.json").unlink()
        train_dpo(ToyGenerator(), pairs, longer, tmp_path / "two")


def test_the_seed_also_says_where_lora_begins(pairs: Pairs, tmp_path: Path) -> None:
    """Or two processes would add up the gradients of two different adapters."""
    settings, found = QUICK.model_copy(update={"lora_rank": 4, "updates": 2}), []
    for number in range(2):
        torch.manual_seed(number)
        generator = ToyGenerator()
        train_dpo(generator, pairs, settings, tmp_path / str(number), seed=3)
        found.append(generator.denoiser.state_dict())
    assert all(torch.equal(found[0][name], found[1][name]) for name in found[0])


def test_both_clips_of_a_pair_get_the_same_noise_at_the_same_time() -> None:
    generator, seen = ToyGenerator(), []
    add_noise = generator.add_noise

    def spied(latents: torch.Tensor, noise: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
        seen.append((noise, t))
        return add_noise(latents, noise, t)

    generator.add_noise = spied  # type: ignore[method-assign]
    generator.reset_reference()
    clip = torch.randn(2, *generator.latent_shape)
    t, noise = torch.tensor([0.2, 0.7]), torch.randn_like(clip)
    errors = pair_errors(generator, clip, clip + 1, noise, t, generator.encode_prompt(["a", "b"]))
    ((noises, times),) = seen
    assert torch.equal(noises[:2], noises[2:]) and torch.equal(times[:2], times[2:])
    assert torch.equal(errors.win_B, errors.win_reference_B) and errors.drift_B.sum() == 0
    same = pair_errors(generator, clip, clip, noise, t, generator.encode_prompt(["a", "b"]))
    assert torch.allclose(same.win_B, same.lose_B)


def test_the_run_stops_when_the_winners_are_forgotten(pairs: Pairs, tmp_path: Path) -> None:
    """A large step size drives both errors up; sft holds the winners' down."""
    wild = QUICK.model_copy(update={"updates": 200, "learning_rate": 0.05, "watch": 3, "max_rise": 0.05})
    done = json.loads((train_dpo(ToyGenerator(), pairs, wild, tmp_path / "wild") / "dpo.json").read_text())
    assert done["updates"] < 200 and "likelihood displacement" in done["stopped"] and done["rise"] > 0.05
    held = wild.model_copy(update={"sft": 500.0, "updates": 40})
    done = json.loads((train_dpo(ToyGenerator(), pairs, held, tmp_path / "held") / "dpo.json").read_text())
    assert done["stopped"] is None and done["rise"] < 0


def test_what_cannot_be_used(pairs: Pairs, tmp_path: Path) -> None:
    good = pairs.pairs[0]
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"nothing")
    some = Pairs((good, Pair("b", "x", good.win, str(broken))), {"all ties": 2})
    final = train_dpo(ToyGenerator(), some, QUICK.model_copy(update={"updates": 1}), tmp_path / "some")
    done = json.loads((final / "dpo.json").read_text())
    assert done["pairs"] == 1 and done["left_out"] == {"all ties": 2, "whose clips cannot be encoded": 1}
    with pytest.raises(TrainingError, match=r"no usable pair.*2 all ties"):
        train_dpo(ToyGenerator(), Pairs((), {"all ties": 2}), QUICK, tmp_path / "none")
    learned = ToyGenerator()
    learned.add_lora(2)
    with pytest.raises(UsageError, match="lora_rank"):
        train_dpo(learned, pairs, QUICK, tmp_path / "lora")
    with pytest.raises(ValueError, match="pairs_per_forward"):
        DpoSettings(pairs_per_update=4, pairs_per_forward=3)


def test_clips_of_another_shape_are_left_out(tmp_path: Path) -> None:
    for number, frames in enumerate((8, 8, 6)):
        clip = torch.zeros(4, frames, 2)
        save_file({"win": clip, "lose": clip.clone()}, tmp_path / f"{number:06d}.safetensors")
    kept, left_out = cached([Pair(str(n), "x", f"win{n}.mp4", f"lose{n}.mp4") for n in range(3)], tmp_path)
    assert [each.pair.id for each in kept] == ["0", "1"]
    assert len(left_out) == 1 and "win2.mp4" in left_out[0] and "(4, 6, 2)" in left_out[0]


def run(pairs: Pairs, out: Path, *, kill_at: Path | None = None, processes: int = 1) -> None:
    """Training in processes of its own, killed as soon as a file exists; several are started by torchrun."""
    given = out.with_suffix(".json")
    settings = QUICK.model_copy(update={"ema": 0.9}).model_dump(mode="json")
    given.write_text(json.dumps({"pairs": [vars(pair) for pair in pairs.pairs], "settings": settings, "out": str(out)}))
    if processes == 1:
        log = out.with_suffix(".log")
        alone = process.start(str(given), folder=out.parent, output=log, program=teach_toy)
        alive = process.kill_when(alone, lambda: kill_at is not None and kill_at.exists())
        assert alive == (kill_at is not None) and alone.exitcode == (0 if kill_at is None else -9), log.read_text()
        return
    paths = os.pathsep.join([str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", "")])
    command = [
        "-m",
        "torch.distributed.run",
        f"--nproc_per_node={processes}",
        "-m",
        "helpers.toy_generator",
        str(given),
    ]
    environment = os.environ | process.ENVIRONMENT | {"PYTHONPATH": paths}
    done = subprocess.run(
        [sys.executable, *command], env=environment, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def straight(pairs: Pairs, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("straight") / "run"
    run(pairs, out)
    return out


@pytest.mark.slow
def test_killed_is_straight(pairs: Pairs, straight: Path, tmp_path: Path) -> None:
    run(pairs, tmp_path / "killed", kill_at=tmp_path / "killed" / "checkpoint-4")
    assert not (tmp_path / "killed" / "final").exists()
    run(pairs, tmp_path / "killed")
    one, other = (torch.load(out / "final" / "weights.pt") for out in (straight, tmp_path / "killed"))
    assert all(torch.equal(one[name], other[name]) for name in one)
    assert log(straight) == log(tmp_path / "killed")


@pytest.mark.full
@pytest.mark.slow
def test_two_processes_do_what_one_does(pairs: Pairs, straight: Path, tmp_path: Path) -> None:
    run(pairs, tmp_path / "two", processes=2)
    one, two = (torch.load(out / "final" / "weights.pt") for out in (straight, tmp_path / "two"))
    assert all(torch.allclose(one[name], two[name], atol=1e-5) for name in one)
    for row, other in zip(log(straight), log(tmp_path / "two"), strict=True):
        assert other == pytest.approx(row, rel=1e-3, abs=1e-5)
