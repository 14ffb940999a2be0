"""GRPO on transformers' Trainer: Eq. 2 over the answers to a batch of questions.

It uses public hooks only, so distribution, sharding, adapters, checkpoints and logging are those of the Trainer.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from accelerate.utils import fsdp2_prepare_model, gather_object
from transformers import TrainingArguments

from vqinsight.assessor.assessor import Assessor
from vqinsight.assessor.packing import Packed, answer_logprobs, pack, rows_per_prompt
from vqinsight.assessor.vision import EncodedView
from vqinsight.grpo.base_trainer import AssessorTrainer
from vqinsight.grpo.dataset import LoadedQuestion, Questions, RolloutSampler, UnreadableQuestion, merged
from vqinsight.grpo.loss import grpo_loss
from vqinsight.grpo.monitor import RewardMonitor
from vqinsight.grpo.rollout import (
    GradedGroup,
    SampledAnswer,
    SampledGroup,
    grade,
    reasoning_tokens,
    sample,
    with_gaps,
)
from vqinsight.grpo.run_log import RunLog
from vqinsight.grpo.unshard import unsharded
from vqinsight.rewards.rubric import Rubric
from vqinsight.settings.train import GrpoSettings

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Pass:
    """The answers of one forward and backward pass with everything that Eq. 2 needs.

    Attributes:
        packed, groups: the answers; ``packed`` is ``None`` when no clip of this process's pass is readable.
        advantage_A: advantage of each answer (Eq. 1).
        scale: what the sum of losses is multiplied with, so that the mean over passes and processes of gradients is
            that of the mean over all answers of the update.
        old_AT: log-probabilities under the sampling policy, kept only where a batch is used more than once.
        reference_AT: log-probabilities under the reference, if there is one.
        anchored_AT: 1 on the reasoning tokens of each answer, where the KL term covers only those.
    """

    packed: Packed | None
    groups: list[SampledGroup]
    advantage_A: torch.Tensor = field(default_factory=lambda: torch.zeros(0))
    scale: float = 0.0
    old_AT: torch.Tensor | None = None
    reference_AT: torch.Tensor | None = None
    anchored_AT: torch.Tensor | None = None


class GRPOTrainer(AssessorTrainer):
    """Trains an assessor by GRPO.

    Args:
        assessor: its model is trained, in the weights with ``requires_grad``.
        rubric: rewards the answers.
        questions: the slots to train on.
        arguments: batch sizes count answers, ``per_device_train_batch_size`` per forward pass.
        settings: sampling and Eq. 2.
        run_log: records samples and failures.
        reference: the frozen reference of Eq. 2; ``None`` with adapters (the base model serves) or without KL.
        samples_every: updates between two samples in the run log.
    """

    def __init__(
        self,
        assessor: Assessor,
        rubric: Rubric,
        questions: Questions,
        arguments: TrainingArguments,
        settings: GrpoSettings,
        run_log: RunLog,
        *,
        reference: Any = None,
        samples_every: int = 20,
    ) -> None:
        super().__init__(assessor, questions, arguments, run_log)
        self._rubric, self._settings, self._samples_every = rubric, settings, samples_every
        self._reference = reference
        if reference is not None:
            self._reference = self._prepared(reference)
        self._kept: tuple[tuple[int, ...], list[Pass], int] | None = None  # positions, passes, uses left
        self._monitor = RewardMonitor()
        self._sampled = -1
        self._watched: dict[str, list[float]] = defaultdict(list)

    # ---- hooks of the Trainer

    def _get_train_sampler(self, train_dataset: Any = None) -> RolloutSampler:  # noqa: ARG002
        arguments = self.args
        at_once = arguments.per_device_train_batch_size * self.accelerator.num_processes
        block = at_once * arguments.gradient_accumulation_steps
        return RolloutSampler(len(self._questions), block, self._settings.updates_per_rollout)

    def get_batch_samples(
        self, epoch_iterator: Iterator[Any], num_batches: int, device: torch.device
    ) -> tuple[list[Any], Any]:
        """The passes of one update; all its answers are sampled and graded first, as a group may span passes."""
        batches, count = super().get_batch_samples(epoch_iterator, num_batches, device)
        asked = [each for batch in batches for each in batch]
        key = tuple(each.position for each in asked)
        if self._kept is not None and self._kept[0] == key:
            _, passes, uses = self._kept
        else:
            self.model.eval()
            with self._memory_advice(), torch.no_grad(), self.accelerator.autocast():
                passes, uses = self._roll_out(batches), self._settings.updates_per_rollout
            self.model.train()
        self._kept = (key, passes, uses - 1) if uses > 1 else None
        return list(passes), count

    def _prepare_inputs(self, inputs: Pass) -> Pass:
        return inputs

    def compute_loss(
        self,
        model: Any,
        inputs: Pass,
        return_outputs: bool = False,
        num_items_in_batch: Any = None,  # noqa: ARG002
    ) -> Any:
        """Eq. 2 over the answers of a pass."""
        if inputs.packed is None:
            loss = self._no_loss(model)
            return (loss, None) if return_outputs else loss
        vision = self._vision(self._views(inputs.groups))
        logp_AT, entropy_AT = answer_logprobs(model, inputs.packed, temperature=self._settings.temperature, **vision)
        old_AT = logp_AT.detach() if inputs.old_AT is None else inputs.old_AT
        mask_AT = inputs.packed.mask_AT
        result = grpo_loss(
            logp_AT,
            old_AT,
            inputs.reference_AT,
            inputs.advantage_A,
            mask_AT,
            self._settings.delta,
            self._settings.beta,
            inputs.anchored_AT,
        )
        self._watched["kl"] += result.kl.tolist()
        self._watched["clip_ratio"] += result.clipped.tolist()
        self._watched["entropy"] += ((entropy_AT * mask_AT).sum(1) / mask_AT.sum(1)).tolist()
        loss = result.loss.sum() * inputs.scale
        return (loss, logp_AT) if return_outputs else loss

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """Log with the Trainer, plus every reward part and alarms for uninformative rewards."""
        watched = gather_object([dict(self._watched)])
        for name in sorted({name for each in watched for name in each}):
            values = [value for each in watched for value in each.get(name, [])]
            logs[name] = sum(values) / max(len(values), 1)
        self._watched.clear()
        logs |= {name: round(value, 4) for name, value in self._monitor.summary().items()}
        if self.is_world_process_zero():
            for alarm in self._monitor.alarms(last=self.state.global_step >= self.state.max_steps):
                logger.warning("update %d: %s", self.state.global_step, alarm)
        self._monitor.clear()
        super().log(logs, start_time)

    # ---- the rollout

    def _prepared(self, reference: Any) -> Any:
        """The reference on this process's device, sharded like the policy."""
        if self.accelerator.is_fsdp2:
            return fsdp2_prepare_model(self.accelerator, reference)
        return self.accelerator.prepare_model(reference, evaluation_mode=True)

    def _roll_out(self, batches: Sequence[Sequence[LoadedQuestion | UnreadableQuestion]]) -> list[Pass]:
        """Sample and grade the answers of an update, and cut them into its passes."""
        settings = self._settings
        questions = merged(self._readable([each for batch in batches for each in batch]))
        with unsharded(self.model_wrapped):
            groups: list[SampledGroup] = []
            answered: list[SampledAnswer] = []
            if questions:
                groups, answered = sample(
                    self._assessor,
                    self._rubric,
                    questions,
                    temperature=settings.temperature,
                    seed=self.args.data_seed,
                    max_new_tokens=settings.max_new_tokens,
                    batch_tokens=settings.rollout_tokens,
                )
            passes = [self._pass(batch, groups) for batch in batches]
            if settings.updates_per_rollout > 1:
                passes = [replace(each, old_AT=self._of_pass(self._bare(), each)) for each in passes]
            answered = gather_object(self._compared(passes, answered))
            graded = {each.position: grade(self._assessor, self._rubric, each, answered) for each in questions}
            self._note(questions, graded)
            counted = sum(not each.shuffled for each in answered)
            scale = self.accelerator.num_processes * len(batches) / max(counted, 1)
            passes = [replace(each, advantage_A=self._advantages(each, graded), scale=scale) for each in passes]
            if settings.beta and self._reference is None:
                with self._bare().disable_adapter():
                    passes = [replace(each, reference_AT=self._of_pass(self._bare(), each)) for each in passes]
        if settings.beta and self._reference is not None:
            with unsharded(self._reference):  # when the policy is sharded again: one whole model at a time
                passes = [replace(each, reference_AT=self._of_pass(self._reference, each)) for each in passes]
        return passes

    def _pass(self, batch: Sequence[LoadedQuestion | UnreadableQuestion], groups: Sequence[SampledGroup]) -> Pass:
        """The answers of one pass, packed."""
        numbers = {each.position: each.numbers for each in batch if isinstance(each, LoadedQuestion)}
        mine = [g.only(numbers[g.asked.position]) for g in groups if g.asked.position in numbers]
        if not mine:
            return Pass(None, [])
        packed = self._pack(mine)
        anchors = self._settings.beta and self._settings.anchor == "reasoning"
        return Pass(packed, mine, anchored_AT=self._anchored(mine, packed.mask_AT) if anchors else None)

    def _compared(self, passes: Sequence[Pass], answered: list[SampledAnswer]) -> list[SampledAnswer]:
        """The answers of this process, with their gaps where the rule of Eq. 4 is ``likelihood``."""
        for each in passes:
            compared = [group for group in each.groups if group.moved]
            if not compared:
                continue
            packed = self._pack(compared)
            moved = [replace(group, views=group.moved) for group in compared]
            if each.old_AT is None:
                in_order_AT = self._logprobs(self._bare(), packed, self._features(self._views(compared)))
            else:
                kept = [bool(group.moved) for group in each.groups for _ in group.ids]
                in_order_AT = each.old_AT[torch.tensor(kept, device=each.old_AT.device), : packed.mask_AT.shape[1]]
            shuffled_AT = self._logprobs(self._bare(), packed, self._features(self._views(moved)))
            answered = with_gaps(answered, compared, in_order_AT, shuffled_AT, packed.mask_AT)
        return answered

    def _advantages(self, each: Pass, graded: dict[int, GradedGroup]) -> torch.Tensor:
        values = [graded[g.asked.position].advantages[number] for g in each.groups for number in g.asked.numbers]
        return torch.tensor(values, device=self.accelerator.device)

    def _of_pass(self, model: Any, each: Pass) -> torch.Tensor | None:
        """(A, T) log-probabilities of a pass under ``model``, if it has answers."""
        return (
            None if each.packed is None else self._logprobs(model, each.packed, self._vision(self._views(each.groups)))
        )

    def _logprobs(self, model: Any, packed: Packed, vision: dict[str, Any]) -> torch.Tensor:
        return answer_logprobs(model, packed, temperature=self._settings.temperature, **vision)[0]

    def _pack(self, groups: Sequence[SampledGroup]) -> Packed:
        prompts, answers = [each.prompt for each in groups], [each.ids for each in groups]
        return pack(self._bare(), prompts, answers, self.processing_class.pad_token_id).to(self.accelerator.device)

    def _anchored(self, groups: Sequence[SampledGroup], mask_AT: torch.Tensor) -> torch.Tensor:
        """(A, T): 1 on the reasoning tokens of each answer, else 0."""
        counts = [reasoning_tokens(self._assessor.loaded.tokenizer, ids) for each in groups for ids in each.ids]
        reasoned_A = torch.tensor(counts, device=mask_AT.device)
        return (torch.arange(mask_AT.shape[1], device=mask_AT.device) < reasoned_A[:, None]).to(mask_AT.dtype)

    def _views(self, groups: Sequence[SampledGroup]) -> list[EncodedView]:
        """The views of the packed rows of these groups, in order."""
        copies = rows_per_prompt(self._bare(), [len(each.ids) for each in groups])
        return [view for each, count in zip(groups, copies, strict=True) for _ in range(count) for view in each.views]

    def _note(self, questions: Sequence[LoadedQuestion], graded: dict[int, Any]) -> None:
        """Count this batch's groups over all processes, each once, and write a sample when one is due."""
        mine = [(each.position, graded[each.position]) for each in questions]
        every = dict(gather_object(mine))
        for position in sorted(every):
            group = every[position]
            self._monitor.add(group.group, group.parts, group.totals)
        step = self.state.global_step
        if every and step % self._samples_every == 0 and step != self._sampled:
            self._sampled = step
            self._run_log.sample(step + 1, every[min(every)])
