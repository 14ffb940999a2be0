"""GRPO on transformers' Trainer: Eq. 2 over the answers to a batch of questions.

It uses public hooks only, so distribution, sharding, adapters, checkpoints and logging are those of the Trainer.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from accelerate.utils import fsdp2_prepare_model, gather_object
from transformers import TrainingArguments

from vqinsight.assessor.assessor import Assessor
from vqinsight.assessor.packing import Packed, answer_logprobs, pack
from vqinsight.assessor.vision import encoder_outputs
from vqinsight.errors import TrainingError
from vqinsight.grpo.base_trainer import AssessorTrainer
from vqinsight.grpo.dataset import LoadedQuestion, Questions, RolloutSampler, UnreadableQuestion
from vqinsight.grpo.loss import grpo_loss
from vqinsight.grpo.monitor import RewardMonitor
from vqinsight.grpo.rollout import SampledAnswer, SampledGroup, grade, reasoning_tokens, sample, with_gaps
from vqinsight.grpo.run_log import RunLog
from vqinsight.grpo.unshard import unsharded
from vqinsight.rewards.rubric import Rubric
from vqinsight.settings.train import GrpoSettings

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Rollout:
    """This process's answers with everything that Eq. 2 needs.

    Attributes:
        packed, groups: the answers; ``packed`` is ``None`` when no clip of this process is readable.
        advantage_A: advantage of each answer (Eq. 1).
        old_AT: log-probabilities under the sampling policy, kept only where a batch is used more than once.
        reference_AT: log-probabilities under the reference, if there is one.
        anchored_AT: 1 on the reasoning tokens of each answer, where the KL term covers only those.
        counted: number of answers over all processes.
    """

    packed: Packed | None
    groups: list[SampledGroup]
    advantage_A: torch.Tensor
    old_AT: torch.Tensor | None
    reference_AT: torch.Tensor | None
    anchored_AT: torch.Tensor | None
    counted: int


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
        at_once = arguments.per_device_train_batch_size * self.accelerator.num_processes
        if at_once % questions.group_size:
            raise TrainingError(
                f"{at_once} answers go through the model at once over all processes, not a multiple of "
                f"grpo.group_size = {questions.group_size}: a group may straddle processes, not forward passes. "
                "Change answers_per_forward."
            )
        self._reference = reference
        if reference is not None:
            self._reference = self._prepared(reference)
        self._kept: dict[tuple[int, ...], tuple[Rollout, int]] = {}  # with the number of uses left
        self._monitor = RewardMonitor()
        self._sampled = -1
        self._watched: dict[str, list[float]] = defaultdict(list)

    # ---- hooks of the Trainer

    def _get_train_sampler(self, train_dataset: Any = None) -> RolloutSampler:  # noqa: ARG002
        arguments = self.args
        at_once = arguments.per_device_train_batch_size * self.accelerator.num_processes
        block = at_once * arguments.gradient_accumulation_steps
        return RolloutSampler(len(self._questions), block, self._settings.updates_per_rollout)

    def _prepare_inputs(self, inputs: list[LoadedQuestion | UnreadableQuestion]) -> Rollout:
        key = tuple(each.position for each in inputs)
        if key in self._kept:
            rollout, uses = self._kept.pop(key)
        else:
            self.model.eval()
            with torch.no_grad(), unsharded(self.model_wrapped, self._reference):
                rollout, uses = self._roll_out(inputs), self._settings.updates_per_rollout
            self.model.train()
        if uses > 1:
            self._kept[key] = (rollout, uses - 1)
        return rollout

    def compute_loss(
        self,
        model: Any,
        inputs: Rollout,
        return_outputs: bool = False,
        num_items_in_batch: Any = None,  # noqa: ARG002
    ) -> Any:
        """Eq. 2 over the answers of a rollout; scaled so that averaged gradients give the mean over all processes."""
        if inputs.packed is None:
            loss = self._no_loss(model)
            return (loss, None) if return_outputs else loss
        vision = self._seen(inputs.groups)
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
        loss = result.loss.sum() * self.accelerator.num_processes / inputs.counted
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

    def _roll_out(self, inputs: Sequence[LoadedQuestion | UnreadableQuestion]) -> Rollout:
        settings = self._settings
        questions = self._readable(inputs)
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
            )
        packed, vision = (self._pack(groups), self._seen(groups)) if groups else (None, {})
        old_AT = None
        if packed is not None and settings.updates_per_rollout > 1:
            old_AT = self._logprobs(self._bare(), packed, vision)
        answered = gather_object(self._compared(groups, answered, old_AT))
        graded = {each.position: grade(self._assessor, self._rubric, each, answered) for each in questions}
        self._note(questions, graded)
        counted = sum(not each.shuffled for each in answered)
        if packed is None:
            return Rollout(None, [], torch.zeros(0), None, None, None, counted)
        advantage_A = torch.tensor(
            [graded[s.asked.position].advantages[number] for s in groups for number in s.asked.numbers],
            device=self.accelerator.device,
        )
        reference_AT = self._reference_logprobs(packed, vision) if settings.beta else None
        anchored_AT = (
            self._anchored(groups, packed.mask_AT) if settings.beta and settings.anchor == "reasoning" else None
        )
        return Rollout(packed, groups, advantage_A, old_AT, reference_AT, anchored_AT, counted)

    def _compared(
        self, groups: Sequence[SampledGroup], answered: list[SampledAnswer], old_AT: torch.Tensor | None
    ) -> list[SampledAnswer]:
        """The answers of this process, with their gaps where the rule of Eq. 4 is ``likelihood``.

        Args:
            old_AT: log-probabilities of the answers of ``groups`` in order, where they are known.
        """
        compared = [each for each in groups if each.moved]
        if not compared:
            return answered
        packed = self._pack(compared)
        if old_AT is None:
            in_order_AT = self._logprobs(self._bare(), packed, self._features(compared))
        else:
            kept = [bool(each.moved) for each in groups for _ in each.ids]
            in_order_AT = old_AT[torch.tensor(kept, device=old_AT.device), : packed.mask_AT.shape[1]]
        shuffled_AT = self._logprobs(self._bare(), packed, self._features(compared, shuffled=True))
        return with_gaps(answered, compared, in_order_AT, shuffled_AT, packed.mask_AT)

    def _reference_logprobs(self, packed: Packed, vision: dict[str, Any]) -> torch.Tensor:
        if self._reference is not None:
            return self._logprobs(self._reference, packed, vision)
        with self._bare().disable_adapter():
            return self._logprobs(self._bare(), packed, vision)

    def _logprobs(self, model: Any, packed: Packed, vision: dict[str, Any]) -> torch.Tensor:
        """(A, T) log-probabilities in the precision of an update."""
        with self.compute_loss_context_manager():
            return answer_logprobs(model, packed, temperature=self._settings.temperature, **vision)[0]

    def _pack(self, groups: Sequence[SampledGroup]) -> Packed:
        prompts, answers = [each.prompt for each in groups], [each.ids for each in groups]
        return pack(self._bare(), prompts, answers, self.processing_class.pad_token_id).to(self.accelerator.device)

    def _anchored(self, groups: Sequence[SampledGroup], mask_AT: torch.Tensor) -> torch.Tensor:
        """(A, T): 1 on the reasoning tokens of each answer, else 0."""
        counts = [reasoning_tokens(self._assessor.loaded.tokenizer, ids) for each in groups for ids in each.ids]
        reasoned_A = torch.tensor(counts, device=mask_AT.device)
        return (torch.arange(mask_AT.shape[1], device=mask_AT.device) < reasoned_A[:, None]).to(mask_AT.dtype)

    def _seen(self, groups: Sequence[SampledGroup]) -> dict[str, Any]:
        """Visual inputs of the groups, as in sampling."""
        return self._vision([view for each in groups for view in each.views])

    def _features(self, groups: Sequence[SampledGroup], *, shuffled: bool = False) -> dict[str, Any]:
        """Visual features of the groups, as in sampling, whether or not the vision tower is trained."""
        views = [view for each in groups for view in (each.moved if shuffled else each.views)]
        return {"mm_encoder_outputs": encoder_outputs(views, self._assessor.output_type)}

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
