"""What the stages share: building the model, preparing the run's folder, training and saving."""

from __future__ import annotations

import copy
import dataclasses
import difflib
import json
import logging
import sys
import time
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from accelerate import PartialState
from accelerate.utils import gather_object
from transformers import PrinterCallback, ProgressCallback, Trainer, TrainerCallback, TrainingArguments
from transformers.integrations.integration_utils import INTEGRATION_TO_CALLBACK, get_available_reporting_integrations

from vqinsight.assessor.assessor import Assessor
from vqinsight.assessor.attention import BLOCKS, SEGMENTS, set_text_attention
from vqinsight.assessor.backbone import language_head
from vqinsight.assessor.load import load_model, pick_dtype
from vqinsight.assessor.save import last_checkpoint, restore, save_companions
from vqinsight.common.device import pick_device
from vqinsight.common.files import write_atomic
from vqinsight.common.seeds import seed_of
from vqinsight.errors import UsageError
from vqinsight.grpo.dataset import Questions
from vqinsight.grpo.run_log import RunLog
from vqinsight.grpo.trainer import GRPOTrainer
from vqinsight.rewards.rubric import Rubric
from vqinsight.settings.shipped import config_path
from vqinsight.settings.train import TrainSettings
from vqinsight.tasks.types import TaskName
from vqinsight.training.data import mixture, separated

logger = logging.getLogger(__name__)

_PACKED_ATTENTION = {"flex": BLOCKS, "segments": SEGMENTS}

# Settings that may differ when a run is resumed: none of them changes the result.
_FREE = {"max_failed", "samples_every", "save_every", "log_every", "workers"}
# Packages of loggers that are called otherwise.
_PACKAGES = {"azure_ml": "azureml-mlflow", "comet_ml": "comet-ml"}


def train_grpo(settings: TrainSettings, tasks: Sequence[TaskName], rubric: Rubric, *, resume: bool) -> Path:
    """Train by GRPO and return the folder of the finished model."""
    check_trainer(settings)
    prepare_run_dir(settings, resume=resume)
    examples = mixture(settings, tasks)
    assessor = build_trainable_assessor(settings)
    grpo = settings.grpo
    dtype = pass_dtype(settings)
    needs_copy = grpo.beta > 0 and settings.model.lora_rank == 0
    # Frozen as a whole, it has the precision of the passes.
    reference = copy.deepcopy(assessor.loaded.model).requires_grad_(False).to(dtype) if needs_copy else None
    questions = Questions(separated(examples, assessor.prompt_set), grpo.group_size, assessor.clips.load)
    run_log = RunLog(settings.out, settings.max_failed, writes=processes().is_main_process)
    trainer = GRPOTrainer(
        assessor,
        rubric,
        questions,
        arguments(settings, grpo.group_size),
        grpo,
        run_log,
        reference=reference,
        samples_every=settings.samples_every,
    )
    return train_and_save(trainer, assessor, questions, run_log, settings, resume=resume)


def build_trainable_assessor(settings: TrainSettings) -> Assessor:
    """The assessor with ``requires_grad`` set on the learned weights, which are float32; the run's seed fixes an
    adapter's initial weights.

    Frozen weights have the precision of the passes (``pass_dtype``).

    Raises:
        UsageError: an adapter on the language head.
    """
    given, dtype = settings.model, pass_dtype(settings)
    loaded = load_model(given.name, template=given.template, dtype="stored", on_message=logger.info)
    model = loaded.model
    model.set_attn_implementation("eager" if given.attention == "eager" else "sdpa")
    by_itself = "flex" if model.device.type == "cuda" else "segments"
    chosen = by_itself if given.attention == "auto" else given.attention
    if chosen in _PACKED_ATTENTION:
        set_text_attention(model, _PACKED_ATTENTION[chosen])
    if given.lora_rank:
        from peft import LoraConfig, get_peft_model

        config = LoraConfig(
            r=given.lora_rank,
            lora_alpha=given.lora_alpha,
            target_modules=given.lora_targets,
            # A tower trained beside an adapter belongs to it: saved, resumed, and disabled for the reference.
            modules_to_save=["visual"] if given.train_vision else None,
        )
        with torch.random.fork_rng():  # the same in every process: sharding keeps a part of each one's weights
            torch.manual_seed(seed_of(f"{settings.seed}/lora"))
            model = get_peft_model(model, config)
    else:
        model.requires_grad_(True)
        if not given.train_vision:
            model.model.visual.requires_grad_(False)
    for parameter in model.parameters():
        parameter.data = parameter.data.to(torch.float32 if parameter.requires_grad else dtype)
    try:
        language_head(model)
    except TypeError as error:
        raise UsageError(f"model.lora_targets = {given.lora_targets!r}: {error}. Leave lm_head out of it.") from error
    return Assessor(dataclasses.replace(loaded, model=model))


