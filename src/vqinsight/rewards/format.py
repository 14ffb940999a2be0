"""The format reward: does a completion have the form that was asked for?"""

from __future__ import annotations

from vqinsight.tasks.parsing import TAG


def format_reward(completion: str) -> float:
    """1 if the completion is ``<think>…</think><answer>…</answer>`` and nothing else, 0 otherwise.

    Each tag stands exactly once and in this order, the answer is not empty, and blanks may stand between and around the
    two blocks. Only the completion is looked at: tags in the question have no say.
    """
    tags = list(TAG.finditer(completion))
    names = [tag[1] + tag[2].lower() for tag in tags]
    if names != ["think", "/think", "answer", "/answer"]:
        return 0.0
    outside = completion[: tags[0].start()] + completion[tags[1].end() : tags[2].start()] + completion[tags[3].end() :]
    answer = completion[tags[2].end() : tags[3].start()]
    return float(not outside.strip() and bool(answer.strip()))
