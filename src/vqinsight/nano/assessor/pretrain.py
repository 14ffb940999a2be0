"""Supervised pre-training of the embedded model on the synthetic set, on transformers' Trainer.

Each step takes some lessons. A clip is encoded once for all questions about it.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path
from typing import Any

import torch
from accelerate import PartialState
from transformers import AutoTokenizer, Qwen2_5_VLForConditionalGeneration, Trainer, TrainingArguments
from transformers.modeling_outputs import BaseModelOutputWithPooling

from vqinsight.assessor.backbone import prompt_positions
from vqinsight.assessor.save import last_checkpoint, restore, save_tokenizer
from vqinsight.nano.assessor.architecture import HEADS, build_model, nano_config
from vqinsight.nano.assessor.batches import IGNORED, Collator, Lessons, TextOnlyDataset
from vqinsight.nano.assessor.muon import MuonAndAdamW
from vqinsight.nano.assessor.rendered import RenderedClips, render_share
from vqinsight.nano.assessor.tokenizer import train_tokenizer
from vqinsight.nano.assessor.tower import Heads, ReadingHeads, TowerDataset, TowerPretraining, collate_clips, targets
from vqinsight.video.views import View

HEADS_SHARE = 0.2  # weight of the tower's attribute heads relative to the language loss
READING_SHARE = 0.4  # weight of those inside the language model
READ_AT = 3  # the language model's layer whose visual tokens the heads read
TOWER_SHARE = 0.2  # learning rate of the trained tower relative to the language model


class PretrainingModel(Qwen2_5_VLForConditionalGeneration):
    """The model with its loss as one forward pass: each clip is encoded once for all questions.

    The tower's heads add to the language loss, and further heads read the middle of the language model; on existing
    features they cost nothing.
    """

    def __init__(self, config: Any) -> None:
        super().__init__(config)
        self.attributes = Heads(config.text_config.hidden_size)
        self.reading = ReadingHeads(config.text_config.hidden_size)

    def forward(self, encode: dict[str, Any], parts: list[dict[str, Any]]) -> dict[str, torch.Tensor]:
        """``loss`` over a batch of ``Collator``: the answers' mean cross-entropy and a share of the heads' loss.

        ``tower``, ``plain`` and ``reading``: (attributes, 2) counts of correct and all of the heads on the tower, of
        those on the means of its views, and of those inside the language model.
        """
        encoders = {"image": self.get_image_features, "video": self.get_video_features}
        features = {
            kind: encoders[kind](patches, grids, return_dict=True).pooler_output
            for kind, (patches, grids, _) in encode.items()
        }
        tower = [self.attributes(features[kind], grids, wanted) for kind, (_, grids, wanted) in encode.items()]
        total, tokens, reading = torch.zeros(()), 0, []
        for part in parts:
            ordered = {
                kind: BaseModelOutputWithPooling(pooler_output=[features[kind][place] for place in order])
                for kind, order in part["order"].items()
                if order
            }
            said = super().forward(
                **part["inputs"],
                position_ids=prompt_positions(self, part["inputs"]),
                mm_encoder_outputs=ordered,
                output_hidden_states=True,
            )
            logits, labels = said.logits, part["labels"][:, 1:]
            total = total + torch.nn.functional.cross_entropy(
                logits[:, :-1].flatten(0, 1), labels.flatten(), ignore_index=IGNORED, reduction="sum"
            )
            tokens += int((labels != IGNORED).sum())
            view = self._views(part["inputs"]["input_ids"])
            for clip in range(part["wanted"].shape[1]):
                reading.append(
                    self.reading.read(said.hidden_states[READ_AT], view == clip + 1, part["wanted"][:, clip])
                )
        found = {"loss": total / tokens}
        for name, heads, share in (("tower", tower, HEADS_SHARE), ("reading", reading, READING_SHARE)):
            if heads:  # text-only exercises have no clips
                found["loss"] = found["loss"] + share * torch.stack([each["loss"] for each in heads]).mean()
                found[name] = torch.stack([each["right"] for each in heads]).sum(0)
        if tower:
            found["plain"] = torch.stack([each["plain"] for each in tower]).sum(0)
        return found

    def _views(self, ids: torch.Tensor) -> torch.Tensor:
        """The number of the clip, from 1, on each of a row's visual tokens; 0 on all others."""
        visual = (ids == self.config.image_token_id) | (ids == self.config.video_token_id)
        return (ids == self.config.vision_start_token_id).cumsum(1) * visual


