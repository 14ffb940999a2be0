"""VQ-Insight: a vision-language model learns, by reinforcement, to judge the quality of video.

>>> import vqinsight
>>> judge = vqinsight.load("nano")
>>> judge.score("clip.mp4", prompt="two red circles moving left").scores  # doctest: +SKIP

Importing the package imports neither torch nor transformers; the first call of ``load`` does.
"""

from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vqinsight.inference.api import VQInsight, load

__version__ = version("vqinsight")
__all__ = ["VQInsight", "__version__", "load"]


def __getattr__(name: str) -> Any:
    if name in ("VQInsight", "load"):
        return getattr(import_module("vqinsight.inference.api"), name)
    raise AttributeError(f"module 'vqinsight' has no attribute {name!r}")
