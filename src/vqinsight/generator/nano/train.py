"""The embedded generator is trained from nothing but the embedded world: first the auto-encoder, then the denoiser.

The clips are of mixed quality on purpose. Captions name the quality half of the time, so that it can be asked for.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from torch.utils.data import Dataset
from transformers import Trainer, TrainerCallback, TrainingArguments

from vqinsight.assessor.nano.muon import MuonAndAdamW
from vqinsight.assessor.save import last_checkpoint
from vqinsight.generator.nano.build import (
    NEAR,
    SHIFT,
    build_autoencoder,
    build_denoiser,
    build_scheduler,
    build_text_encoder,
    build_tokenizer,
)
from vqinsight.generator.nano.generator import NanoGenerator, open_nano
from vqinsight.generator.nano.planes import encode_words, say_clip, to_planes
from vqinsight.generator.noise import flow, shifted
from vqinsight.world.simple import FRAMES, SIDE, draw_simple, quality_words

KL_WEIGHT = 1e-6  # the latents need to be bounded, not normal: they are standardised afterwards
ONE_WAY = r"\b(right|down)\b"  # in the captions of what is shown mostly at first: ``Plan.one_way``
UNTOLD = 0.1  # share of empty prompts, for guidance
BF16 = torch.backends.cpu.get_cpu_capability().startswith("AVX512")  # elsewhere it costs fifty times what float32 does


@dataclass(frozen=True)
class Plan:
    """How long to train.

    Attributes:
        clips: distinct clips, rendered once.
        autoencoder_steps: of ``frames`` frames each.
        steps: of the denoiser, of ``batch`` clips each.
        one_way: in how many of these what moves left or up is rare, less and less so. Left and right cancel out: words
            are of no use until frames are told apart, nor frames until words are; where all move right, frames are.
        autoencoder_rate: AdamW's, at its peak.
        rate: Muon's, and AdamW's where that is not for Muon.
        average: decay of the running average of the denoiser that is kept.
    """

    clips: int = 8_000
    autoencoder_steps: int = 6_000
    frames: int = 32
    autoencoder_rate: float = 1e-3
    steps: int = 8_000
    one_way: int = 400
    batch: int = 32
    rate: float = 1e-3
    average: float = 0.998
    save_every: int = 250
    seed: int = 0


def render_clips(file: Path, plan: Plan) -> np.ndarray:
    """uint8 (clips, 8, 64, 64, 3) on disk; rendered anew unless all of it is there."""
    shape = (plan.clips, FRAMES, SIDE, SIDE, 3)
    if not file.is_file():
        unfinished = file.with_suffix(".part.npy")
        clips = np.lib.format.open_memmap(unfinished, mode="w+", dtype=np.uint8, shape=shape)
        for number in range(plan.clips):
            clips[number] = draw_simple(_seed(plan, number)).frames
        clips.flush()
        unfinished.rename(file)
    return np.load(file, mmap_mode="r")


def _seed(plan: Plan, number: int) -> int:
    return plan.seed * 10_000_000 + number


class Frames(Dataset[torch.Tensor]):
    """Single frames of the clips, in a random order that the index fixes."""

    def __init__(self, clips: np.ndarray, count: int, seed: int) -> None:
        self._clips, self._count, self._seed = clips, count, seed

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, index: int) -> torch.Tensor:
        rng = np.random.default_rng((self._seed, 41, index))
        return torch.from_numpy(self._clips[rng.integers(len(self._clips)), rng.integers(FRAMES)].copy())


class AutoencoderLesson(torch.nn.Module):
    """The auto-encoder with its loss as one forward pass."""

    def __init__(self) -> None:
        super().__init__()
        self.vae = build_autoencoder()

    def forward(self, frames: torch.Tensor) -> dict[str, torch.Tensor]:
        """Absolute and squared error of the reconstruction: the one keeps edges sharp, the other colours right."""
        planes = to_planes(frames)
        believed = self.vae.encode(planes).latent_dist
        seen = self.vae.decode(believed.sample()).sample.float()
        return {"loss": F.l1_loss(seen, planes) + F.mse_loss(seen, planes) + KL_WEIGHT * believed.kl().mean()}


@torch.no_grad()
def encode_clips(file: Path, vae: Any, clips: np.ndarray) -> torch.Tensor:
    """Standardised float16 latents of all clips, made once.

    The statistics go into the auto-encoder's settings; one that has some, which a denoiser was taught with, keeps them.
    """
    if not file.is_file():
        vae.eval()
        with torch.autocast("cpu", torch.bfloat16, enabled=BF16):
            parts = [
                vae.encode(to_planes(torch.from_numpy(clips[i : i + 8].copy()).flatten(0, 1))).latent_dist.mode()
                for i in range(0, len(clips), 8)
            ]
        raw = torch.cat(parts).float()
        axes = (0, 2, 3)
        mean, std = raw.mean(axes), raw.std(axes)
        if vae.config.latents_mean:
            mean, std = torch.tensor(vae.config.latents_mean), torch.tensor(vae.config.latents_std)
        latents = (raw - mean.view(1, -1, 1, 1)) / std.view(1, -1, 1, 1)
        latents = latents.unflatten(0, (-1, FRAMES)).transpose(1, 2).half().contiguous()
        unfinished = file.with_suffix(".part")
        torch.save({"latents": latents, "mean": mean.tolist(), "std": std.tolist()}, unfinished)
        unfinished.rename(file)
    stored = torch.load(file, mmap=True)
    vae.register_to_config(latents_mean=stored["mean"], latents_std=stored["std"])
    return stored["latents"]


class Captioned(Dataset[dict[str, Any]]):
    """Latents with their caption, noise and time, all fixed by the index."""

    def __init__(self, latents: torch.Tensor, plan: Plan) -> None:
        self._latents, self._plan = latents, plan
        drawn = (draw_caption(_seed(plan, number)) for number in range(len(latents)))
        self._captions = [(prompt, words) for prompt, words in drawn]
        self._one_way = [place for place, (prompt, _) in enumerate(self._captions) if re.search(ONE_WAY, prompt)]

    def __len__(self) -> int:
        return self._plan.steps * self._plan.batch

    def __getitem__(self, index: int) -> dict[str, Any]:
        rng = np.random.default_rng((self._plan.seed, 42, index))
        number = int(rng.integers(len(self._latents)))
        if rng.random() < 1 - index / max(self._plan.one_way * self._plan.batch, 1):
            number = self._one_way[number % len(self._one_way)]
        prompt, words = self._captions[number]
        prompt = f"{prompt}, {words}" if rng.random() < 0.5 else prompt
        latents = self._latents[number].float()
        return {
            "latents": latents,
            "noise": torch.from_numpy(rng.standard_normal(latents.shape, dtype=np.float32)),
            "t": shifted(torch.tensor(1 - rng.random(), dtype=torch.float32), SHIFT),
            "prompts": "" if rng.random() < UNTOLD else prompt,
        }


def draw_caption(seed: int) -> tuple[str, str]:
    """Prompt and quality words of the clip with this seed."""
    clip = draw_simple(seed)
    return clip.prompt, quality_words(clip.truth)


def collate(items: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Tensors stacked, prompts listed."""
    batch = {name: torch.stack([item[name] for item in items]) for name in ("latents", "noise", "t")}
    return {**batch, "prompts": [item["prompts"] for item in items]}


