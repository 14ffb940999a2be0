"""Systems of the package t2v-metrics."""

from __future__ import annotations

from vqinsight.baselines.foreign.recipe import Code, Recipe, Weights

_CACHE = "HF_HUB_CACHE=. hf download"


def _snapshot(repository: str) -> Weights:
    """A hub repository in a folder that is a hub cache, from which the package reads by name."""
    return Weights("models--" + repository.replace("/", "--"), f"{_CACHE} {repository}")


RECIPES = (
    Recipe(
        name="clip_flant5",
        worker="t2v_vqascore.py",
        python="3.11",
        packages=(
            "torch",
            "transformers==4.49.0 sentencepiece protobuf opencv-python-headless pillow accelerate",
        ),
        code=Code(
            "https://github.com/linzhiqiu/t2v_metrics",
            "0bd9bfc68032ce4f9d5da80d646fa5ceb3b9bb1b",
            "t2v_metrics/models/vqascore_models/clip_t5_model.py",
        ),
        sampling="the first 36 frames, the last one repeated in a shorter clip; the mean of their scores",
        dimensions=("alignment",),
        ranges={"alignment": (0.0, 1.0)},
        needs_prompt=True,
        arguments=("--model", "clip-flant5-xxl"),
        weights=(
            _snapshot("zhiqiulin/clip-flant5-xxl"),
            _snapshot("google/flan-t5-xxl"),
            _snapshot("openai/clip-vit-large-patch14-336"),
        ),
        licence="code Apache-2.0; weights not stated in the clone",
        note="Version 3.0 of the package; 3.1 lacks CLIP-FlanT5. Frames, JPEG files and mean as in its "
        "genai_video_eval.py (avg_frames); its call on a video file pastes eight frames into one picture instead.",
    ),
)
