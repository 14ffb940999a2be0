"""A foreign system through a real worker process: every way in which it can fail is one clear line."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from vqinsight.baselines.foreign import system as foreign
from vqinsight.baselines.foreign.home import Home, home_of, other_commit
from vqinsight.baselines.foreign.process import WORKERS
from vqinsight.baselines.foreign.recipe import Code, Recipe, Weights
from vqinsight.baselines.foreign.recipes import RECIPES
from vqinsight.baselines.sampling import evenly
from vqinsight.errors import ModelError
from vqinsight.tasks.types import Missing
from vqinsight.video.read import iter_frames, probe

STAND_IN = Path(__file__).parent / "stand_in.py"
RECIPE = Recipe(
    name="stand_in",
    worker="stand_in.py",
    python="3.11",
    packages=("nothing",),
    sampling="four frames, evenly",
    choose=lambda total: evenly(total, 4),
    dimensions=("quality",),
    licence="none",
    weights=(Weights("model.bin", "true"),),
)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    monkeypatch.setenv("WORKERS", str(WORKERS))
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / "model.bin").write_bytes(bytes(100))
    return home_of(RECIPE, home=str(tmp_path), python=sys.executable)


@pytest.fixture
def opened(home: Home) -> Iterator[Callable[..., foreign.ForeignSystem]]:
    made: list[foreign.ForeignSystem] = []

    def build(recipe: Recipe = RECIPE, **options: Any) -> foreign.ForeignSystem:
        made.append(foreign.ForeignSystem(recipe, home, device="cpu", worker=STAND_IN, **options))
        return made[-1]

    yield build
    for each in made:
        each.close()


def reason(said: Any) -> str:
    assert isinstance(said, Missing)
    return said.reason


def test_frames_or_the_file_are_handed_over(opened: Any, clips: tuple[str, str], tmp_path: Path) -> None:
    system = opened()
    assert system.score(clips[0], "a cat") == {"quality": 4.0}
    assert "python" in system.versions
    assert 0 < system.peak_mib < 100  # of the worker alone: this process has taken more
    reads_files = opened(replace(RECIPE, choose=None))
    assert reads_files.score(clips[0]) == {"quality": 1.0}
    assert "reads whole files only" in reason(reads_files.score("synthetic:0"))
    assert "reads whole files only" in reason(reads_files.score(f"{clips[0]}#t=0,1"))


def test_what_decoders_do_not_read_is_handed_over_without_loss(opened: Any, tmp_path: Path) -> None:
    frames = np.random.default_rng(0).integers(0, 256, (6, 48, 64, 3), np.uint8)
    (tmp_path / "frames").mkdir()
    for index, frame in enumerate(frames):
        Image.fromarray(frame).save(tmp_path / "frames" / f"{index}.png")
    Image.fromarray(frames[0]).save(tmp_path / "still.png")
    gif_frames = [Image.fromarray(frame) for frame in frames]
    gif_frames[0].save(tmp_path / "a.gif", save_all=True, append_images=gif_frames[1:], duration=40)
    system, seen = opened(replace(RECIPE, choose=None)), []
    exchange = system._exchange

    def watched(request: dict[str, Any]) -> Any:
        info = probe(request["file"])
        seen.append((Path(request["file"]).name, np.stack([each for _, each in iter_frames(info, range(info.frames))])))
        return exchange(request)

    system._exchange = watched
    assert system.score(str(tmp_path / "frames")) == {"quality": 1.0}
    assert seen[0][0] == "frames.avi" and np.array_equal(seen[0][1], frames)
    assert system.score(str(tmp_path / "a.gif")) == {"quality": 1.0}
    assert seen[1][0] == "a.avi"
    gif = probe(tmp_path / "a.gif")
    assert np.array_equal(seen[1][1], np.stack([each for _, each in iter_frames(gif, range(gif.frames))]))
    assert "judges videos only" in reason(system.score(str(tmp_path / "still.png")))


def test_a_failure_is_of_one_clip_alone(opened: Any, clips: tuple[str, str]) -> None:
    system = opened()
    assert reason(system.score(clips[0], "fail")) == "stand_in: ValueError: no face in frame 3"
    assert reason(system.score(clips[0], "nan")) == "stand_in: quality is not a finite number"
    assert "other dimensions than it should: beauty, quality" in reason(system.score(clips[0], "other"))
    told = reason(system.score(clips[0], "crash"))
    assert told == "stand_in: its worker ended with exit code 3: CUDA error: an illegal memory access"
    assert system.score(clips[0], "a cat") == {"quality": 4.0}


def test_noise_on_the_pipe_is_no_answer(opened: Any, clips: tuple[str, str]) -> None:
    assert opened().score(clips[0], "noise") == {"quality": 4.0}


def test_a_hanging_worker_is_ended(opened: Any, clips: tuple[str, str]) -> None:
    system = opened(timeout=1)
    system.score(clips[0], "a cat")
    assert "took more than 1 s for one clip" in reason(system.score(clips[0], "hang"))
    assert system.score(clips[0], "a cat") == {"quality": 4.0}


def test_a_system_that_ends_clip_after_clip_is_broken(opened: Any, clips: tuple[str, str]) -> None:
    system = opened()
    assert "exit code 3" in reason(system.score(clips[0], "crash"))
    with pytest.raises(ModelError, match=r"with exit code 3: CUDA error.* on 2 clips in a row"):
        system.score(clips[0], "crash")


def test_memory_is_bounded(opened: Any, clips: tuple[str, str]) -> None:
    assert "MemoryError" in reason(opened(memory_gib=0.5).score(clips[0], "memory"))


def test_what_does_not_load_says_why(opened: Any, home: Home, clips: tuple[str, str]) -> None:
    (home.weights / "broken").touch()
    with pytest.raises(ModelError, match="RuntimeError: these weights are of another model"):
        opened().score(clips[0], "a cat")


def test_a_lacking_part_is_named(home: Home, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"no environment: .*/env/bin/python is no file. Give python=ENV/bin/python"):
        foreign.ForeignSystem(RECIPE, replace(home, python=tmp_path / "env/bin/python"))
    with pytest.raises(ModelError, match=r"no weights: .* has no model.bin. Give weights=FOLDER"):
        foreign.ForeignSystem(RECIPE, replace(home, weights=tmp_path))
    with_code = replace(RECIPE, code=Code("https://example.org/x", "0" * 40, "model.py"))
    with pytest.raises(ModelError, match=r"no code: .* has no model.py. Give code=CLONE"):
        foreign.ForeignSystem(with_code, replace(home, code=tmp_path))


def test_a_clone_at_another_commit_is_a_remark(home: Home, tmp_path: Path) -> None:
    (tmp_path / "model.py").touch()
    with_code = replace(RECIPE, code=Code("https://example.org/x", "0" * 40, "model.py"))
    assert "at an unknown commit; the adapter was written for 000000000000" in str(
        other_commit(with_code, replace(home, code=tmp_path))
    )
    assert other_commit(RECIPE, home) is None


def test_other_weights_have_another_digest(opened: Any, home: Home) -> None:
    before = opened().digest
    assert opened().digest == before
    (home.weights / "model.bin").write_bytes(bytes(99) + b"1")
    assert opened().digest != before


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=list(RECIPES))
def test_recipes_are_whole(recipe: Recipe) -> None:
    assert (WORKERS / recipe.worker).is_file()
    assert set(recipe.ranges) <= set(recipe.dimensions)
    assert recipe.choose is None or recipe.choose(1) == [0]
    assert recipe.code is None or len(recipe.code.commit) == 40
