"""Trains the embedded generator on the synthetic set: first the auto-encoder, then the denoiser."""

from __future__ import annotations

import argparse
from dataclasses import fields
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from transformers import Trainer, TrainerCallback, TrainingArguments

from vqinsight.assessor.save import last_checkpoint
from vqinsight.generator.families.nano import NanoGenerator, open_nano
from vqinsight.generator.families.nano_layout import encode_words, say_clip, to_planes
from vqinsight.generator.families.nano_networks import (
    NEAR,
    build_autoencoder,
    build_denoiser,
    build_scheduler,
    build_text_encoder,
    build_tokenizer,
)
from vqinsight.generator.noise import flow
from vqinsight.nano.assessor.muon import MuonAndAdamW
from vqinsight.nano.generator.data import BF16, Captioned, Frames, Plan, collate, encode_clips, render_clips

KL_WEIGHT = 1e-6  # the latents need to be bounded, not normal: they are standardised afterwards


class AutoencoderLesson(torch.nn.Module):
    """The auto-encoder with its loss as one forward pass."""

    def __init__(self) -> None:
        super().__init__()
        self.vae = build_autoencoder()

    def forward(self, frames: torch.Tensor) -> dict[str, torch.Tensor]:
        """Absolute and squared error of the reconstruction: the first for sharp edges, the second for exact colours."""
        planes = to_planes(frames)
        believed = self.vae.encode(planes).latent_dist
        seen = self.vae.decode(believed.sample()).sample.float()
        return {"loss": F.l1_loss(seen, planes) + F.mse_loss(seen, planes) + KL_WEIGHT * believed.kl().mean()}


class DenoiserLesson(torch.nn.Module):
    """Denoiser and text encoder with their loss as one forward pass, and their moving average."""

    def __init__(self, tokenizer: Any, average: float) -> None:
        super().__init__()
        self.tokenizer = tokenizer
        self.networks = torch.nn.ModuleDict(
            {"denoiser": build_denoiser(), "text_encoder": build_text_encoder(len(tokenizer))}
        )
        self.average = AveragedModel(self.networks, multi_avg_fn=get_ema_multi_avg_fn(average))
        self.average.requires_grad_(False)

    def forward(
        self, latents: torch.Tensor, noise: torch.Tensor, t: torch.Tensor, prompts: list[str]
    ) -> dict[str, torch.Tensor]:
        """Mean squared error of the flow, with its weight bounded near the clip.

        The network predicts the clip, not the flow: clips lie in a low-dimensional subspace of the latents, noise does
        not (dev/log).
        """
        text = encode_words(self.networks["text_encoder"], self.tokenizer, prompts)
        clip = say_clip(self.networks["denoiser"], flow(latents, noise, t), t, text)
        near = t.clamp(min=NEAR).view(-1, 1, 1, 1, 1)
        return {"loss": ((clip.float() - latents) / near).square().mean()}


class Averaging(TrainerCallback):
    """Updates the moving average after every step."""

    def on_step_end(self, args: Any, state: Any, control: Any, model: Any = None, **others: Any) -> None:  # noqa: ARG002
        model.average.update_parameters(model.networks)


def train(out: Path, plan: Plan, *, start: Path | None = None) -> None:
    """Train and save to ``out/final``; resumes an interrupted run.

    Args:
        start: a trained folder whose denoiser is trained further, on the clips of another ``plan.seed``; layers of
            another size are reinitialised, its auto-encoder is kept. By default training starts from scratch.
    """
    torch.manual_seed(plan.seed)
    clips = render_clips(out / "clips.npy", plan)
    before = None if start is None else open_nano(str(start), start)
    if before is None:
        coder = AutoencoderLesson()
        data: Any = Frames(clips, plan.autoencoder_steps * plan.frames, plan.seed)
        _run(coder, data, lambda frames: {"frames": torch.stack(frames)}, out / "autoencoder", plan, plan.frames)
    vae = coder.vae if before is None else before.vae
    latents = encode_clips(out / "latents.pt", vae, clips)
    tokenizer = build_tokenizer()
    lesson = DenoiserLesson(tokenizer, plan.average)
    if before is not None:
        for name, network in lesson.networks.items():
            own, learned = network.state_dict(), getattr(before, name).state_dict()
            fitting = {layer: weight for layer, weight in learned.items() if weight.shape == own[layer].shape}
            network.load_state_dict({**own, **fitting})
    muon = MuonAndAdamW(lesson.networks, plan.rate, plan.rate, weight_decay=0.01)
    _run(lesson, Captioned(latents, plan), collate, out / "denoiser", plan, plan.batch, muon, [Averaging()])
    kept: Any = lesson.average.module
    made = NanoGenerator("nano", kept["denoiser"], vae, kept["text_encoder"], tokenizer, build_scheduler())
    made.save(out / "final")


def _run(
    model: Any,
    data: Any,
    collator: Any,
    out: Path,
    plan: Plan,
    batch: int,
    optimizer: torch.optim.Optimizer | None = None,
    callbacks: list[TrainerCallback] | None = None,
) -> None:
    """Train ``model`` for one pass over ``data``, by default with AdamW, from the last complete checkpoint."""
    arguments = TrainingArguments(
        output_dir=str(out),
        per_device_train_batch_size=batch,
        num_train_epochs=1,
        learning_rate=plan.autoencoder_rate,  # of AdamW; a given optimizer has its own
        weight_decay=0.01,
        lr_scheduler_type="cosine_with_min_lr",
        lr_scheduler_kwargs={"min_lr_rate": 0.03},
        warmup_steps=100,
        max_grad_norm=1.0,
        logging_steps=50,
        seed=plan.seed,
        save_steps=plan.save_every,
        save_total_limit=2,
        remove_unused_columns=False,
        report_to="none",
        use_cpu=True,
        bf16=BF16,
        disable_tqdm=True,
        train_sampling_strategy="sequential",
    )
    trainer = Trainer(
        model=model,
        args=arguments,
        train_dataset=data,
        data_collator=collator,
        callbacks=callbacks,
        optimizers=(optimizer, None),
    )
    checkpoint = last_checkpoint(out)
    trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)


def main() -> None:
    """``python -m vqinsight.nano.generator.train --out runs/generator``."""
    parser = argparse.ArgumentParser(description="Train the embedded generator on the synthetic set.")
    parser.add_argument("--out", type=Path, required=True, help="folder for checkpoints and the finished generator")
    parser.add_argument(
        "--continue-from", dest="start", type=Path, help="a folder whose denoiser learns further, with another --seed"
    )
    for field in fields(Plan):
        parser.add_argument(f"--{field.name.replace('_', '-')}", type=type(field.default), default=field.default)
    given = vars(parser.parse_args())
    out, start = given.pop("out"), given.pop("start")
    out.mkdir(parents=True, exist_ok=True)
    train(out, Plan(**given), start=start)


if __name__ == "__main__":
    main()