class DenoiserLesson(torch.nn.Module):
    """Denoiser and text encoder with their loss as one forward pass, and the running average that is kept."""

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
        """Mean squared error of the flow, held down near the clip.

        The network says the clip, not the flow: clips fill few of the directions that latents have, noise fills all of
        them (docs/generator.md).
        """
        text = encode_words(self.networks["text_encoder"], self.tokenizer, prompts)
        clip = say_clip(self.networks["denoiser"], flow(latents, noise, t), t, text)
        near = t.clamp(min=NEAR).view(-1, 1, 1, 1, 1)
        return {"loss": ((clip.float() - latents) / near).square().mean()}


class Averaging(TrainerCallback):
    """After every step the running average follows."""

    def on_step_end(self, args: Any, state: Any, control: Any, model: Any = None, **others: Any) -> None:  # noqa: ARG002
        model.average.update_parameters(model.networks)


def train(out: Path, plan: Plan, *, start: Path | None = None) -> None:
    """Train and save to ``out/final``; goes on where an earlier call stopped.

    Args:
        start: a trained folder whose denoiser learns further, on the clips of another ``plan.seed``; layers whose size
            has changed since begin anew, its auto-encoder stays. By default training begins from nothing.
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
    """Train ``model`` on ``data`` once through, by AdamW if nothing else is given, from the last whole checkpoint."""
    arguments = TrainingArguments(
        output_dir=str(out),
        per_device_train_batch_size=batch,
        num_train_epochs=1,
        learning_rate=plan.autoencoder_rate,  # of AdamW; an optimizer that is given has its own
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
    """``python -m vqinsight.generator.nano.train --out runs/generator``."""
    parser = argparse.ArgumentParser(description="Train the embedded generator on the embedded world.")
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
