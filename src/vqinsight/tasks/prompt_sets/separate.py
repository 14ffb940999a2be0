"""A short prompt set for the embedded model, which asks of a text by itself (``tasks.separate``)."""

from __future__ import annotations

from vqinsight.tasks.prompt_set import PromptSet
from vqinsight.tasks.types import ALIGNMENT, SPATIAL, TEMPORAL, percent

SEPARATE = PromptSet(
    name="separate",
    system="Judge the quality. First <think>, then <answer>.",
    scales={
        "image": (percent("quality", "overall quality of the image", 0),),
        "natural": (percent("quality", "overall quality of the video", 0),),
        "generated": (
            percent("spatial", SPATIAL, 0),
            percent("temporal", TEMPORAL, 0),
            percent("alignment", ALIGNMENT, 0),
        ),
        "alignment": (percent("alignment", ALIGNMENT, 0),),
    },
    wording={
        "image": "Rate this image.",
        "natural": "Rate this video.",
        "generated": "Rate this generated video.",
        "compare": "Which video is better?",
        "yesno": "{text} Yes or no?",
    },
    wording_with_prompt={
        "alignment": "Does it show this? Text: {text}",
        "compare": "Which video is better? Text: {text}",
    },
    clip_names=("A:", "B:"),
    choices={"A": "A", "B": "B", "tie": "tie"},
    separate=True,
)
