"""VideoReward: a released folder in its own layout, made from a tiny random Qwen2-VL with peft as its makers did."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import torch
from helpers import tiny
from peft import LoraConfig, get_peft_model
from peft.utils import get_peft_model_state_dict
from safetensors.torch import save_file
from transformers import Qwen2VLForConditionalGeneration

from vqinsight.baselines.videoreward import TOKENS, VideoReward, modern
from vqinsight.errors import ModelError
from vqinsight.tasks.types import Missing, Preference

TEXT = "two {red} circles"
NORM = {"VQ_mean": 1.0, "VQ_std": 2.0, "MQ_mean": 0.5, "MQ_std": 1.0, "TA_mean": 0.0, "TA_std": 4.0}


@pytest.fixture(scope="session")
def base(tmp_path_factory) -> Path:
    return tiny.save(tiny.qwen2_vl(), tmp_path_factory.mktemp("qwen2_vl"))


def old(name: str) -> str:
    """A parameter's name as transformers 4 had it."""
    name = name.replace("model.model.visual.", "model.visual.")
    return re.sub(r"model\.model\.language_model\.", "model.model.", name)


@pytest.fixture(scope="session", params=["whole", "apart"])
def release(request, base, tmp_path_factory) -> tuple[Path, torch.nn.Module]:
    """The folder, and the trained model it was saved from, LoRA unmerged."""
    torch.manual_seed(1)
    model = Qwen2VLForConditionalGeneration.from_pretrained(base)
    model.rm_head = torch.nn.Linear(32, 1, bias=False)
    model.resize_token_embeddings(len(tiny.tokenizer()) + len(TOKENS))
    lora = LoraConfig(r=4, lora_alpha=8, target_modules=["q_proj", "down_proj"], modules_to_save=["rm_head"])
    trained = get_peft_model(model, lora)
    with torch.no_grad():
        for name, parameter in trained.named_parameters():
            if "lora_" in name or "modules_to_save" in name or "embed_tokens" in name:
                parameter.normal_(std=0.5)
    folder = tmp_path_factory.mktemp("release")
    for step in ("checkpoint-9", "checkpoint-11352"):
        (folder / step).mkdir()
    settings = {
        "model_config": {"model_name_or_path": str(base), "output_dim": 1, "reward_token": "special"},
        "data_config": {"fps": 2.0, "num_frames": None, "max_frame_pixels": 50_176},
        "peft_lora_config": {"lora_enable": True, "lora_r": 4, "lora_alpha": 8, "use_rslora": False},
        "inference_config": NORM,
    }
    (folder / "model_config.json").write_text(json.dumps(settings))
    last = folder / "checkpoint-11352"
    if request.param == "whole":
        torch.save({old(name): value for name, value in trained.state_dict().items()}, last / "model.pth")
    else:
        adapter = get_peft_model_state_dict(trained)
        loras = {old(name): value.contiguous() for name, value in adapter.items() if "lora_" in name}
        save_file(loras, last / "adapter_model.safetensors")
        own = {old(n): v for n, v in trained.named_parameters() if "modules_to_save" in n or "embed_tokens" in n}
        torch.save(own, last / "non_lora_state_dict.pth")
    return folder, trained.eval()


def test_scores_are_those_of_the_model_it_was_saved_from(release, clips):
    """LoRA merged by hand from old names, and the plain way: peft's own forward, from pixels, then the head."""
    folder, trained = release
    judge = VideoReward(str(folder), device="cpu")
    values = judge.score(clips[0], TEXT)
    clip = judge._assessor.clips.load(clips[0])
    encoded = judge._assessor.encode(clip)
    asked = judge._assessor.build(
        [
            {
                "role": "user",
                "content": [
                    {"type": "clip", "index": 0},
                    {"type": "text", "text": judge._template.replace("{text_prompt}", TEXT)},
                ],
            }
        ],
        [encoded],
    )
    ids = torch.tensor([asked.ids])
    (view,) = clip.views
    core = trained.get_base_model()
    with torch.no_grad():
        hidden = core.model(
            input_ids=ids,
            pixel_values_videos=view.patches,
            video_grid_thw=torch.tensor([view.grid]),
            position_ids=torch.arange(ids.shape[1]).expand(3, 1, -1),
        ).last_hidden_state
        rewards = core.rm_head(hidden)[0, :, 0]
    tokens = judge._assessor.loaded.tokenizer.convert_tokens_to_ids(list(TOKENS))
    for key, name, token in zip(("spatial", "temporal", "alignment"), ("VQ", "MQ", "TA"), tokens, strict=True):
        expected = (float(rewards[asked.ids.index(token)]) - NORM[f"{name}_mean"]) / NORM[f"{name}_std"]
        assert values[key] == pytest.approx(expected, abs=1e-3)


def test_it_looks_and_compares(release, clips):
    folder, _ = release
    judge = VideoReward(str(folder), device="cpu")
    first, second = judge.score(clips[0], TEXT), judge.score(clips[1], TEXT)
    assert first != second
    margin = sum(first.values()) - sum(second.values())
    assert judge.compare(*clips, TEXT) == Preference("A" if margin > 0 else "B")
    assert isinstance(judge.score(clips[0]), Missing)
    assert judge._assessor.loaded.settings.max_pixels == 50_176


def test_a_folder_that_is_none_or_does_not_fit_is_refused(release, base, model, tmp_path):
    folder, _ = release
    with pytest.raises(ModelError, match="hf download KwaiVGI/VideoReward"):
        VideoReward(str(tmp_path))
    with pytest.raises(ModelError, match="qwen2_5_vl"):
        VideoReward(str(folder), base=str(model), device="cpu")
    with pytest.raises(ModelError, match="template"):
        VideoReward(str(folder), template="no tokens")
    (tmp_path / "checkpoint-1").mkdir()
    (tmp_path / "model_config.json").write_text((folder / "model_config.json").read_text())
    odd = {"rm_head.weight": torch.zeros(1, 32), "visual.odd": torch.zeros(1)}
    torch.save(odd, tmp_path / "checkpoint-1/model.pth")
    with pytest.raises(ModelError, match=r"visual\.odd"):
        VideoReward(str(tmp_path), device="cpu")
    torch.save({"model.norm.weight": torch.zeros(32)}, tmp_path / "checkpoint-1/model.pth")
    with pytest.raises(ModelError, match="no rm_head"):
        VideoReward(str(tmp_path), device="cpu")


def test_names():
    assert modern("base_model.model.visual.blocks.0.attn.qkv.base_layer.weight") == (
        "model.visual.blocks.0.attn.qkv.weight"
    )
    assert modern("base_model.model.model.layers.1.mlp.up_proj.weight") == (
        "model.language_model.layers.1.mlp.up_proj.weight"
    )
    assert modern("rm_head.weight") == "rm_head.weight"
