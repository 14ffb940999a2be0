"""The paper's supervised baseline: the label itself is the answer to learn, without any reasoning."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from accelerate.utils import gather_object

from vqinsight.assessor.branches import Packed, answer_logprobs, pack
from vqinsight.grpo.base import AssessorTrainer
from vqinsight.grpo.diary import Diary
from vqinsight.grpo.questions import Asked, Failed, Questions
from vqinsight.grpo.sharded import whole
from vqinsight.rewards.rubric import on_scale
from vqinsight.stages import temporal, warmup
from vqinsight.stages.data import mixture
from vqinsight.stages.run import arguments, begin, finish, learner, processes
from vqinsight.stages.settings import TrainSettings

TASKS = (*warmup.TASKS, *temporal.TASKS)


def fine_tune(settings: TrainSettings, *, resume: bool = False) -> Path:
    """Supervised training on the same questions; returns the folder of the finished model."""
    begin(settings, resume=resume)
    examples = mixture(settings, TASKS)
    assessor = learner(settings.model, settings.seed)
    diary = Diary(settings.out, settings.max_failed, writes=processes().is_main_process)
    questions = Questions(examples, 1, assessor.look)
    trainer = SFTTrainer(assessor, questions, arguments(settings, 1), diary)
    return finish(trainer, assessor, questions, diary, settings, resume=resume)


@dataclass(frozen=True)
class Taught:
    """What one process learns from at once; ``packed`` is ``None`` where no clip could be read."""

    packed: Packed | None
    vision: dict[str, Any]
    counted: int  # questions over all processes


class SFTTrainer(AssessorTrainer):
    """Cross-entropy of the label's own answer, a mean over its tokens and then over the questions."""

    def _prepare_inputs(self, inputs: list[Asked | Failed]) -> Taught:
        questions = self._readable(inputs)
        counted = sum(gather_object([len(questions)]))
        with torch.no_grad(), whole(self.model_wrapped):
            return self._taught(questions, counted)

    def _taught(self, questions: list[Asked], counted: int) -> Taught:
        if not questions:
            return Taught(None, {}, counted)
        assessor = self._assessor
        end = assessor.loaded.tokenizer.convert_ids_to_tokens(min(assessor.stop_tokens))
        prompts, answers, views = [], [], []
        for asked in questions:
            question = asked.example.question
            dimensions = assessor.prompts.dimensions(question)
            label = on_scale(asked.example.answer, asked.example.scale, dimensions)
            text = assessor.prompts.format_answer(question, label) + end
            clips = [assessor.encode(footage) for footage in asked.footage]
            prompts.append(assessor.build(assessor.prompts.messages(question), clips))
            answers.append([assessor.loaded.tokenizer(text, add_special_tokens=False)["input_ids"]])
            views += [view for clip in clips for view in clip.views]
        packed = pack(self._bare(), prompts, answers, assessor.loaded.tokenizer.pad_token_id)
        return Taught(packed.to(self.accelerator.device), self._vision(views), counted)

    def compute_loss(
        self,
        model: Any,
        inputs: Taught,
        return_outputs: bool = False,
        num_items_in_batch: Any = None,  # noqa: ARG002
    ) -> Any:
        """The mean over all processes, once gradients are averaged."""
        if inputs.packed is None:
            loss = self._no_loss(model)
            return (loss, None) if return_outputs else loss
        logp_AT, _ = answer_logprobs(model, inputs.packed, **inputs.vision)
        mean_A = (logp_AT * inputs.packed.mask_AT).sum(1) / inputs.packed.mask_AT.sum(1)
        loss = -mean_A.sum() * self.accelerator.num_processes / inputs.counted
        return (loss, logp_AT) if return_outputs else loss
