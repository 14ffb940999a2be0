"""The prompt set for any vision-language model, in full sentences."""

from __future__ import annotations

from vqinsight.tasks.prompt_set import PromptSet
from vqinsight.tasks.types import ALIGNMENT, SPATIAL, TEMPORAL, percent

STANDARD = PromptSet(
    name="standard",
    system=(
        "You judge the quality of images and videos from what you see in them. "
        "First think inside <think> </think>: describe what is shown, what is good about it and which defects you see. "
        "Then give your final answer inside <answer> </answer>, and nothing else there."
    ),
    scales={
        "image": (percent("quality", "overall quality of the image"),),
        "natural": (percent("quality", "overall quality of the video"),),
        "generated": (
            percent("spatial", SPATIAL),
            percent("temporal", TEMPORAL),
            percent("alignment", ALIGNMENT),
        ),
    },
    wording={
        "image": (
            "How good is the quality of this image? Look at sharpness, noise, compression, exposure and colour. "
            'Answer with a JSON object whose one key is "quality": a number from 0 (worst) to 100 (best), two decimals.'
        ),
        "natural": (
            "How good is the quality of this video? Look at sharpness, noise, compression, exposure, and at how steady "
            "and smooth it is over time. "
            'Answer with a JSON object whose one key is "quality": a number from 0 (worst) to 100 (best), two decimals.'
        ),
        "generated": (
            "This video was made by a generative model. Rate it on two dimensions: spatial quality (are the frames "
            "sharp, clean and well-formed?) and temporal quality (is the motion smooth, consistent and plausible?). "
            'Answer with a JSON object with the keys "spatial" and "temporal": for each a number from 0 (worst) to '
            "100 (best), two decimals."
        ),
        "compare": (
            "Which of the two videos is better overall? Weigh the quality of the frames and of the motion. "
            "Answer Video A or Video B."
        ),
        "yesno": "{text} Answer yes or no.",
    },
    wording_with_prompt={
        "generated": (
            "This video was made by a generative model from the text: “{text}”\n"
            "Rate it on three dimensions: spatial quality (are the frames sharp, clean and well-formed?), temporal "
            "quality (is the motion smooth, consistent and plausible?) and alignment (does it show what the text "
            "says?). "
            'Answer with a JSON object with the keys "spatial", "temporal" and "alignment": for each a number from '
            "0 (worst) to 100 (best), two decimals."
        ),
        "compare": (
            "Both videos were made from the text: “{text}”\n"
            "Which of the two is better overall? Weigh the quality of the frames and of the motion, and how well each "
            "shows what the text says. Answer Video A or Video B."
        ),
    },
    clip_names=("Video A:", "Video B:"),
    choices={"A": "Video A", "B": "Video B", "tie": "tie"},
)
