"""The prompt set for the released 7B weights: keys, ranges and options are theirs, the wording is ours."""

from __future__ import annotations

from vqinsight.tasks.prompt_set import PromptSet
from vqinsight.tasks.prompt_sets.standard import STANDARD
from vqinsight.tasks.types import Dimension

RELEASED = PromptSet(
    name="released",
    system=(
        "You assess images and videos for the user. First reason about the question inside <think> </think>, "
        "then give the final answer inside <answer> </answer>."
    ),
    scales={
        "image": (Dimension("quality", 1.0, 5.0, "overall quality of the image"),),
        "natural": STANDARD.scales["natural"],
        "generated": STANDARD.scales["generated"],
    },
    wording={
        "image": (
            "Rate the quality of this image. The rating is a number from 1 (very poor) to 5 (excellent) with two "
            'decimals. Give the final answer as JSON with the one key "rating".'
        ),
        "natural": (
            "Rate the quality of this video. The rating is a number from 0 (very poor) to 100 (excellent). "
            "Give only that number as the final answer."
        ),
        "generated": (
            "Rate this AI-generated video on its spatial quality (the look of single frames) and its temporal quality "
            "(the flow of the motion). Each rating is a number from 0 to 100 with two decimals. "
            'Give the final answer as JSON with the keys "spatial" and "temporal".'
        ),
        "compare": (
            "Judge both videos on visual quality, temporal consistency, dynamic degree and authenticity. Which one is "
            "better overall? The final answer is 'Video A' or 'Video B'."
        ),
        "yesno": "{text} The final answer is 'yes' or 'no'.",
    },
    wording_with_prompt={
        "generated": (
            "Rate this AI-generated video on its spatial quality (the look of single frames), its temporal quality "
            "(the flow of the motion) and its consistency with the text it was made from. The text: “{text}”\n"
            "Each rating is a number from 0 to 100 with two decimals. "
            'Give the final answer as JSON with the keys "spatial", "temporal" and "consistency".'
        ),
        "compare": (
            "Both videos were generated from the text: “{text}”\n"
            "Judge them on visual quality, temporal consistency, dynamic degree and authenticity. Which one is better "
            "overall? The final answer is 'Video A' or 'Video B'."
        ),
    },
    clip_names=("Video A:", "Video B:"),
    choices={"A": "Video A", "B": "Video B", "tie": "tie"},
    answer_keys={"quality": "rating", "alignment": "consistency"},
    bare_number=frozenset({"natural"}),
)
