"""The public interface: one explicit list, lazy, and models by name."""

from __future__ import annotations

import subprocess
import sys
from inspect import signature

import pytest

import vqinsight
from vqinsight import errors
from vqinsight.assessor.families import FAMILIES
from vqinsight.assessor.recognise import RELEASED
from vqinsight.baselines.open import LOAD_OPTIONS

CHECK = """
import sys, vqinsight
assert not {"torch", "transformers", "numpy"} & set(sys.modules)
dir(vqinsight), vqinsight.__version__, vqinsight.UsageError, vqinsight.ClipScore, vqinsight.list_models()
assert not {"torch", "transformers"} & set(sys.modules)
"""


def test_importing_the_package_imports_neither_torch_nor_transformers() -> None:
    done = subprocess.run([sys.executable, "-c", CHECK], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_everything_public_is_there() -> None:
    assert set(vqinsight.__all__) == {
        "load", "read_results", "list_models", "VQInsight", "ClipScore", "ClipComparison", "ClipRanking", "ClipVerdict",
        "Reply", "Provenance", "VQInsightError", "UnreadableVideo", "UsageError", "ModelError", "TrainingError",
        "__version__",
        "reward", "Missing",
    }  # fmt: skip
    assert all(getattr(vqinsight, name) is not None for name in vqinsight.__all__)
    assert set(vqinsight.__all__) <= set(dir(vqinsight))
    assert vqinsight.UsageError is errors.UsageError
    with pytest.raises(AttributeError, match="no attribute 'laod'"):
        _ = vqinsight.laod


def test_models_are_those_that_the_loader_supports() -> None:
    models = vqinsight.list_models()
    assert {model.family for model in models} == set(FAMILIES)
    assert len({model.name for model in models}) == len(models)
    assert all(model.licence and model.command and model.source and model.higher_is_better for model in models)
    released = [model for model in models if model.state == "released"]
    assert all(model.name.startswith(f"{RELEASED}:") and model.template == "released" for model in released)
    image = next(model for model in released if model.tasks == ("image",))
    assert [(each.key, each.low, each.high) for each in image.scores["image"]] == [("quality", 1.0, 5.0)]
    pairs = next(model for model in released if model.tasks == ("compare",))
    assert pairs.scores == {}


def test_baselines_on_a_model_take_the_options_of_load() -> None:
    taken = set(signature(vqinsight.load).parameters) - {"model", "on_message"}
    assert set(LOAD_OPTIONS) == taken
