"""The readable log of a run: samples of the model's answers, and the clips that are left out."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from vqinsight.errors import TrainingError
from vqinsight.grpo.dataset import UnreadableQuestion
from vqinsight.grpo.rollout import GradedGroup
from vqinsight.tasks.types import Question

_ENOUGH = 20  # questions before the share of failures is checked


class RunLog:
    """``samples.md`` and ``failures.jsonl`` in a run's folder.

    Args:
        folder: the run's folder.
        max_failed: share of questions with unreadable clips above which the run stops.
        writes: whether this process writes the files; every process counts.
    """

    def __init__(self, folder: Path, max_failed: float, *, writes: bool) -> None:
        self._samples, self._failures = folder / "samples.md", folder / "failures.jsonl"
        self._max_failed, self._writes = max_failed, writes
        self.failed: dict[int, tuple[str, str]] = {}
        if self._failures.is_file():  # the run is resumed
            for line in self._failures.read_text(encoding="utf-8").splitlines():
                entry = json.loads(line)
                self.failed[entry["position"]] = (entry["path"], entry["reason"])

    def leave_out(self, failures: Sequence[UnreadableQuestion], seen: int) -> None:
        """Record questions whose clips cannot be read.

        Args:
            seen: number of questions in the run so far.

        Raises:
            TrainingError: the share of failures exceeds ``max_failed``.
        """
        for failure in failures:
            if failure.position in self.failed:
                continue
            self.failed[failure.position] = (failure.path, failure.reason)
            if self._writes:
                entry = {"position": failure.position, "path": failure.path, "reason": failure.reason}
                with self._failures.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(entry, ensure_ascii=False) + "\n")
        before = sum(position < seen for position in self.failed)
        if seen >= _ENOUGH and before > self._max_failed * seen:
            raise TrainingError(
                f"{before} of the first {seen} questions name clips that cannot be read, more than the "
                f"{self._max_failed:.0%} that max_failed allows. The last: {self.summary(3)}. All are in "
                f"{self._failures}. Check the data with 'vqinsight data check', or raise max_failed."
            )

    def summary(self, most: int = 10) -> str:
        """The clips left out, each with its reason."""
        distinct = list(dict.fromkeys(f"{path} ({reason})" for path, reason in self.failed.values()))
        rest = len(distinct) - most
        return "; ".join(distinct[-most:]) + (f"; and {rest} more" if rest > 0 else "")

    def sample(self, step: int, graded: GradedGroup) -> None:
        """Write one question with all its answers and their rewards."""
        if not self._writes:
            return
        group = graded.group
        lines = [f"## Update {step}: {_asked(group.question)}", "", f"Label: {group.label}", ""]
        rows = zip(group.completions, graded.parts, graded.totals, graded.advantages, strict=True)
        for number, (completion, parts, total, advantage) in enumerate(rows):
            earned = ", ".join(f"{name} {value:.3f}" for name, value in parts.items() if value is not None)
            gap = f", {completion.gap:+.4f} nats a token over shuffled" if completion.gap is not None else ""
            lines += [
                f"**{number}** reward {total:.3f} ({earned}), advantage {advantage:+.2f}, {completion.tokens} tokens"
                + gap,
                "",
                *(f"    {line}" for line in completion.text.splitlines() or [""]),
                "",
            ]
        for completion in group.shuffled[:1]:
            lines += ["Shuffled in time:", "", *(f"    {line}" for line in completion.text.splitlines()), ""]
        with self._samples.open("a", encoding="utf-8") as file:
            file.write("\n".join(lines) + "\n")


def _asked(question: Question) -> str:
    clips = " and ".join(clip.path for clip in question.clips)
    text = question.text or question.clips[0].prompt
    return f"{question.task}, {clips}" + (f", “{text}”" if text else "")