def pass_dtype(settings: TrainSettings) -> torch.dtype:
    """The precision of forward and backward passes: bfloat16 under autocast, or float32.

    Raises:
        UsageError: float16, or settings that contradict each other.
    """
    dtype = pick_dtype(settings.model.dtype, pick_device())
    autocast = settings.trainer.get("bf16")
    if torch.float16 in (dtype, torch.float16 if settings.trainer.get("fp16") else None):
        raise UsageError(
            'float16 overflows in training. Use model.dtype = "bfloat16" with trainer.bf16 = true, or "float32".'
        )
    if autocast is False and settings.model.dtype == "bfloat16":
        raise UsageError('trainer.bf16 = false contradicts model.dtype = "bfloat16": leave one of them out.')
    return torch.float32 if autocast is False else dtype


def check_trainer(settings: TrainSettings) -> None:
    """Refuse what cannot work under ``[trainer]``, before a model is loaded.

    Raises:
        UsageError: an unknown key, or a package that a setting needs is not installed.
    """
    known = {field.name for field in dataclasses.fields(TrainingArguments)}
    for key in settings.trainer:
        if key not in known:
            nearest = difflib.get_close_matches(key, known, n=1, cutoff=0.0)[0]
            raise UsageError(f"trainer.{key} is no TrainingArguments field. Did you mean {nearest!r}?")
    if settings.trainer.get("deepspeed") and find_spec("deepspeed") is None:
        raise UsageError("trainer.deepspeed needs DeepSpeed. Install it: pip install deepspeed")
    loggers = settings.trainer.get("report_to") or ()
    for name in (loggers,) if isinstance(loggers, str) else loggers:
        if name in ("none", "all", "flyte"):  # all: of those that are installed; flyte checks itself
            continue
        if name not in INTEGRATION_TO_CALLBACK:
            nearest = difflib.get_close_matches(str(name), INTEGRATION_TO_CALLBACK, n=1, cutoff=0.0)[0]
            raise UsageError(f"trainer.report_to = {name!r} is no logger that is known. Did you mean {nearest!r}?")
        if name not in get_available_reporting_integrations():
            package = _PACKAGES.get(name, name)
            raise UsageError(
                f"trainer.report_to = {name!r} needs a package that is not installed. Install it: pip install "
                f"{package}, or leave report_to out: log.json is written anyway."
            )


def arguments(settings: TrainSettings, answers: int) -> TrainingArguments:
    """transformers' arguments for these settings; a batch counts answers.

    Raises:
        UsageError: batch sizes that do not divide; and as for ``check_trainer``.
    """
    check_trainer(settings)
    at_once = settings.answers_per_forward * processes().num_processes
    if settings.questions_per_update * answers % at_once:
        raise UsageError(
            f"questions_per_update = {settings.questions_per_update} with {answers} answers each cannot be cut into "
            f"passes of {at_once} (answers_per_forward = {settings.answers_per_forward} on "
            f"{processes().num_processes} processes)."
        )
    values: dict[str, Any] = {
        "output_dir": str(settings.out),
        "per_device_train_batch_size": settings.answers_per_forward,
        "gradient_accumulation_steps": settings.questions_per_update * answers // at_once,
        "num_train_epochs": 1,  # the sequence of questions holds all epochs
        "learning_rate": settings.learning_rate,
        "logging_steps": settings.log_every,
        "save_steps": settings.save_every,
        "save_total_limit": 2,  # an interrupted write leaves the other
        "seed": settings.seed,
        "data_seed": settings.seed,
        "dataloader_num_workers": settings.workers,
        "remove_unused_columns": False,
        "ddp_find_unused_parameters": False,
        "bf16": pass_dtype(settings) == torch.bfloat16,
        "use_cpu": not torch.accelerator.is_available(),
        "dataloader_pin_memory": torch.accelerator.is_available(),
        "disable_tqdm": True,
        "report_to": "none",
    }
    given = dict(settings.trainer)
    if isinstance(deepspeed := given.get("deepspeed"), str):
        given["deepspeed"] = str(config_path(deepspeed))
    return TrainingArguments(**(values | given))


