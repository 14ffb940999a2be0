"""VisionReward-Video on its own model."""

from __future__ import annotations

from vqinsight.baselines.foreign.recipe import Code, Recipe, Weights

RECIPES = (
    Recipe(
        name="visionreward",
        worker="visionreward.py",
        python="3.11",
        packages=("torch torchvision transformers==4.42.4 decord pytorchvideo einops 'numpy<2' pillow accelerate",),
        code=Code(
            "https://github.com/THUDM/VisionReward",
            "511960d61a777b2008cd486a85a090ba96792a32",
            "VisionReward_Video/VisionReward_video_qa_select.txt",
        ),
        sampling="one frame a second, at most 24",
        dimensions=("quality",),
        needs_prompt=True,
        weights=(Weights("VisionReward-Video", "hf download THUDM/VisionReward-Video --local-dir VisionReward-Video"),),
        licence="code Apache-2.0; weights not stated in the clone (CogVLM2's and Llama 3's licences bind their bases)",
        note="29 questions, greedy answers. Its network's code lies beside the weights on the hub, not in the clone: "
        "frames, questions and readout meet inference-video.py around a stand-in for the network.",
    ),
)
