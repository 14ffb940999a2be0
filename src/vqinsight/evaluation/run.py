"""A benchmark is put to a judge, question by question, and nothing that was answered is asked again."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from vqinsight.errors import UsageError
from vqinsight.evaluation.prediction_file import PredictionFile
from vqinsight.evaluation.predictor import PredictedExample, Predictor
from vqinsight.tasks.types import Example

BATCH = 16  # questions asked together


def run_benchmark(
    judge: Predictor,
    examples: Sequence[Example],
    file: PredictionFile,
    *,
    batch: int = BATCH,
    on_progress: Callable[[int, int], None] | None = None,
) -> list[PredictedExample]:
    """Ask what the file does not have yet, and return every example with its prediction, in order.

    Whatever ends the run, an error or Ctrl-C, the answers so far are in the file. Clips that could not be read the last
    time are tried again.

    Args:
        batch: questions that the judge is asked together; changes no answer.
        on_progress: called with (examples answered, all examples).

    Raises:
        UsageError: no examples, an id that stands twice, or as for ``PredictionFile``.
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
