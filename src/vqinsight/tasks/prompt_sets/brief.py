"""A short prompt set for the embedded model, whose context is short."""

from __future__ import annotations

from vqinsight.tasks.prompt_set import PromptSet
from vqinsight.tasks.types import ALIGNMENT, SPATIAL, TEMPORAL, percent

BRIEF = PromptSet(
    name="brief",
    system="Judge the quality. First <think>, then <answer>.",
    scales={
        "image": (percent("quality", "overall quality of the image", 0),),
        "natural": (percent("quality", "overall quality of the video", 0),),
        "generated": (
            percent("spatial", SPATIAL, 0),
            percent("temporal", TEMPORAL, 0),
            percent("alignment", ALIGNMENT, 0),
        ),
    },
    wording={
        "image": "Rate this image.",
        "natural": "Rate this video.",
        "generated": "Rate this generated video.",
        "compare": "Which video is better?",
        "yesno": "{text} Yes or no?",
    },
    wording_with_prompt={
        "generated": "Rate this generated video. Text: {text}",
        "compare": "Which video is better? Text: {text}",
    },
    clip_names=("A:", "B:"),
    choices={"A": "A", "B": "B", "tie": "tie"},
)
