"""The format reward."""

from __future__ import annotations

from vqinsight.tasks.parsing import TAG


def format_reward(completion: str) -> float:
    """1 if the completion is ``<think>…</think><answer>…</answer>`` and nothing else, 0 otherwise.

    Each tag occurs exactly once and in this order, the answer is not empty, and whitespace may surround the two blocks.
    Only the completion counts; tags in the question are ignored.
    """
    tags = list(TAG.finditer(completion))
    names = [tag[1] + tag[2].lower() for tag in tags]
    if names != ["think", "/think", "answer", "/answer"]:
        return 0.0
    outside = completion[: tags[0].start()] + completion[tags[1].end() : tags[2].start()] + completion[tags[3].end() :]
    answer = completion[tags[2].end() : tags[3].start()]
    return float(not outside.strip() and bool(answer.strip()))
