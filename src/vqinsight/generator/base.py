"""The interface of all text-to-video generators, for every prediction type and sampler."""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from vqinsight.errors import ModelError, UsageError
from vqinsight.generator import checkpoint, lora, noise
from vqinsight.generator.conditioning import Conditioning
from vqinsight.generator.noise import Prediction


class Generator(ABC):
    """A text-to-video generator G.

    Attributes:
        name: as the user gave it.
        family: kind of generator, as in its ``generator.json``.
        prediction: what the denoiser is trained to predict: ``"epsilon"``, ``"v"`` or ``"flow"``.
        denoiser: the trained network; all of it, or its LoRA after ``add_lora``.
        frozen: the networks that are never trained (auto-encoder, text encoders) by name.
        scheduler: the diffusers scheduler of sampling.
        size: frames, height and width of a clip.
        fps: frames per second of a clip.
        steps, guidance: defaults of ``sample``; guidance 1 is none.
        alphas_cumprod: (T,) ᾱ of the noise schedule for epsilon and v; ``None`` for flow.
    """

    name: str
    prediction: Prediction
    denoiser: torch.nn.Module
    frozen: dict[str, torch.nn.Module]
    scheduler: Any
    size: tuple[int, int, int]
    fps: float
    steps: int
    guidance: float
    alphas_cumprod: torch.Tensor | None = None
    family: str
    base: str | None = None  # the model that LoRA is added to, where that is not ``name``
    _reference: torch.nn.Module | None = None
    _folded = False  # whether LoRA is merged into the weights, so that they differ from the base's

    @property
    def device(self) -> torch.device:
        return next(self.denoiser.parameters()).device

    @property
    def dtype(self) -> torch.dtype:
        return next(self.denoiser.parameters()).dtype

    def to(self, device: torch.device | str) -> Generator:
        """Move every network, in place."""
        for network in (self.denoiser, self._reference, *self.frozen.values()):
            if network is not None:
                network.to(device)
        return self

    # Implemented by each family

    @property
    @abstractmethod
    def latent_shape(self) -> tuple[int, ...]:
        """Shape of one clip's latents, without the batch."""

    @abstractmethod
    def encode_video(self, frames: torch.Tensor) -> torch.Tensor:
        """Latents (B, ...) of uint8 RGB frames (B, F, H, W, 3), scaled for the denoiser."""

    @abstractmethod
    def decode(self, latents: torch.Tensor) -> torch.Tensor:
        """uint8 RGB frames (B, F, H, W, 3) of latents; latents that are not finite give black."""

    @abstractmethod
    def encode_prompt(self, prompts: Sequence[str]) -> Conditioning:
        """Encoded prompts; the empty one is the negative prompt of guidance."""

    @abstractmethod
    def predict(self, noisy: torch.Tensor, t: torch.Tensor, conditioning: Conditioning) -> torch.Tensor:
        """The denoiser's prediction for noisy latents, in the shape of ``target``; differentiable."""

    @abstractmethod
    def sample_t(self, count: int, rng: torch.Generator) -> torch.Tensor:
        """Training times (B,): steps of the schedule (int64) for epsilon and v, in (0, 1] (float32) for flow."""

    @abstractmethod
    def _save_whole(self, folder: Path) -> None:
        """Write every network and ``generator.json``; the denoiser has no LoRA."""

    # Common to all families

    def add_noise(self, latents: torch.Tensor, noise_: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
        """Latents at time ``t`` (B,)."""
        if self.prediction == "flow":
            return noise.flow(latents, noise_, t)
        return noise.diffuse(latents, noise_, self._alpha_bar(t))

    def target(self, latents: torch.Tensor, noise_: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
        """The training target of ``predict`` for ``add_noise(latents, noise_, t)``."""
        if self.prediction == "flow":
            return noise_ - latents
        return noise_ if self.prediction == "epsilon" else noise.velocity(latents, noise_, self._alpha_bar(t))

    def _alpha_bar(self, t: torch.Tensor) -> torch.Tensor:
        assert self.alphas_cumprod is not None
        return self.alphas_cumprod[t.cpu().long()]

    def save(self, folder: Path) -> None:
        """Write a folder that ``open_generator`` reads; only the LoRA where the weights are otherwise the base's."""
        if lora.has_lora(self.denoiser) and not self._folded:
            checkpoint.save_lora(self.denoiser, folder, self.base or self.name)
            return
        folder.mkdir(parents=True, exist_ok=True)
        learner = self.denoiser
        self.denoiser = lora.merged(learner) if lora.has_lora(learner) else learner
        try:
            self._save_whole(folder)
        finally:
            self.denoiser = learner

    def provenance(self) -> dict[str, Any]:
        """What determines the clips, as plain values: family, a hash of the denoiser, sampler, size, versions."""
        return {
            "generator": self.name,
            "family": self.family,
            "model_hash": checkpoint.weights_digest(self.denoiser),
            "prediction": self.prediction,
            "sampler": type(self.scheduler).__name__,
            "steps": self.steps,
            "guidance": self.guidance,
            "size": list(self.size),
            "fps": self.fps,
            "diffusers": version("diffusers"),
            "version": version("vqinsight"),
        }

    def enable_gradient_checkpointing(self) -> None:
        """Recompute activations in the backward pass to save memory.

        Raises:
            ModelError: the denoiser does not support it (diffusers' 3-D U-Net of ModelScope does not).
        """
        try:
            self.denoiser.enable_gradient_checkpointing()  # type: ignore[operator]
        except ValueError as error:
            raise ModelError(f"{self.name}: {error} Train it without, with LoRA or fewer clips a step.") from error

    def add_lora(self, rank: int = 16) -> None:
        """Train LoRA instead of the denoiser's weights."""
        lora.add_lora(self.denoiser, rank)

    def reset_reference(self) -> None:
        """Make the current generator the reference: merges LoRA into the weights, or makes a frozen copy."""
        if lora.has_lora(self.denoiser):
            lora.fold_lora(self.denoiser)
            self._folded = True
        else:
            self._reference = copy.deepcopy(self.denoiser).eval().requires_grad_(False)

    @contextmanager
    def reference(self) -> Iterator[None]:
        """A context in which ``predict`` is the frozen reference's, without gradients: LoRA off, or the frozen copy.

        Raises:
            UsageError: there is neither LoRA nor a copy; call ``reset_reference`` before training.
        """
        learner = self.denoiser
        if lora.has_lora(learner):
            with torch.no_grad(), lora.lora_off(learner):
                yield
            return
        if self._reference is None:
            raise UsageError("This generator has no reference. Call add_lora() or reset_reference() before training.")
        self.denoiser = self._reference
        try:
            with torch.no_grad():
                yield
        finally:
            self.denoiser = learner

    @torch.no_grad()
    def sample(
        self,
        prompts: Sequence[str],
        seeds: Sequence[int],
        *,
        init_latents: torch.Tensor | None = None,
        strength: float = 1.0,
        steps: int | None = None,
        guidance: float | None = None,
    ) -> torch.Tensor:
        """Sample latents, one clip per prompt.

        Args:
            seeds: one per prompt; the same prompt and seed give the same clip in any batch (up to the last bits of
                floating-point sums).
            init_latents: start from these clips (SDEdit) instead of from noise.
            strength: share of the steps by which a clip of ``init_latents`` is noised and denoised again, 0 to 1; 0
                leaves it unchanged.
            steps, guidance: instead of the generator's defaults.

        Raises:
            UsageError: the number of seeds differs from that of prompts, or a value is out of range.
        """
        steps, guidance = steps or self.steps, self.guidance if guidance is None else guidance
        _check(prompts, seeds, init_latents, strength, steps)
        begin = steps - round(strength * steps) if init_latents is not None else 0
        if begin == steps and init_latents is not None:
            return init_latents.clone()
        streams = [torch.Generator().manual_seed(seed) for seed in seeds]
        latents = torch.stack([torch.randn(self.latent_shape, generator=stream) for stream in streams])
        latents = latents.to(self.device, self.dtype)
        scheduler = self._new_scheduler(steps)
        times = scheduler.timesteps[begin:]
        if init_latents is not None:
            latents = self.add_noise(init_latents.to(latents), latents, self._time(times[0], len(prompts)))
            if hasattr(scheduler, "set_begin_index"):
                scheduler.set_begin_index(begin)
        conditioning = self.encode_prompt(prompts)
        empty = self.encode_prompt([""] * len(prompts)) if self._needs_empty(guidance) else None
        was_training = self.denoiser.training
        self.denoiser.eval()
        try:
            for time in times:
                said = self._guided(latents, self._time(time, len(prompts)), conditioning, empty, guidance)
                latents = self._step(scheduler, said, time, latents, streams)
        finally:
            self.denoiser.train(was_training)
        return latents

    def _needs_empty(self, guidance: float) -> bool:
        return guidance != 1

    def _new_scheduler(self, steps: int) -> Any:
        """A new scheduler for every call, as schedulers keep state."""
        scheduler = type(self.scheduler).from_config(self.scheduler.config)
        scheduler.set_timesteps(steps, device=self.device)
        return scheduler

    def _time(self, time: torch.Tensor, count: int) -> torch.Tensor:
        """A scheduler's time as a batch in the units of ``sample_t``; schedulers give flow times in thousandths."""
        return (time / 1000 if self.prediction == "flow" else time).expand(count)

    def _guided(
        self,
        latents: torch.Tensor,
        t: torch.Tensor,
        conditioning: Conditioning,
        empty: Conditioning | None,
        guidance: float,
    ) -> torch.Tensor:
        if empty is None:
            return self.predict(latents, t, conditioning)
        both = self.predict(torch.cat((latents, latents)), torch.cat((t, t)), Conditioning.cat((conditioning, empty)))
        with_text, without = both.chunk(2)
        return without + guidance * (with_text - without)

    def _step(
        self, scheduler: Any, said: torch.Tensor, time: torch.Tensor, latents: torch.Tensor, streams: list[Any]
    ) -> torch.Tensor:
        """One step of the sampler; ``streams`` holds each clip's random generator."""
        del streams  # most samplers are deterministic
        return scheduler.step(said, time, latents, return_dict=False)[0]


def _check(
    prompts: Sequence[str], seeds: Sequence[int], init_latents: torch.Tensor | None, strength: float, steps: int
) -> None:
    if not prompts or len(prompts) != len(seeds):
        raise UsageError(f"{len(prompts)} prompts and {len(seeds)} seeds: give one seed a prompt.")
    if init_latents is not None and len(init_latents) != len(prompts):
        raise UsageError(f"{len(init_latents)} clips to begin from and {len(prompts)} prompts: give one a prompt.")
    if not 0 <= strength <= 1:
        raise UsageError(f"strength {strength:g} is not between 0 and 1.")
    if steps < 1:
        raise UsageError(f"{steps} steps: at least one is needed.")