def whiten(model: Any, views: Sequence[torch.Tensor]) -> None:
    """Scale the filters of the patch embedding so that each responds to a typical patch of ``views`` with about 1.

    Typical is the median: a standard deviation is dominated by the few clips with strong noise and leaves the fine
    detail of all others a hundred times weaker than coarse structure, so that blur and compression are not detected.
    """
    patches = torch.cat(list(views))
    projection = model.model.visual.patch_embed.proj.weight
    with torch.no_grad():
        typical = (patches @ projection.flatten(1).T).abs().median(0).values.clamp_min(0.02)
        projection /= typical.view(-1, 1, 1, 1, 1)


@dataclass(frozen=True)
class Plan:
    """The length of training and its settings.

    Attributes:
        clips: lessons whose two clips are rendered and measured, once for all stages.
        tower_data: views of these for the vision tower alone; 0 skips this stage.
        text_only: text-only exercises for the language model; 0 skips this stage.
        lessons: lessons for the whole model, of which the first ``perception`` use the short form.
        per_step: lessons per step and process; twice as many clips for the tower, eight times as many
            text-only exercises.
        learning_rate: Muon's at its peak for the tower alone; the whole model learns at half of it, AdamW's part at
            half of that.
        save_every: steps between checkpoints.
    """

    clips: int = 2_500
    tower_data: int = 20_000
    text_only: int = 50_000
    lessons: int = 3_500
    perception: int = 1_200
    per_step: int = 4
    learning_rate: float = 2e-3
    save_every: int = 200
    seed: int = 0


def pretrain(out: Path, plan: Plan, *, start: Path | None = None, workers: int = 0) -> None:
    """Pre-train and save model and tokenizer to ``out/final``; resumes an interrupted run.

    Args:
        start: a model folder to train further, preferably a ``final``, which has the heads. By default training starts
            from scratch. Set another ``plan.seed``, or the same clips are used again.
    """
    first = plan.seed * 10_000_000  # every seed has its own clips
    kept = RenderedClips(out / "clips", first)
    state = PartialState()
    render_share(kept, range(plan.clips), state.process_index, state.num_processes)
    state.wait_for_everyone()
    if start is None:
        tokenizer = train_tokenizer()
        model = build_model(tokenizer, plan.seed)
        whiten(model, [clip.view.patches for i in range(24) for clip in kept[i]])
    else:
        tokenizer = AutoTokenizer.from_pretrained(start)
        model = Qwen2_5_VLForConditionalGeneration.from_pretrained(start, dtype=torch.float32)
    data = Lessons(tokenizer, plan.lessons, plan.perception, kept, plan.clips, first)
    pretraining_model = pupil_of(model, tokenizer, start)
    tower_pretraining = TowerPretraining(pretraining_model.model.visual, pretraining_model.attributes)
    if plan.tower_data and not (out / "tower.pt").exists():
        tower_data = TowerDataset(partial(_tower_clip, kept, plan.clips), plan.tower_data)
        step = 2 * plan.per_step
        trainer = _trainer(
            tower_pretraining, tower_data, collate_clips, out / "tower", plan, step, plan.learning_rate, workers
        )
        checkpoint = last_checkpoint(out / "tower")
        trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
        if trainer.is_world_process_zero():
            torch.save(tower_pretraining.state_dict(), out / "tower.pt")
        trainer.accelerator.wait_for_everyone()
    if (out / "tower.pt").exists():
        tower_pretraining.load_state_dict(torch.load(out / "tower.pt"))
    collator = Collator(tokenizer.pad_token_id)
    rate = plan.learning_rate / 2
    if plan.text_only and last_checkpoint(out / "language") is None:
        _train_text_only(
            pretraining_model,
            TextOnlyDataset(tokenizer, plan.text_only, kept, plan.clips, first),
            collator,
            out / "text_only",
            plan,
            rate,
            workers,
        )
    trainer = _trainer(pretraining_model, data, collator, out / "language", plan, plan.per_step, rate, workers)
    checkpoint = last_checkpoint(out / "language")
    if checkpoint is not None:
        restore(pretraining_model, checkpoint)
    trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
    if trainer.is_world_process_zero():
        model.load_state_dict(pretraining_model.state_dict(), strict=False)
        model.save_pretrained(out / "final")
        save_tokenizer(tokenizer, out / "final")
        heads = {
            name: weight
            for name, weight in pretraining_model.state_dict().items()
            if name.startswith(("attributes.", "reading."))
        }
        torch.save(heads, out / "final" / HEADS)


