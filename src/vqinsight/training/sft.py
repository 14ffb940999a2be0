"""The paper's supervised baseline: cross-entropy on the label as the answer, without reasoning."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from accelerate.utils import gather_object

from vqinsight.assessor.packing import Packed, answer_logprobs, pack
from vqinsight.grpo.base_trainer import AssessorTrainer
from vqinsight.grpo.dataset import LoadedQuestion, Questions, UnreadableQuestion
from vqinsight.grpo.run_log import RunLog
from vqinsight.grpo.unshard import unsharded
from vqinsight.settings.train import TrainSettings
from vqinsight.tasks.labels import rescale_label
from vqinsight.training import stage1_warmup, stage2_temporal
from vqinsight.training.data import mixture, separated
from vqinsight.training.run import (
    arguments,
    build_trainable_assessor,
    check_trainer,
    prepare_run_dir,
    processes,
    train_and_save,
)

TASKS = (*stage1_warmup.TASKS, *stage2_temporal.TASKS)


def run_sft(settings: TrainSettings, *, resume: bool = False) -> Path:
    """Supervised training on the same questions; returns the folder of the finished model."""
    check_trainer(settings)
    prepare_run_dir(settings, resume=resume)
    examples = mixture(settings, TASKS)
    assessor = build_trainable_assessor(settings)
    run_log = RunLog(settings.out, settings.max_failed, writes=processes().is_main_process)
    questions = Questions(separated(examples, assessor.prompt_set), 1, assessor.clips.load)
    trainer = SFTTrainer(assessor, questions, arguments(settings, 1), run_log)
    return train_and_save(trainer, assessor, questions, run_log, settings, resume=resume)


@dataclass(frozen=True)
class SFTBatch:
    """A batch of one process; ``packed`` is ``None`` where no clip is readable."""

    packed: Packed | None
    vision: dict[str, Any]
    counted: int  # questions over all processes


class SFTTrainer(AssessorTrainer):
    """Cross-entropy of the label as answer, averaged over its tokens and then over the questions."""

    def _prepare_inputs(self, inputs: list[LoadedQuestion | UnreadableQuestion]) -> SFTBatch:
        questions = self._readable(inputs)
        counted = sum(gather_object([len(questions)]))
        with torch.no_grad(), self.accelerator.autocast(), unsharded(self.model_wrapped):
            return self._taught(questions, counted)

    def _taught(self, questions: list[LoadedQuestion], counted: int) -> SFTBatch:
        if not questions:
            return SFTBatch(None, {}, counted)
        assessor = self._assessor
        end = assessor.loaded.tokenizer.convert_ids_to_tokens(min(assessor.stop_tokens))
        prompts, answers, views = [], [], []
        for asked in questions:
            question = asked.example.question
            dimensions = assessor.prompt_set.dimensions(question)
            label = rescale_label(asked.example.answer, asked.example.scale, dimensions)
            text = assessor.prompt_set.format_answer(question, label) + end
            clips = [assessor.encode(clip) for clip in asked.clips]
            prompts.append(assessor.build(assessor.prompt_set.messages(question), clips))
            answers.append([assessor.loaded.tokenizer(text, add_special_tokens=False)["input_ids"]])
            views += [view for clip in clips for view in clip.views]
        packed = pack(self._bare(), prompts, answers, assessor.loaded.tokenizer.pad_token_id)
        return SFTBatch(packed.to(self.accelerator.device), self._vision(views), counted)

    def compute_loss(
        self,
        model: Any,
        inputs: SFTBatch,
        return_outputs: bool = False,
        num_items_in_batch: Any = None,  # noqa: ARG002
    ) -> Any:
        """The loss, scaled so that averaged gradients give the mean over all processes."""
        if inputs.packed is None:
            loss = self._no_loss(model)
            return (loss, None) if return_outputs else loss
        logp_AT, _ = answer_logprobs(model, inputs.packed, **inputs.vision)
        mean_A = (logp_AT * inputs.packed.mask_AT).sum(1) / inputs.packed.mask_AT.sum(1)
        loss = -mean_A.sum() * self.accelerator.num_processes / inputs.counted
        return (loss, logp_AT) if return_outputs else loss
