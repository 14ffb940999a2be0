"""T2V-Turbo's LoRA in our loading, against what its public code gives for the same weights.

The stored file comes from ``benchmarks/systems/official/t2v_turbo.py``, run on the public code.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from diffusers import UNet3DConditionModel
from helpers.tiny_generators import tiny_generator

from benchmarks.systems.official.t2v_turbo import (
    FULL,
    GUIDANCE,
    RANK,
    REDUCED,
    SHAPES,
    TIME,
    WIDTH,
    base_weight,
    digest,
    drawn,
    lora_weight,
)
from vqinsight.generator.conditioning import Conditioning
from vqinsight.generator.families.unet3d import T2VTurboGenerator
from vqinsight.generator.load import open_generator

RECORDED: dict[str, Any] = json.loads((Path(__file__).parent / "recorded" / "t2v_turbo.json").read_text())
LAYERS = (torch.nn.Linear, torch.nn.Conv2d, torch.nn.Conv3d)


def layout(config: dict[str, Any]) -> list[list[Any]]:
    """Name and shapes (up, down) of each pair that the LoRA has to hold, in our order."""
    with torch.device("meta"):
        unet = UNet3DConditionModel(**config, time_cond_proj_dim=WIDTH)
    pairs = []
    for name, layer in unet.named_modules():
        if isinstance(layer, LAYERS):
            out, inside, *kernel = layer.weight.shape
            rank = min(RANK, out, inside)
            pairs.append([name, [out, rank, *[1] * len(kernel)], [rank, inside, *kernel]])
    return pairs


def test_the_list_of_the_release_has_our_order() -> None:
    assert layout(REDUCED) == RECORDED["layout"]
    full = layout(FULL)
    assert (len(full), digest(full)) == (RECORDED["full_pairs"], RECORDED["full_digest"])


def test_a_folder_with_its_lora_predicts_what_its_own_injection_does(tmp_path: Path) -> None:
    pipeline = tiny_generator("modelscope").pipeline
    unet = UNet3DConditionModel(**REDUCED)
    weights = {name: base_weight(name, value.shape) for name, value in unet.state_dict().items()}
    unet.load_state_dict({name: torch.from_numpy(value) for name, value in weights.items()})
    pipeline.register_modules(unet=unet)
    pipeline.save_pretrained(tmp_path)
    shapes = [shape for _, up, down in RECORDED["layout"] for shape in (up, down)]
    lora = [torch.from_numpy(lora_weight(place, shape)).float() for place, shape in enumerate(shapes)]
    torch.save(lora, tmp_path / "unet_lora.pt")

    generator = open_generator(str(tmp_path))
    assert isinstance(generator, T2VTurboGenerator)
    assert generator.guidance == GUIDANCE
    noisy, text = (torch.from_numpy(drawn(name, shape)).float() for name, shape in SHAPES.items())
    with torch.no_grad():
        ours = generator.predict(noisy, torch.tensor([TIME]), Conditioning({"text": text}))
    theirs = torch.tensor(RECORDED["prediction"]).view_as(ours)
    torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-4)
