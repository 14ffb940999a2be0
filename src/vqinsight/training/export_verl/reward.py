"""The reward of one answer, for verl: Eq. 3, 5, 6 and 7 and the format. Imports neither torch nor transformers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vqinsight.rewards.rubric import Completion, Group, Rubric
from vqinsight.settings.reader import Settings, read_settings
from vqinsight.settings.train import RewardSettings
from vqinsight.tasks.prompt_sets import SUFFIX, prompt_set
from vqinsight.tasks.types import Clip, Missing, Question, Score
from vqinsight.training.export_verl.labels import read_label

FILE = "rewards.json"  # in an export's folder
TOKENS = "answer_tokens"  # in extra_info: the length of the answer, which verl's text does not tell


class RewardFile(Settings):
    """``rewards.json``.

    Attributes:
        template: prompt set of the questions: a name, or a file in the same folder.
        parts: of ``rewards.rubric.PARTS``.
        rewards: their weights and the parameters of the equations.
    """

    template: str
    parts: tuple[str, ...]
    rewards: RewardSettings


class Reward:
    """The reward function of an export.

    Args:
        folder: of the export.

    Raises:
        UsageError: ``rewards.json`` or the prompt set it names cannot be read.
    """

    def __init__(self, folder: Path) -> None:
        given = read_settings(RewardFile, folder / FILE)
        template = str(folder / given.template) if given.template.endswith(SUFFIX) else given.template
        self.prompt_set = prompt_set(template)
        self.rubric = Rubric(given.rewards, given.parts)

    def __call__(self, solution: str, ground_truth: str, extra_info: Mapping[str, Any]) -> dict[str, float]:
        """The weighted sum of an answer's parts as ``score``, and the parts.

        Args:
            solution: the answer without special tokens.
            ground_truth: from ``labels.write_label``.
            extra_info: of the row, and under ``answer_tokens`` the number of the answer's tokens, end token included.

        Returns:
            ``score``; ``reward_NAME`` for each part, unweighted, NaN where it does not apply to the question;
            ``missing``, 1 where the answer cannot be read; and ``missing_dimensions``, how many of the question's
            dimensions have no value.

        Raises:
            ValueError: the length counts and is not there.
        """
        task = extra_info["task"]
        clips = (Clip("", extra_info["prompt"]),) * (2 if task == "compare" else 1)
        question = Question(task, clips, extra_info["text"])
        tokens = extra_info.get(TOKENS)
        if tokens is None and "length" in self.rubric.weights:
            raise ValueError(
                f"extra_info has no {TOKENS}, and Eq. 5 needs the length of the answer: start verl by launch.sh, with "
                "reward.reward_manager.name=vqinsight."
            )
        answer = self.prompt_set.parse(question, solution)
        completion = Completion(solution, answer, int(tokens or 0))
        dimensions = self.prompt_set.dimensions(question)
        [parts] = self.rubric.grade(Group(question, read_label(ground_truth), dimensions, (completion,)))
        named = {f"reward_{name}": math.nan if value is None else value for name, value in parts.items()}
        lacking = len(answer.missing) if isinstance(answer, Score) else len(dimensions)  # choices have no dimensions
        counts = {"missing": float(isinstance(answer, Missing)), "missing_dimensions": float(lacking)}
        return {"score": self.rubric.total(parts), **named, **counts}