def prepare_run_dir(settings: TrainSettings, *, resume: bool) -> None:
    """Prepare the run's folder without overwriting anything.

    Raises:
        UsageError: the folder holds a run and ``resume`` is off, or holds a run with other settings; or nodes see
            different ones.
    """
    note = settings.out / "settings.json"
    if resume and processes().num_processes > 1:
        # Nodes that went on from different places would wait for each other for ever.
        files = (*settings.out.glob("checkpoint-*/trainer_state.json"), *settings.out.glob("final/vqinsight.json"))
        held = sorted(file.parent.name for file in files)
        if any(each != held for each in gather_object([held])):
            raise UsageError(
                f"{settings.out} is not the same folder on all nodes, so they cannot go on together: choose one that "
                "they share, or copy checkpoint-* from the first node."
            )
    given = settings.model_dump(mode="json")
    if note.is_file():
        if not resume:
            raise UsageError(f"{settings.out} holds a run already. Go on with --resume, or choose another out.")
        before = json.loads(note.read_text(encoding="utf-8"))
        changed = [key for key in given if key not in _FREE and given[key] != before.get(key)]
        if changed:
            raise UsageError(
                f"{settings.out} was begun with other settings ({', '.join(changed)}); see {note}. "
                "Going on would be neither the one run nor the other: choose another out."
            )
    processes().wait_for_everyone()  # before the first process writes what the others read
    if processes().is_main_process:
        settings.out.mkdir(parents=True, exist_ok=True)
        write_atomic(note, json.dumps(given, indent=2) + "\n")


def train_and_save(
    trainer: Trainer,
    assessor: Assessor,
    questions: Questions,
    run_log: RunLog,
    settings: TrainSettings,
    *,
    resume: bool,
) -> Path:
    """Train, and save the model to ``out/final`` and the log to ``out/log.json``."""
    final = settings.out / "final"
    if resume and (final / "vqinsight.json").is_file():
        logger.info("%s is finished already", settings.out)
        return final
    trainer.remove_callback(PrinterCallback)
    trainer.remove_callback(ProgressCallback)
    trainer.add_callback(StderrLog())
    checkpoint = last_checkpoint(settings.out) if resume else None
    if checkpoint is not None and (checkpoint / "config.json").is_file():  # full weights; the Trainer loads adapters
        restore(assessor.loaded.model, checkpoint)
    trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
    if run_log.failed:
        logger.warning(
            "%d of %d questions were left out: %s",
            len(run_log.failed),
            len(questions) // questions.group_size,
            run_log.summary(),
        )
    trainer.save_model(str(final))
    if trainer.is_world_process_zero():
        (final / "training_args.bin").unlink(missing_ok=True)
        trainer.state.save_to_json(str(settings.out / "log.json"))
        save_companions(assessor.loaded, final)  # its settings file marks the run as finished
    trainer.accelerator.wait_for_everyone()
    return final


def processes() -> PartialState:
    """Rank and number of processes; without an accelerator Accelerate needs to be told to use the CPU."""
    return PartialState(cpu=not torch.accelerator.is_available())


class StderrLog(TrainerCallback):
    """Prints each log entry as one line on standard error."""

    def __init__(self) -> None:
        self._started = time.monotonic()

    def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, float] | None = None, **_: Any) -> None:  # noqa: ARG002
        """Print the entry."""
        if state.is_world_process_zero and logs:
            shown = [f"{name} {value:.4g}" for name, value in logs.items() if isinstance(value, float | int)]
            seconds = time.monotonic() - self._started
            print(
                f"[{seconds:6.0f} s] update {state.global_step}/{state.max_steps}: {', '.join(shown)}", file=sys.stderr
            )
