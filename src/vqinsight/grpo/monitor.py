"""Dead rewards: what a run would otherwise hide, counted over a window of groups and said out loud."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Sequence

from vqinsight.rewards.rubric import Group, RewardBreakdown
from vqinsight.tasks.types import Missing

ZERO_SPREAD, MISSING, TRUNCATED = 0.8, 0.3, 0.3  # shares from which on an alarm is raised
IDLE = 100  # groups in a row with one temporal reward each: a matter of settings, not of the moment


class RewardMonitor:
    """Counts over the groups since the last ``clear``."""

    def __init__(self) -> None:
        self._idle = 0
        self.clear()

    def clear(self) -> None:
        """Start a new window; how long the temporal reward has been idle is counted on, until an alarm was due."""
        self.groups = self.answers = self.level = self.missing = self.truncated = 0
        self.tokens: list[int] = []
        self.reward: list[float] = []
        self._values: dict[str, list[float]] = defaultdict(list)
        self._moving: dict[str, int] = defaultdict(int)
        self._idle %= IDLE

    def add(self, group: Group, parts: Sequence[RewardBreakdown], totals: Sequence[float]) -> None:
        """One group with the parts and the weighted total of each attempt."""
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
                    self._idle = 0 if differs else self._idle + 1

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

    def alarms(self) -> list[str]:
        """What is wrong with this window, each with what to do about it."""
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
        if self._idle >= IDLE:
            found.append(
                f"in {self._idle} groups in a row all answers got the same temporal reward (Eq. 4), so it cancels: "
                "set rewards.correct to what some of them reach and some do not (reward_score shows what they earn), "
                "or save the shuffled answers with rewards.temporal = 0"
            )
        return found
