"""VQA²."""

from __future__ import annotations

from vqinsight.baselines.foreign.recipe import Code, Recipe, Weights

_MODEL = "VQA-UGC-Scorer-llava_qwen"

RECIPES = (
    Recipe(
        name="vqa2",
        worker="vqa2.py",
        python="3.11",
        packages=(
            "torch==2.13.0 torchvision==0.28.0 transformers==4.44.0 accelerate==0.29.3 numpy==1.26.4 pillow==10.4.0"
            " decord==0.6.0 av scipy einops timm==1.0.9 open_clip_torch requests pyyaml fvcore iopath parameterized"
            " networkx",
            "--no-deps pytorchvideo==0.1.5",
        ),
        sampling="one frame a second and, for motion, every frame, decoded by decord",
        dimensions=("quality",),
        ranges={"quality": (0.2, 1.0)},
        code=Code(
            repository="https://github.com/Q-Future/Visual-Question-Answering-for-Video-Quality-Assessment",
            commit="4a311a1e5b06b33ae4936addac7c4edde1ea4157",
            needs="quality_scoring/llava/eval/model_score_UGC_video.py",
        ),
        weights=(
            Weights(_MODEL, f"hf download q-future/{_MODEL} --local-dir {_MODEL}"),
            Weights("slowfast.pth", "hf download JZHWS/slowfast slowfast.pth --local-dir ."),
        ),
        arguments=("--model", _MODEL),
        licence="code Apache-2.0; weights Apache-2.0 by their hub page",
        note="Its scorer for user videos, from low 0.2 to high 1; memory grows with the clip's length.",
    ),
)
