"""Our side of each adapter on what its real worker was asked and answered, with random weights.

``benchmarks.systems.run`` shows that these answers are those of the system's own script.
"""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from vqinsight.baselines.foreign.home import home_of
from vqinsight.baselines.foreign.process import WORKERS
from vqinsight.baselines.foreign.recipes import RECIPES
from vqinsight.baselines.foreign.system import ForeignSystem

RECORDED = Path(__file__).parent / "recorded"
EXAMPLES = Path(__file__).resolve().parents[3] / "examples"


def recorded(name: str) -> Any:
    return json.loads((RECORDED / f"{name}.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", sorted(path.stem for path in RECORDED.glob("*.json")))
def test_what_is_asked_and_answered(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe, clips = RECIPES[name], recorded(name)["clips"]
    assert recipe.code is not None
    assert recipe.code.commit == recorded(name)["commit"]
    monkeypatch.setenv("WORKERS", str(WORKERS))
    monkeypatch.setenv("RECORDED", str(RECORDED / f"{name}.json"))
    for part in [*(each.name for each in recipe.weights), recipe.code.needs]:
        (tmp_path / part).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / part).touch()
    home = home_of(recipe, python=sys.executable, code=str(tmp_path), weights=str(tmp_path))
    system = ForeignSystem(recipe, home, device="cpu", worker=Path(__file__).parent / "replay.py")
    try:
        for each in clips:
            scores = system.score(str(EXAMPLES / each["request"]["file"]), each["request"]["prompt"])
            assert scores == each["scores"]
            assert set(each["scores"]) == set(recipe.dimensions)
            for dimension, (lowest, highest) in system.ranges.items():
                assert lowest <= each["scores"][dimension] <= highest
    finally:
        system.close()


def test_the_original_decides_by_one_score(tmp_path: Path) -> None:
    recipe = replace(RECIPES["dover"], code=None, weights=())
    home = home_of(recipe, python=sys.executable, weights=str(tmp_path))
    scores = {"technical": 0.9, "aesthetic": 0.6, "quality": 0.3}
    assert ForeignSystem(recipe, home).overall(scores) == 0.3
    assert ForeignSystem(replace(recipe, decides=None), home).overall(scores) == pytest.approx(0.6)
