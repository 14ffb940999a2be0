"""VQ-Insight: a vision-language model that judges video quality, trained with reinforcement learning (GRPO).

>>> import vqinsight
>>> judge = vqinsight.load("nano")
>>> judge.score("clip.mp4", prompt="two red circles moving left").scores  # doctest: +SKIP

Importing the package imports neither torch nor transformers; ``vqinsight.load`` does. In this folder:

* ``errors``: the errors a user can meet
* ``results``: records of scores, comparisons, rankings and verdicts
* ``__main__``: ``python -m vqinsight``
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vqinsight.common.version import __version__
    from vqinsight.errors import ModelError, TrainingError, UnreadableVideo, UsageError, VQInsightError
    from vqinsight.inference.api import VQInsight, load
    from vqinsight.inference.models import list_models
    from vqinsight.report.store import read_results
    from vqinsight.results import ClipComparison, ClipRanking, ClipScore, ClipVerdict, Provenance, Reply
    from vqinsight.serving.reward import reward
    from vqinsight.tasks.types import Missing

__all__ = [
    "ClipComparison",
    "ClipRanking",
    "ClipScore",
    "ClipVerdict",
    "Missing",
    "ModelError",
    "Provenance",
    "Reply",
    "TrainingError",
    "UnreadableVideo",
    "UsageError",
    "VQInsight",
    "VQInsightError",
    "__version__",
    "list_models",
    "load",
    "read_results",
    "reward",
]

_RESULTS = ("ClipComparison", "ClipRanking", "ClipScore", "ClipVerdict", "Provenance", "Reply")
_ERRORS = ("ModelError", "TrainingError", "UnreadableVideo", "UsageError", "VQInsightError")
_MODULES = {
    "VQInsight": "inference.api",
    "load": "inference.api",
    "list_models": "inference.models",
    "read_results": "report.store",
    "reward": "serving.reward",
    "Missing": "tasks.types",
    "__version__": "common.version",
    **dict.fromkeys(_RESULTS, "results"),
    **dict.fromkeys(_ERRORS, "errors"),
}


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return getattr(import_module(f"vqinsight.{_MODULES[name]}"), name)
    raise AttributeError(f"module 'vqinsight' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
