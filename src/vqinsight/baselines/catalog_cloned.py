"""Systems that run on models loaded here, with wordings or questions from a clone of their public code."""

from __future__ import annotations

from collections.abc import Callable

from vqinsight.baselines import builders
from vqinsight.baselines.base import Baseline, System

_RATED = ("spatial", "temporal", "dynamic", "alignment", "factual")
_THREE = ("spatial", "alignment", "factual")
_UNIFIED = "https://github.com/CodeGoat24/UnifiedReward"


def _cloned(
    name: str,
    title: str,
    build: Callable[..., Baseline],
    licence: str,
    repository: str,
    weights: str,
    *,
    dimensions: tuple[str, ...],
    note: str,
) -> System:
    return System(
        name=name,
        title=title,
        state="needs weights",
        licence=licence,
        source=repository,
        extra=None,
        command=f"git clone {repository} CLONE; hf download {weights}; then code=CLONE",
        dimensions=dimensions,
        note=note,
        build=build,
    )


CLONED = (
    _cloned(
        "videoscore",
        "VideoScore",
        builders.videoscore,
        "code MIT; weights Apache-2.0 by their hub page",
        "https://github.com/TIGER-AI-Lab/VideoScore",
        "TIGER-Lab/VideoScore",
        dimensions=_RATED,
        note="Sees 16 frames, as its script; model=TIGER-Lab/VideoScore-v1.1 takes frames=48. Unrounded. Agrees with "
        "its script on random weights of reduced size, never run on the released ones.",
    ),
    _cloned(
        "videoscore2",
        "VideoScore2",
        builders.videoscore2,
        "code: not stated; weights Apache-2.0 by their hub page",
        "https://github.com/TIGER-AI-Lab/VideoScore2",
        "TIGER-Lab/VideoScore2",
        dimensions=_THREE,
        note="Its script draws an answer at temperature 0.7; here the most likely one is read. Tested on tiny random "
        "weights, never run on the released ones.",
    ),
    _cloned(
        "visionreward_questions",
        "VisionReward's questions on a Qwen-VL",
        builders.visionreward_questions,
        "questions and weights of the sum Apache-2.0; the model's",
        "https://github.com/THUDM/VisionReward",
        "Qwen/Qwen2.5-VL-7B-Instruct",
        dimensions=("quality",),
        note="Not VisionReward: its 29 weighted yes/no questions, put to a model not taught for them. Tested on tiny "
        "random weights of four families.",
    ),
    _cloned(
        "unifiedreward2",
        "UnifiedReward-2.0",
        builders.unifiedreward2,
        "code MIT; weights: see the hub page",
        _UNIFIED,
        "CodeGoat24/UnifiedReward-2.0-qwen3vl-8b",
        dimensions=_THREE,
        note="On Qwen2.5-VL, Qwen3-VL or Qwen3.5, with frames as images: 16 of one clip, 8 of each of two. Their "
        "server may draw answers; here the most likely one is read. Pairs in both orders.",
    ),
    _cloned(
        "unifiedreward2_think",
        "UnifiedReward-Think on Qwen3",
        builders.unifiedreward2_think,
        "code MIT; weights: see the hub page",
        _UNIFIED,
        "CodeGoat24/UnifiedReward-Think-qwen3vl-8b",
        dimensions=(),
        note="Compares only; on Qwen3-VL or Qwen3.5, 8 frames of each clip as images. Their server may draw answers; "
        "here the most likely one is read. Pairs in both orders.",
    ),
)
