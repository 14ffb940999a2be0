"""Our side of each foreign system, against what its worker was really asked and answered on two clips."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from vqinsight.baselines.foreign.home import home_of
from vqinsight.baselines.foreign.process import WORKERS
from vqinsight.baselines.foreign.recipes import RECIPES
from vqinsight.baselines.foreign.system import ForeignSystem
from vqinsight.tasks.types import Preference

HERE = Path(__file__).parent
EXAMPLES = HERE.parents[2] / "examples"
RECORDED = sorted((HERE / "recorded").glob("*.json"))


@pytest.mark.parametrize("file", RECORDED, ids=[file.stem for file in RECORDED])
def test_a_system_is_asked_and_understood_as_recorded(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorded = json.loads(file.read_text(encoding="utf-8"))
    recipe = RECIPES[file.stem]
    monkeypatch.setenv("WORKERS", str(WORKERS))
    monkeypatch.setenv("RECORDED", str(file))
    home = home_of(recipe, home=str(tmp_path), python=sys.executable)
    for each in recipe.weights:
        (home.weights / each.name).mkdir(parents=True)
    if recipe.code is not None and home.code is not None:
        (home.code / recipe.code.needs).mkdir(parents=True)
    first, second = (one["clip"] for one in recorded["exchanges"])
    wanted = {one["clip"]: one["scores"] for one in recorded["exchanges"]}
    system = ForeignSystem(recipe, home, device="cpu", worker=HERE / "replay.py")
    try:
        for clip, scores in wanted.items():
            said = system.score(str(EXAMPLES / clip), recorded["prompt"])
            assert said == pytest.approx(scores)
            for key, (low, high) in recipe.ranges.items():
                assert low <= scores[key] <= high
        better = "A" if sum(wanted[first].values()) > sum(wanted[second].values()) else "B"
        pair = (str(EXAMPLES / first), str(EXAMPLES / second))
        assert system.compare(*pair, recorded["prompt"]) == Preference(better)
    finally:
        system.close()
