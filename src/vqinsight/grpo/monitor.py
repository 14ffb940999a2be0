"""Monitoring of rewards over a window of groups: means for the log, and warnings of uninformative rewards."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Sequence

from vqinsight.rewards.rubric import Group, RewardBreakdown
from vqinsight.tasks.types import Missing

ZERO_SPREAD, MISSING, TRUNCATED = 0.8, 0.3, 0.3  # shares from which an alarm is raised
IDLE = 0.9  # likewise, of groups whose answers all have the same temporal reward
IDLE_FIRST, IDLE_AT_END, IDLE_NEXT = 10, 3, 100  # groups it takes at first, in a run that ends before, and from then on


class RewardMonitor:
    """Counts over the groups since the last ``clear``; for the temporal reward over windows of its own."""

    def __init__(self) -> None:
        self._timed = self._idle = 0  # groups with a temporal reward, and those where all answers have the same
        self._due = IDLE_FIRST
        self.clear()

    def clear(self) -> None:
        """Start a new window."""
        self.groups = self.answers = self.level = self.missing = self.truncated = 0
        self.tokens: list[int] = []
        self.reward: list[float] = []
        self._values: dict[str, list[float]] = defaultdict(list)
        self._moving: dict[str, int] = defaultdict(int)

    def add(self, group: Group, parts: Sequence[RewardBreakdown], totals: Sequence[float]) -> None:
        """Add a group with the reward breakdown and the weighted total of each completion."""
        self.groups += 1
        self.answers += len(totals)
        self.level += max(totals) == min(totals)
        self.reward += totals
        self.missing += sum(isinstance(completion.answer, Missing) for completion in group.completions)
        self.truncated += sum(completion.truncated for completion in group.completions)
        self.tokens += [completion.tokens for completion in group.completions]
        for name in parts[0]:
            values = [value for row in parts if (value := row[name]) is not None]
            if values:
                self._values[name] += values
                differs = max(values) != min(values)
                self._moving[name] += differs
                if name == "temporal":
                    self._timed += 1
                    self._idle += not differs

    def summary(self) -> dict[str, float]:
        """Means and shares for the log; empty without groups."""
        if not self.groups:
            return {}
        return {
            "reward": statistics.fmean(self.reward),
            "zero_spread": self.level / self.groups,
            "missing": self.missing / self.answers,
            "truncated": self.truncated / self.answers,
            "tokens": statistics.fmean(self.tokens),
        } | {f"reward_{name}": statistics.fmean(values) for name, values in self._values.items()}

    def alarms(self, *, last: bool = False) -> list[str]:
        """The problems of this window, each with its remedy.

        Args:
            last: the run ends here.
        """
        return [*self._of_window(), *self._of_temporal(last)]

    def _of_window(self) -> list[str]:
        if not self.groups:
            return []
        found = []
        if self.level >= ZERO_SPREAD * self.groups:
            found.append(
                f"in {self.level} of {self.groups} groups all answers earn the same, so they teach nothing: "
                "raise grpo.temperature or grpo.group_size, or the questions are too easy or too hard"
            )
        if self.missing >= MISSING * self.answers:
            found.append(
                f"{self.missing} of {self.answers} answers could not be read: look at samples.md; the model may need "
                "another prompt set, or a larger grpo.max_new_tokens"
            )
        if self.truncated >= TRUNCATED * self.answers:
            found.append(f"{self.truncated} of {self.answers} answers ran into grpo.max_new_tokens: raise it")
        others = [name for name in self._moving if name not in ("format", "length")]
        if self._moving.get("format") and others and not any(self._moving[name] for name in others):
            found.append("only the format reward differs between answers: the model learns the form and nothing else")
        return found

    def _of_temporal(self, last: bool) -> list[str]:
        least = IDLE_AT_END if last and self._due == IDLE_FIRST else self._due
        timed, idle = self._timed, self._idle
        if timed < least:
            return []
        self._timed, self._idle, self._due = 0, 0, IDLE_NEXT
        if idle < IDLE * timed:
            return []
        return [
            f"in {idle} of {timed} groups all answers got the same temporal reward (Eq. 4), so it cancels: "
            "change rewards.tolerance to what some answers reach and some do not, or rewards.rule or rewards.mu; keep "
            'rewards.shuffle = "frames"; or save the comparison with rewards.temporal = 0'
        ]
