"""Whether all that a foreign system needs is there and works, part by part."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from time import perf_counter

from vqinsight.baselines.base import Baseline
from vqinsight.baselines.foreign.home import Home, lacking, other_commit
from vqinsight.baselines.foreign.recipe import Recipe
from vqinsight.baselines.foreign.system import ForeignSystem
from vqinsight.errors import ModelError, UnreadableVideo
from vqinsight.tasks.types import Missing


@dataclass(frozen=True)
class Finding:
    """One line of a check.

    Attributes:
        ok: whether it is as it should be; a warning is.
        text: one sentence.
    """

    ok: bool
    text: str


def check(recipe: Recipe, home: Home, clip: str, prompt: str, build: Callable[[], Baseline]) -> Iterator[Finding]:
    """Look for the parts, then load the system and score one clip.

    Args:
        clip: a video file that can be read.
        prompt: the text that goes with it.
        build: opens the system.
    """
    if found := lacking(recipe, home):
        yield from (Finding(False, text) for text in found)
        return
    yield Finding(True, f"environment: {home.python}")
    if recipe.code is not None:
        yield Finding(True, other_commit(recipe, home) or f"code: {home.code}, at {recipe.code.commit[:12]}")
    for each in recipe.weights:
        yield Finding(True, f"weights: {home.weights / each.name}")
    system = build()
    assert isinstance(system, ForeignSystem)
    begin = perf_counter()
    try:
        said = system.score(clip, prompt)
    except (ModelError, UnreadableVideo) as error:
        yield Finding(False, str(error))
        return
    finally:
        system.close()
    seconds = perf_counter() - begin
    packages = ", ".join(f"{name} {version}" for name, version in system.versions.items())
    yield Finding(True, f"loads: {packages}")
    if isinstance(said, Missing):
        yield Finding(False, f"{clip}: {said.reason}")
        return
    values = ", ".join(f"{name} {value:.4g}" for name, value in said.items())
    yield Finding(True, f"{clip}: {values} ({seconds:.1f} s with loading, {system.peak_mib} MiB)")
