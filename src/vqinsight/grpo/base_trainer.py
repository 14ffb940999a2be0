"""The base class of the trainers of an assessor: order of questions, unreadable clips, and visual inputs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from accelerate.utils import gather_object
from torch.utils.data import Sampler, SequentialSampler
from transformers import Trainer, TrainingArguments

from vqinsight.assessor.assessor import Assessor
from vqinsight.assessor.generate import language_backbone
from vqinsight.assessor.save import save_companions
from vqinsight.assessor.vision import EncodedView, encoder_outputs, pixels
from vqinsight.errors import TrainingError
from vqinsight.grpo.dataset import LoadedQuestion, Questions, UnreadableQuestion
from vqinsight.grpo.divergence import Divergence
from vqinsight.grpo.run_log import RunLog


class AssessorTrainer(Trainer):
    """transformers' Trainer on ``Questions``.

    Args:
        assessor: its model is trained, in the weights with ``requires_grad``.
        questions: the slots to train on, in order.
        arguments: batch sizes count answers.
        run_log: records failures.
    """

    def __init__(self, assessor: Assessor, questions: Questions, arguments: TrainingArguments, run_log: RunLog) -> None:
        super().__init__(
            model=assessor.loaded.model,
            args=arguments,
            train_dataset=questions,
            data_collator=_as_they_are,
            processing_class=assessor.loaded.tokenizer,
        )
        self.model_accepts_loss_kwargs = False
        self._assessor, self._questions, self._run_log = assessor, questions, run_log
        self._divergence = Divergence(self)
        self.add_callback(self._divergence)

    def _get_train_sampler(self, train_dataset: Any = None) -> Sampler[int]:  # noqa: ARG002
        return SequentialSampler(self._questions)

    def floating_point_ops(self, inputs: Any) -> int:  # noqa: ARG002
        """0, no estimate: the Trainer's formula covers neither shared prompts nor sampling."""
        return 0

    def training_step(self, model: Any, inputs: Any, num_items_in_batch: Any = None) -> torch.Tensor:
        """One forward and backward pass.

        Raises:
            TrainingError: out of memory, with the settings to lower.
        """
        try:
            loss = super().training_step(model, inputs, num_items_in_batch)
            self._divergence.add(loss)
            return loss
        except torch.OutOfMemoryError as error:
            raise TrainingError(
                f"out of memory with {self.args.per_device_train_batch_size} answers at once. Lower "
                "answers_per_forward, or grpo.max_new_tokens, or frames and max_pixels in the model's vqinsight.json; "
                "set trainer.activation_checkpointing = true; or train an adapter: model.lora_rank = 16."
            ) from error

    def save_model(self, output_dir: str | None = None, _internal_call: bool = False) -> None:
        """Save the model if its weights are finite; a checkpoint becomes a folder that ``load_model`` reads.

        Raises:
            TrainingError: a weight is not finite; nothing is written.
        """
        self._divergence.check_weights()
        super().save_model(output_dir, _internal_call)
        if _internal_call and output_dir is not None and self.is_world_process_zero():
            save_companions(self._assessor.loaded, Path(output_dir))

    def _readable(self, inputs: Sequence[LoadedQuestion | UnreadableQuestion]) -> list[LoadedQuestion]:
        """This process's readable questions; the unreadable ones of all processes go to the run log."""
        failures = gather_object([each for each in inputs if isinstance(each, UnreadableQuestion)])
        last = max(gather_object([max(each.position for each in inputs)]))
        self._run_log.leave_out(failures, seen=last + 1)
        return [each for each in inputs if isinstance(each, LoadedQuestion)]

    def _bare(self) -> Any:
        return self.accelerator.unwrap_model(self.model)

    def _vision(self, views: Sequence[EncodedView]) -> dict[str, Any]:
        """Visual inputs of ``forward``: the views' features, or their pixels where the vision tower is trained."""
        model = self._bare()
        if any(parameter.requires_grad for parameter in language_backbone(model).visual.parameters()):
            return dict(pixels(views, model.device))
        return {"mm_encoder_outputs": encoder_outputs(views, self._assessor.output_type)}

    def _no_loss(self, model: Any) -> torch.Tensor:
        """A loss of 0 that depends on every weight: other processes wait for this one's gradients."""
        ids = torch.tensor([[self._assessor.loaded.tokenizer.pad_token_id]], device=self.accelerator.device)
        loss = model(input_ids=ids, use_cache=False).logits.sum() * 0
        return loss + 0 * sum(parameter.sum() for parameter in model.parameters() if parameter.requires_grad)


def _as_they_are(items: list[Any]) -> list[Any]:
    return items
