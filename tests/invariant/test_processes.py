"""Two processes do what one does, also when a group of answers straddles them."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from helpers import process, runs

from vqinsight.errors import UsageError
from vqinsight.training import run
from vqinsight.weights import ASSESSOR


@pytest.mark.slow
@pytest.mark.parametrize("stage", ["temporal", pytest.param("sft", marks=pytest.mark.full)])
def test_two_processes_are_one(stage: str, straight: Callable[..., Path]) -> None:
    """One process takes 8 answers at once; each of two takes 2, so that the 4 answers of a group lie on both."""
    if stage == "temporal":
        one = straight(*runs.COMPARED)
        both = straight(*runs.COMPARED, *runs.ON_TWO, processes=2)
    else:
        one = straight(*runs.COMPARED, *runs.SFT, "--set", "answers_per_forward=2")
        both = straight(*runs.COMPARED, *runs.SFT, processes=2)
    if stage == "temporal":
        samples = [(out / "samples.md").read_text() for out in (one, both)]
        assert samples[0] == samples[1]
        assert "Shuffled in time" in samples[0]
    expected, found = runs.weights(one / "final"), runs.weights(both / "final")
    begun = runs.weights(ASSESSOR)
    assert any(not torch.equal(expected[name], begun[name]) for name in expected)
    for name, weight in expected.items():
        moved = (weight - begun[name]).norm()
        assert (found[name] - weight).norm() <= 2e-3 * moved + 1e-7, name


@pytest.mark.full
@pytest.mark.slow
def test_two_nodes_are_one(tmp_path: Path, straight: Callable[..., Path]) -> None:
    """As the documents start them, a process a node; the nodes share no folder, and the first keeps the model."""
    given = (*runs.COMPARED, *runs.ON_TWO)
    one = straight(*given, processes=2)
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = free.getsockname()[1]
    started = []
    for rank in range(2):
        node = tmp_path / f"node{rank}"
        node.mkdir()
        runs.prepare(node)
        launcher = ("--nnodes", "2", "--node-rank", str(rank), "--rdzv-endpoint", f"localhost:{port}")
        program = ("-m", "torch.distributed.run", *launcher, "--nproc-per-node", "1", "-m", "vqinsight")
        with (node / "log.txt").open("w") as log:
            started.append(
                subprocess.Popen(
                    [sys.executable, *program, "train", "config.toml", *given],
                    cwd=node,
                    env=os.environ | process.ENVIRONMENT,
                    stdout=log,
                    stderr=log,
                )
            )
    codes = [each.wait(timeout=600) for each in started]
    assert codes == [0, 0], "".join((tmp_path / f"node{rank}" / "log.txt").read_text() for rank in range(2))
    expected, found = runs.weights(one / "final"), runs.weights(tmp_path / "node0" / "run" / "final")
    assert all(torch.equal(found[name], weight) for name, weight in expected.items())
    assert (tmp_path / "node0" / "run" / "samples.md").read_text() == (one / "samples.md").read_text()
    assert not (tmp_path / "node1" / "run" / "final").exists()


def test_nodes_that_hold_different_checkpoints_do_not_go_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given = runs.settings(tmp_path)
    (given.out / "checkpoint-2").mkdir(parents=True)
    (given.out / "checkpoint-2" / "trainer_state.json").write_text("{}")
    two = SimpleNamespace(num_processes=2, is_main_process=True, wait_for_everyone=lambda: None)
    monkeypatch.setattr(run, "processes", lambda: two)
    monkeypatch.setattr(run, "gather_object", lambda mine: [*mine, []])
    with pytest.raises(UsageError, match="not the same folder on all nodes"):
        run.prepare_run_dir(given, resume=True)
    monkeypatch.setattr(run, "gather_object", lambda mine: [*mine, *mine])
    run.prepare_run_dir(given, resume=True)
    assert (given.out / "settings.json").is_file()
