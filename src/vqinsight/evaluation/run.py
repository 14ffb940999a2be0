"""Runs a predictor on a benchmark; stored answers are not asked again."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from vqinsight.errors import UsageError
from vqinsight.evaluation.prediction_file import PredictionFile
from vqinsight.evaluation.predictor import PredictedExample, Predictor
from vqinsight.tasks.types import Example

BATCH = 16  # questions per batch


def run_benchmark(
    judge: Predictor,
    examples: Sequence[Example],
    file: PredictionFile,
    *,
    batch: int = BATCH,
    on_progress: Callable[[int, int], None] | None = None,
) -> list[PredictedExample]:
    """Ask the questions without an answer in the file, and return every example with its prediction, in order.

    When the run ends early, by an error or Ctrl-C, the answers so far are in the file. Unreadable clips are tried again
    on the next run.

    Args:
        batch: questions per call of the predictor; answers do not depend on it.
        on_progress: called with (examples answered, all examples).

    Raises:
        UsageError: no examples, a duplicate id, or as for ``PredictionFile``.
    """
    if not examples:
        raise UsageError("There are no questions to ask: no label has its clips on the disk.")
    if len({example.id for example in examples}) < len(examples):
        raise UsageError("Several items have the same id. Each needs one of its own.")
    wanted = file.open_questions(examples)
    done = len(examples) - len(wanted)
    with file:
        for start in range(0, len(wanted), batch):
            if on_progress is not None:
                on_progress(done + start, len(examples))
            asked = wanted[start : start + batch]
            file.add(PredictedExample(e, said) for e, said in zip(asked, judge.answer(asked), strict=True))
    if on_progress is not None:
        on_progress(len(examples), len(examples))
    return file.of(examples)