def pupil_of(model: Any, tokenizer: Any, folder: Path | None) -> PretrainingModel:
    """The model with heads, from ``folder`` or new."""
    pretraining_model = PretrainingModel(nano_config(tokenizer))
    pretraining_model.load_state_dict(model.state_dict(), strict=False)  # all but the heads
    if folder is not None and (folder / HEADS).is_file():
        pretraining_model.load_state_dict(torch.load(folder / HEADS), strict=False)
    return pretraining_model


def _train_text_only(
    pretraining_model: PretrainingModel,
    data: TextOnlyDataset,
    collator: Collator,
    out: Path,
    plan: Plan,
    rate: float,
    workers: int,
) -> None:
    """Train the language model on text-only exercises; the tower and the heads stay fixed."""
    resting = [
        *pretraining_model.model.visual.parameters(),
        *pretraining_model.attributes.parameters(),
        *pretraining_model.reading.parameters(),
    ]
    for weight in resting:
        weight.requires_grad_(False)
    trainer = _trainer(pretraining_model, data, collator, out, plan, 8 * plan.per_step, rate, workers)
    checkpoint = last_checkpoint(out)
    if checkpoint is not None:
        restore(pretraining_model, checkpoint)
    trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
    for weight in resting:
        weight.requires_grad_(True)


def _tower_clip(kept: RenderedClips, clips: int, index: int) -> tuple[View, list[float]]:
    """One clip: the first of every lesson, then the second, then the first again."""
    which, place = divmod(index, clips)
    clip = kept[place][which % 2]
    return clip.view, targets(clip.truth, still=clip.still)


def _trainer(
    model: Any, data: Any, collator: Any, out: Path, plan: Plan, per_step: int, rate: float, workers: int
) -> Trainer:
    arguments = TrainingArguments(
        output_dir=str(out),
        per_device_train_batch_size=per_step,
        num_train_epochs=1,
        lr_scheduler_type="cosine_with_min_lr",
        lr_scheduler_kwargs={"min_lr_rate": 0.05},
        warmup_steps=0.05,  # of all steps
        max_grad_norm=1.0,
        logging_steps=20,
        seed=plan.seed,
        ddp_find_unused_parameters=False,
        ddp_broadcast_buffers=False,
        save_steps=plan.save_every,
        save_total_limit=2,
        dataloader_num_workers=workers,
        dataloader_prefetch_factor=4 if workers else None,
        remove_unused_columns=False,
        report_to="none",
        use_cpu=True,
        disable_tqdm=True,
        train_sampling_strategy="sequential",
    )
    optimizers = (MuonAndAdamW(model, rate, rate / 2, {"model.visual": TOWER_SHARE}), None)
    return Trainer(model=model, args=arguments, train_dataset=data, data_collator=collator, optimizers=optimizers)


def main() -> None:
    """``python -m vqinsight.nano.assessor.pretrain --out runs/nano`` (or with torchrun on several processes)."""
    parser = argparse.ArgumentParser(description="Pre-train the embedded model on the synthetic set.")
    parser.add_argument("--out", type=Path, required=True, help="folder for checkpoints and the finished model")
    parser.add_argument(
        "--continue-from", dest="start", type=Path, help="a model folder to train further, with another --seed"
    )
    parser.add_argument("--workers", type=int, default=0, help="processes that render clips ahead")
    for field in fields(Plan):
        parser.add_argument(f"--{field.name.replace('_', '-')}", type=type(field.default), default=field.default)
    given = vars(parser.parse_args())
    out, start, workers = given.pop("out"), given.pop("start"), given.pop("workers")
    out.mkdir(parents=True, exist_ok=True)
    pretrain(out, Plan(**given), start=start, workers=workers)


if __name__ == "__main__":
    main()
