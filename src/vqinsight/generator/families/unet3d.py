"""ModelScope's 3-D U-Net (epsilon), and T2V-Turbo, its few-step student (LCM)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from diffusers import LCMScheduler

from vqinsight.errors import ModelError
from vqinsight.generator.conditioning import Conditioning
from vqinsight.generator.pipeline import PipelineGenerator, to_pixels


class ModelScopeGenerator(PipelineGenerator):
    """ModelScope text-to-video: an image auto-encoder per frame, a U-Net over all frames."""

    family, prediction, part = "modelscope", "epsilon", "unet"
    defaults = ((16, 256, 256), 8.0, 50, 9.0)

    @property
    def compression(self) -> tuple[int, int, int]:
        side = 2 ** (len(self.vae.config.block_out_channels) - 1)
        return 1, side, side

    @property
    def latent_shape(self) -> tuple[int, ...]:
        """(channels, frames, height, width)."""
        return (self.vae.config.latent_channels, *self.latent_grid())

    @torch.no_grad()
    def encode_video(self, frames: torch.Tensor) -> torch.Tensor:
        planes = self.to_planes(frames).transpose(1, 2)
        latents = self.vae.encode(planes.flatten(0, 1)).latent_dist.mode() * self.vae.config.scaling_factor
        return latents.unflatten(0, planes.shape[:2]).transpose(1, 2)

    @torch.no_grad()
    def decode(self, latents: torch.Tensor) -> torch.Tensor:
        planes = latents.transpose(1, 2) / self.vae.config.scaling_factor
        pixels = self.vae.decode(planes.flatten(0, 1)).sample.unflatten(0, planes.shape[:2])
        return to_pixels(pixels.transpose(1, 2))

    def encode_prompt(self, prompts: Sequence[str]) -> Conditioning:
        with torch.no_grad():
            text = self.pipeline.encode_prompt(list(prompts), self.device, 1, False)[0]
        return Conditioning({"text": text})

    def predict(self, noisy: torch.Tensor, t: torch.Tensor, conditioning: Conditioning) -> torch.Tensor:
        text = conditioning.tensors["text"].to(noisy)
        return self.denoiser(noisy, t.to(noisy.device), text, return_dict=False)[0]


class T2VTurboGenerator(ModelScopeGenerator):
    """T2V-Turbo (ModelScope): guidance is an input of the network, and four steps are enough."""

    family = "t2v_turbo"
    defaults = ((16, 256, 256), 8.0, 4, 7.5)

    def __init__(self, name: str, pipeline: Any) -> None:
        super().__init__(name, pipeline)
        if not isinstance(self.scheduler, LCMScheduler):
            self.scheduler = LCMScheduler.from_config(self.scheduler.config, timestep_spacing="leading")
        self._strength = self.guidance

    def sample_t(self, count: int, rng: torch.Generator) -> torch.Tensor:
        """Times of the sampler only, as the student is trained on no others."""
        times = self._new_scheduler(self.steps).timesteps.cpu()
        return times[torch.randint(len(times), (count,), generator=rng)]

    def predict(self, noisy: torch.Tensor, t: torch.Tensor, conditioning: Conditioning) -> torch.Tensor:
        width = self._network().config.time_cond_proj_dim
        strength = guidance_embedding(torch.full((len(noisy),), self._strength), width).to(noisy)
        text = conditioning.tensors["text"].to(noisy)
        return self.denoiser(noisy, t.to(noisy.device), text, timestep_cond=strength, return_dict=False)[0]

    def _network(self) -> Any:
        return getattr(self.denoiser, "module", self.denoiser)  # unwrapped

    def _needs_empty(self, guidance: float) -> bool:
        self._strength = guidance
        return False

    def _step(
        self, scheduler: Any, said: torch.Tensor, time: torch.Tensor, latents: torch.Tensor, streams: list[Any]
    ) -> torch.Tensor:
        """A consistency step; it draws new noise from each clip's random generator."""
        return scheduler.step(said, time, latents, generator=streams, return_dict=False)[0]


def guidance_embedding(strength: torch.Tensor, width: int) -> torch.Tensor:
    """(B, width) sines and cosines of 1000 times the guidance, frequencies from 1 to 1/10000."""
    half = width // 2
    frequency = torch.exp(-torch.arange(half) * (torch.log(torch.tensor(10_000.0)) / (half - 1)))
    angle = 1000.0 * strength[:, None] * frequency
    return torch.cat((angle.sin(), angle.cos()), 1)


def merge_lora_list(unet: torch.nn.Module, weights: Sequence[torch.Tensor]) -> None:
    """Add T2V-Turbo's LoRA to a U-Net: pairs (up, down), one for every linear and convolution layer in order.

    Raises:
        ModelError: the list belongs to another U-Net, which stays unchanged.
    """
    kinds = (torch.nn.Linear, torch.nn.Conv2d, torch.nn.Conv3d)
    layers = [(name, module) for name, module in unet.named_modules() if isinstance(module, kinds)]
    if len(weights) != 2 * len(layers):
        raise ModelError(f"The LoRA has {len(weights)} tensors, this U-Net needs {2 * len(layers)}.")
    changes = []
    for (name, module), up, down in zip(layers, weights[::2], weights[1::2], strict=True):
        change = up.float().flatten(1) @ down.float().flatten(1)
        if change.numel() != module.weight.numel() or len(change) != len(module.weight):
            raise ModelError(f"The LoRA does not fit {name}: {tuple(change.shape)} for {tuple(module.weight.shape)}.")
        changes.append(change.view_as(module.weight))
    with torch.no_grad():
        for (_, module), change in zip(layers, changes, strict=True):
            module.weight += change.to(module.weight)


def open_unet3d(name: str, pipeline: Any) -> ModelScopeGenerator:
    """T2V-Turbo where the U-Net takes the guidance as an input, else ModelScope.

    T2V-Turbo's release is a LoRA over ModelScope: a file ``unet_lora.pt`` in the folder is merged.
    """
    lora = Path(name) / "unet_lora.pt"
    if lora.is_file():
        if pipeline.unet.config.time_cond_proj_dim is None:
            pipeline.unet = _with_guidance_input(pipeline.unet)
        merge_lora_list(pipeline.unet, torch.load(lora, map_location="cpu", weights_only=True))
    taught = pipeline.unet.config.time_cond_proj_dim is not None
    return (T2VTurboGenerator if taught else ModelScopeGenerator)(name, pipeline)


def _with_guidance_input(unet: Any, width: int = 256) -> Any:
    """The U-Net with an input for the guidance, whose weights are zero until LoRA is merged.

    T2V-Turbo's own script leaves them as torch draws them, so that each start of it adds LoRA to other ones.
    """
    wider = type(unet).from_config(unet.config, time_cond_proj_dim=width)
    wider.load_state_dict(unet.state_dict(), strict=False)
    torch.nn.init.zeros_(wider.time_embedding.cond_proj.weight)
    return wider.train(unet.training)
