"""``--engine ray`` without a cluster: what is refused, what a worker makes of a block, and what is done again."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from helpers import records

from vqinsight.errors import ModelError, UnreadableVideo, UsageError

Run = Callable[..., Any]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["score", "a.mp4"], "--engine ray is for score and ask with a folder of results: --out results/"),
        (["score", "a.mp4", "--out", "r.csv"], "with a folder of results: --out results/"),
        (["compare", "a.mp4", "b.mp4"], "is for score and ask"),
        (["ask", "a.mp4", "Is it sharp?", "--out", "r/", "--url", "http://h"], "--url goes with --engine endpoint"),
        (["score", "a.mp4", "--out", "r/", "--device", "cuda:1"], "Ray gives each worker its device"),
        (["score", "a.mp4", "--out", "r/", "--address", "ray://h:1"], "write HOST:PORT, or auto"),
        (["score", "a.mp4", "--out", "r/"], "ray is not installed. Install it: pip install 'vqinsight[ray]'"),
        (["score", "a.mp4", "--engine", "local", "--actors", "2"], "--actors goes with --engine ray"),
    ],
)
def test_what_is_refused(run: Run, arguments: list[str], said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    for name in ("a.mp4", "b.mp4"):
        Path(name).touch()
    result = run(*arguments, *(() if "--engine" in arguments else ("--engine", "ray")))
    assert result.exit_code == 2 and said in " ".join(result.stderr.split())
    assert not Path("r").exists()


def test_workers_and_what_each_of_them_gets() -> None:
    from vqinsight.inference.ray_engine import share_of

    assert share_of({"CPU": 8.0}, None, "auto", alone=True) == {"actors": 1, "num_cpus": 8, "num_gpus": 0}
    assert share_of({"CPU": 8.0}, 3, "auto", alone=True) == {"actors": 3, "num_cpus": 2, "num_gpus": 0}
    two = {"CPU": 8.0, "GPU": 2.0}
    assert share_of(two, None, "auto", alone=True) == {"actors": 2, "num_cpus": 4, "num_gpus": 1}
    assert share_of(two, None, "auto", alone=False) == {"actors": 2, "num_cpus": 1, "num_gpus": 1}
    assert share_of(two, 4, "cpu", alone=True) == {"actors": 4, "num_cpus": 2, "num_gpus": 0}
    with pytest.raises(UsageError, match="the cluster has 2 GPUs"):
        share_of(two, 3, "auto", alone=True)
    with pytest.raises(UsageError, match="the cluster has no GPU"):
        share_of({"CPU": 8.0}, None, "cuda", alone=True)


def test_an_address_at_which_nothing_answers() -> None:
    from vqinsight.inference.ray_engine import _check_answer

    with socket.create_server(("127.0.0.1", 0)) as listening:
        address = f"127.0.0.1:{listening.getsockname()[1]}"
        _check_answer(address)
    for nowhere in (address, "127.0.0.1", "127.0.0.1:99999"):
        with pytest.raises(ModelError, match=rf"--address {nowhere}: no cluster answers .* Write HOST:PORT"):
            _check_answer(nowhere)


class Judge(records.FakeJudge):
    """Answers like a loaded model that tells the share of each clip."""

    def score_all(self, clips: Any, **settings: Any) -> Any:
        import torch

        for number, record in enumerate(super().score_all(clips, **settings)):
            if record.path == "lost.mp4":
                raise torch.AcceleratorError("the device is lost")
            settings["on_seconds"](number / 2)
            yield record


@pytest.fixture
def worker(run: Run, monkeypatch: pytest.MonkeyPatch) -> Any:
    from vqinsight.inference.ray_worker import Place, Worker

    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setitem(sys.modules, "vqinsight.inference.api", records.fake_api(Judge()))
    return Worker(Place(str(Path.cwd()), "1", {"model": "nano"}), "score", {"task": None, "samples": 1})


def test_a_block_of_clips_becomes_their_results(worker: Any) -> None:
    from vqinsight.inference.ray_worker import clip_block, read_block

    row = UnreadableVideo("gone.mp4", "no such file", "Check the list.")
    given = [(4, "a\udcff.mp4", "a 'dog'"), (2, row, None), (9, "mute.mp4", None)]
    found = list(read_block(worker(clip_block(given))))
    assert [(place, record.path, seconds) for place, record, seconds in found] == [
        (4, "a\udcff.mp4", 0.0),
        (2, "gone.mp4", 0.5),
        (9, "mute.mp4", 1.0),
    ]
    assert [record.status for _, record, _ in found] == ["ok", "unreadable", "missing"]
    [plain] = Judge().score_all([("a\udcff.mp4", "a 'dog'")], samples=1, on_seconds=id)
    assert found[0][1].as_dict() == {**plain.as_dict(), "provenance": found[0][1].as_dict()["provenance"]}
    assert {record.provenance.engine for _, record, _ in found} == {"ray"}


def test_a_worker_that_loses_its_device_ends(worker: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from vqinsight.inference.ray_worker import clip_block

    def end(code: int) -> None:
        raise SystemExit(code)

    monkeypatch.setattr(os, "_exit", end)
    with pytest.raises(SystemExit):
        worker(clip_block([(0, "lost.mp4", None)]))


@pytest.mark.parametrize("verb", ["score", "ask"])
def test_clips_of_a_block_that_is_left_out_are_asked_one_by_one(verb: str) -> None:
    from vqinsight.inference.ray_engine import TRIES, RayJudge
    from vqinsight.inference.ray_worker import About, Place

    sizes: list[int] = []

    class Deadly(RayJudge):
        def _pass(self, blocks: Any, arguments: Any) -> Any:
            assert arguments[1:] == (verb, {**about, **sampling})
            for block in blocks:
                sizes.append(block.num_rows)
                if 20 not in block["place"].to_pylist():
                    yield from ((place, made, 0.5) for place in block["place"].to_pylist())

    about: dict[str, Any] = {"task": None} if verb == "score" else {"question": "Is it sharp?"}
    sampling = {"samples": 5, "seed": 3, "temperature": 0.7}
    made = records.score("a.mp4")
    about_model = About(made.provenance, {"weights": "0123"}, {}, ())
    judge = Deadly(None, Place("/", None, {}), about_model, {"actors": 1, "num_cpus": 1, "num_gpus": 0})
    found = list(judge.judge_all(verb, [(f"{number}.mp4", None) for number in range(80)], about, **sampling))
    assert sizes == [32, 32, 16] + [1] * 32 and sorted(place for place, _, _ in found) == list(range(80))
    place, failed, seconds = found[-1]
    assert (place, failed.path, failed.status, seconds) == (20, "20.mp4", "failed", None)
    assert failed.error and failed.error.startswith(f"20.mp4: the process of a worker ended {TRIES} times on it alone.")
    assert (failed.provenance.samples, failed.provenance.seed, failed.provenance.temperature) == (5, 3, 0.7)
    assert judge.settings(**sampling) == {"weights": "0123", **sampling, "engine": made.provenance.engine}
