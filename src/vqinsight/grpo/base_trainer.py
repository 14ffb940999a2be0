"""The base class of the trainers of an assessor: order of questions, unreadable clips, and visual inputs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from accelerate.utils import gather_object
from torch.utils.data import Sampler, SequentialSampler
from transformers import Trainer, TrainingArguments

from vqinsight.assessor.assessor import Assessor
from vqinsight.assessor.backbone import language_backbone
from vqinsight.assessor.save import save_companions, state_float32
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
        _check_precision(assessor.loaded.model)
        self.model_accepts_loss_kwargs = False
        self._assessor, self._questions, self._run_log = assessor, questions, run_log
        self._divergence = Divergence(self)
        self.add_callback(self._divergence)

    def _get_train_sampler(self, train_dataset: Any = None) -> Sampler[int]:  # noqa: ARG002
        return SequentialSampler(self._questions)

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: Any = None) -> None:
        """Adapters and shards; whole weights are there already (``assessor.save.restore``).

        The Trainer would look for them under other names and name every one that it misses.
        """
        if self.is_fsdp_enabled or not (Path(resume_from_checkpoint) / "config.json").is_file():
            super()._load_from_checkpoint(resume_from_checkpoint, model)

    def _save(self, output_dir: str | None = None, state_dict: dict[str, torch.Tensor] | None = None) -> None:
        """Save all weights in float32, as the learned ones are; frozen ones in bfloat16 lose nothing by it.

        An adapter is float32 anyway, and DeepSpeed keeps the float32 weights in files of its own.
        """
        whole = not (self.is_deepspeed_enabled or hasattr(self.model, "get_base_model"))
        if whole:
            state = self.model.state_dict() if state_dict is None else state_dict
            state_dict = {name: value.float() if value.is_floating_point() else value for name, value in state.items()}
        super()._save(output_dir, state_dict)
        if whole and self.args.should_save:
            state_float32(Path(output_dir or self.args.output_dir))

    def floating_point_ops(self, inputs: Any) -> int:  # noqa: ARG002
        """0, no estimate: the Trainer's formula covers neither shared prompts nor sampling."""
        return 0

    def training_step(self, model: Any, inputs: Any, num_items_in_batch: Any = None) -> torch.Tensor:
        """One forward and backward pass.

        Raises:
            TrainingError: out of memory, with the settings to lower.
        """
        with self._memory_advice():
            loss = super().training_step(model, inputs, num_items_in_batch)
        self._divergence.add(loss)
        return loss

    @contextmanager
    def _memory_advice(self) -> Iterator[None]:
        try:
            yield
        except torch.OutOfMemoryError as error:
            raise TrainingError(
                f"out of memory with {self.args.per_device_train_batch_size} answers at once. Lower "
                "answers_per_forward, or grpo.max_new_tokens, or frames and max_pixels in the model's vqinsight.json; "
                "set trainer.activation_checkpointing = true; or train an adapter: model.lora_rank = 16. "
                "'vqinsight plan' says what a card holds."
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
        return self._features(views)

    def _features(self, views: Sequence[EncodedView]) -> dict[str, Any]:
        """Visual inputs of ``forward``: the views' features, as in sampling."""
        return {"mm_encoder_outputs": encoder_outputs(views, self._assessor.output_type)}

    def _no_loss(self, model: Any) -> torch.Tensor:
        """A loss of 0 that depends on every weight: other processes wait for this one's gradients."""
        ids = torch.tensor([[self._assessor.loaded.tokenizer.pad_token_id]], device=self.accelerator.device)
        loss = model(input_ids=ids, use_cache=False).logits.sum() * 0
        return loss + 0 * sum(parameter.sum() for parameter in model.parameters() if parameter.requires_grad)


def _check_precision(model: Any) -> None:
    """Refuse learned weights of low precision.

    An update of 1e-6 is below the resolution of bfloat16 and leaves nearly all of its weights as they are.
    """
    low = [name for name, p in model.named_parameters() if p.requires_grad and p.dtype != torch.float32]
    if low:
        raise TrainingError(
            f"{len(low)} learned weights are not float32 (the first: {low[0]}), so small updates would change nothing. "
            "Keep them in float32 and set trainer.bf16 = true: the passes then run in bfloat16."
        )


def _as_they_are(items: list[Any]) -> list[Any]:
    return items
