"""The data of a run: one seeded sequence of examples from the named datasets."""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence
from typing import get_args, overload

from vqinsight.datasets import DATASETS, Download, synthetic
from vqinsight.datasets.synthetic import SyntheticExamples
from vqinsight.datasets.varied import VariedExamples
from vqinsight.errors import UsageError
from vqinsight.settings.train import DataSettings, TrainSettings
from vqinsight.tasks.mixture import Mixture, Share, orders
from vqinsight.tasks.prompt_set import PromptSet
from vqinsight.tasks.separate import example_parts
from vqinsight.tasks.types import Example, Preference, TaskName

logger = logging.getLogger(__name__)


def mixture(settings: TrainSettings, tasks: Sequence[TaskName]) -> Mixture:
    """Every question of the run in order, as many as its updates need.

    Args:
        tasks: of the stage; examples of others are an error.

    Raises:
        UsageError: a dataset is empty, or has questions of another task; or ``updates`` is missing where the data has
            no end.
    """
    shares = []
    for number, data in enumerate(settings.data):
        examples = load(data)
        if not examples:
            raise UsageError(f"data.{number} ({data.dataset}) yields no questions. See 'vqinsight data check'.")
        if examples[0].question.task not in tasks:
            raise UsageError(
                f"data.{number} ({data.dataset}) asks {examples[0].question.task!r}, which stage {settings.stage!r} "
                f"does not teach; it takes {', '.join(tasks)}."
            )
        asked = float(len(examples) * orders(examples))
        shares.append(Share(examples, data.weight if data.weight is not None else asked))
    return Mixture(shares, _questions(settings, shares), settings.seed)


def load(data: DataSettings) -> Sequence[Example]:
    """The examples of one ``[[data]]``; ties, which no answer of Eq. 7 can match, are left out and counted."""
    if data.dataset == "synthetic":
        task = data.task or "generated"
        if task not in get_args(TaskName):
            raise UsageError(f"data: unknown task {task!r}. Known: {', '.join(get_args(TaskName))}")
        if data.split == "varied":
            return VariedExamples(task, "train", data.start, data.count or 1_000_000)  # type: ignore[arg-type]
        if data.split not in (None, "train", "held_out"):
            raise UsageError(f"data: the synthetic set has the splits train, varied and held_out, not {data.split!r}")
        if task not in synthetic.TASKS:
            raise UsageError(f'data: clips of split {data.split or "train"} have no task {task!r}: split = "varied"')
        split = data.split or "train"
        return SyntheticExamples(task, split, data.start, data.count or 1_000_000)  # type: ignore[arg-type]
    if data.dataset not in DATASETS:
        raise UsageError(f"data: unknown dataset {data.dataset!r}. Known: synthetic, {', '.join(DATASETS)}")
    if data.dir is None:
        raise UsageError(f"data: {data.dataset} needs dir, the folder of its download")
    dataset = DATASETS[data.dataset]
    download = dataset.load(data.dir, data.split or dataset.splits[0])
    if not isinstance(download, Download):
        raise UsageError(f"data: {data.dataset} holds prompts, not questions with answers")
    if download.missing or download.left_out:
        logger.warning(
            "%s: %d clips are missing, %d label rows left out; 'vqinsight data check %s' names them",
            data.dataset,
            len(download.missing),
            len(download.left_out),
            data.dir,
        )
    examples = [each for each in download.examples if data.task in (None, each.question.task)]
    decided = [each for each in examples if each.answer != Preference("tie")]
    if len(decided) < len(examples):
        logger.info("%s: %d ties are left out", data.dataset, len(examples) - len(decided))
    end = data.start + data.count if data.count is not None else None
    return decided[data.start : end]


def _questions(settings: TrainSettings, shares: Sequence[Share]) -> int:
    rollouts = settings.grpo.updates_per_rollout
    if settings.updates is not None:
        return math.ceil(settings.updates / rollouts) * settings.questions_per_update
    if any(isinstance(share.examples, SyntheticExamples) for share in shares):
        raise UsageError("the synthetic set has no end: say how many updates with updates = …")
    total = settings.epochs * sum(len(share.examples) * orders(share.examples) for share in shares)
    return math.ceil(total / settings.questions_per_update) * settings.questions_per_update


def separated(examples: Sequence[Example], asked: PromptSet) -> Sequence[Example]:
    """The examples as a prompt set asks them: of one that is asked separately each place takes a part in turn."""
    return _Separated(examples, asked) if asked.separate else examples


class _Separated(Sequence[Example]):
    def __init__(self, examples: Sequence[Example], asked: PromptSet) -> None:
        self._examples, self._asked = examples, asked

    def __len__(self) -> int:
        return len(self._examples)

    @overload
    def __getitem__(self, index: int) -> Example: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Example]: ...
    def __getitem__(self, index: int | slice) -> Example | Sequence[Example]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        example = self._examples[index]
        found = example_parts(self._asked, example)
        if not found:
            raise UsageError(
                f"{example.id}: has a label for agreement with its text only, which template {self._asked.name!r} does "
                "not understand. Leave it out."
            )
        return found[index % len(found)]
