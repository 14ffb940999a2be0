"""Loading: one path for every kind of name, clear refusals for everything else."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from helpers import tiny
from peft import LoraConfig, get_peft_model
from transformers import AutoConfig, AutoTokenizer, LlavaConfig

from vqinsight.assessor import load
from vqinsight.assessor.assessor import Assessor
from vqinsight.assessor.load import load_model
from vqinsight.assessor.save import save_tokenizer
from vqinsight.errors import ModelError, UsageError
from vqinsight.tasks.types import Clip, Question


def test_settings_pixels_and_arithmetic_come_from_the_folder(checkpoint: Path) -> None:
    loaded = load_model(str(checkpoint), device="cpu")
    assert loaded.settings.frames == 4
    assert loaded.spec.max_pixels == 112 * 112
    assert loaded.spec.patch_size == AutoConfig.from_pretrained(checkpoint).vision_config.patch_size
    assert loaded.model.dtype == torch.float32
    assert not loaded.model.training
    assert load_model(str(checkpoint), device="cpu", dtype="bfloat16").model.dtype == torch.bfloat16


def test_scopes_are_for_tokens_of_their_size(
    checkpoint: Path, tmp_path: Path, clip_files: Callable[[int], list[str]]
) -> None:
    shutil.copytree(checkpoint, tmp_path / "scoped")
    settings = tmp_path / "scoped" / "vqinsight.json"
    settings.write_text(
        json.dumps(json.loads(settings.read_text()) | {"instruments": {"rows": 2, "columns": 3, "scopes": True}})
    )
    if AutoConfig.from_pretrained(checkpoint).model_type in ("qwen3_vl", "qwen3_5"):  # tokens of 32 pixels
        with pytest.raises(ModelError, match=r"28 pixels .* have 32.*scopes = false"):
            load_model(str(settings.parent))
        return
    seen = Assessor(load_model(str(settings.parent))).clips.load(clip_files(1)[0])
    assert seen.input.extra[1:] == ("measurements of every frame",)
    assert seen.views[1].grid == (4, 6, 6)


def test_subfolder(checkpoint: Path, tmp_path: Path) -> None:
    shutil.copytree(checkpoint, tmp_path / "repository" / "part")
    whole, part = load_model(str(checkpoint)), load_model(f"{tmp_path / 'repository'}:part")
    assert part.digest == whole.digest
    for one, other in zip(whole.model.parameters(), part.model.parameters(), strict=True):
        assert torch.equal(one, other)


def test_digest_changes_with_the_weights(checkpoint: Path, tmp_path: Path) -> None:
    changed = tmp_path / "changed"
    shutil.copytree(checkpoint, changed)
    weights = bytearray((changed / "model.safetensors").read_bytes())
    weights[-1] ^= 1
    (changed / "model.safetensors").write_bytes(weights)
    assert load_model(str(changed)).digest != load_model(str(checkpoint)).digest


def test_how_it_was_opened_is_not_saved(checkpoint: Path, tmp_path: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(checkpoint, local_files_only=True)
    save_tokenizer(tokenizer, tmp_path)
    saved = json.loads((tmp_path / "tokenizer_config.json").read_text())
    assert not {"is_local", "local_files_only"} & saved.keys()
    assert AutoTokenizer.from_pretrained(tmp_path)("two red circles") == tokenizer("two red circles")


def test_adapter_is_merged(checkpoint: Path, tmp_path: Path) -> None:
    base = load_model(str(checkpoint)).model
    adapted = get_peft_model(base, LoraConfig(r=2, target_modules=["q_proj", "v_proj"], init_lora_weights=False))
    adapted.peft_config["default"].base_model_name_or_path = str(checkpoint)
    adapted.save_pretrained(tmp_path / "lora")
    merged = load_model(str(checkpoint), adapter=str(tmp_path / "lora"))
    weights = dict(adapted.merge_and_unload().named_parameters())
    layer = next(name for name in weights if "language_model" in name and name.endswith("q_proj.weight"))
    wanted = weights[layer]
    assert torch.allclose(dict(merged.model.named_parameters())[layer], wanted)
    assert merged.digest != load_model(str(checkpoint)).digest
    # A folder with nothing but an adapter finds its base itself.
    alone = load_model(str(tmp_path / "lora"))
    assert torch.allclose(dict(alone.model.named_parameters())[layer], wanted)


def test_placeholders_equal_the_official_processors(checkpoint: Path, clip_files: Callable[[int], list[str]]) -> None:
    """The same text for a view as upstream's own processor class writes."""
    from types import SimpleNamespace

    from transformers.models.qwen2_5_vl.processing_qwen2_5_vl import Qwen2_5_VLProcessor
    from transformers.models.qwen2_vl.processing_qwen2_vl import Qwen2VLProcessor
    from transformers.models.qwen3_vl.processing_qwen3_vl import Qwen3VLProcessor
    from transformers.video_utils import VideoMetadata

    loaded = load_model(str(checkpoint))
    footage = Assessor(loaded).clips.load(clip_files(1)[0])
    (view,) = footage.views
    # Qwen3.5 has the processor of Qwen3-VL.
    older = {"qwen2_vl": Qwen2VLProcessor, "qwen2_5_vl": Qwen2_5_VLProcessor}
    kind = older.get(loaded.model.config.model_type, Qwen3VLProcessor)
    official = kind.__new__(kind)
    official.__dict__ |= {
        "video_token": "<|video_pad|>",
        "vision_start_token": "<|vision_start|>",
        "vision_end_token": "<|vision_end|>",
        "video_processor": SimpleNamespace(merge_size=2, temporal_patch_size=2),
    }
    looked = footage.input
    metadata = VideoMetadata(
        total_num_frames=looked.source_frames, fps=looked.source_fps, frames_indices=list(looked.indices)
    )
    inputs = {"video_grid_thw": torch.tensor([view.grid]), "video_metadata": [metadata]}
    assert loaded.family.placeholder(view, loaded.spec) == official.replace_video_token(inputs, 0)


def test_the_prompt_has_a_place_for_every_visual_token(
    checkpoint: Path, clip_files: Callable[[int], list[str]]
) -> None:
    assessor = Assessor(load_model(str(checkpoint)))
    a, b = (assessor.encode(assessor.clips.load(path)) for path in clip_files(2))
    question = Question("compare", (Clip("a", "two birds <|video_pad|>"), Clip("b", "two birds <|video_pad|>")))
    prompt = assessor.build(assessor.prompt_set.messages(question), (a, b))
    assert prompt.kinds.count(2) == sum(len(view.pooled) for clip in (a, b) for view in clip.views)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("no/such/folder", "no such folder"),
        ("./nowhere:part", "no such folder"),
        ("no-such/model", "cannot be loaded"),
        ("nowhere", "hub id"),
    ],
)
def test_nothing_there(name: str, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(ModelError, match=words):
        load_model(name)


def test_incomplete_folder(checkpoint: Path, tmp_path: Path) -> None:
    for missing in ("config.json", "model.safetensors", "preprocessor_config.json", "tokenizer.json"):
        broken = tmp_path / missing
        shutil.copytree(checkpoint, broken)
        (broken / missing).unlink()
        with pytest.raises(ModelError, match="must hold"):
            load_model(str(broken))


def test_unknown_family_is_refused_by_name(tmp_path: Path) -> None:
    LlavaConfig().save_pretrained(tmp_path)
    with pytest.raises(ModelError, match=r"family 'llava' is not supported; known: .*qwen2_5_vl"):
        load_model(str(tmp_path))


def test_unknown_setting_names_the_nearest(checkpoint: Path, tmp_path: Path) -> None:
    folder = tmp_path / "typo"
    shutil.copytree(checkpoint, folder)
    (folder / "vqinsight.json").write_text(json.dumps({"max_pixel": 1000}))
    with pytest.raises(UsageError, match=r"unknown setting 'max_pixel'. Did you mean 'max_pixels'"):
        load_model(str(folder))


def test_unknown_device_and_dtype(checkpoint: Path) -> None:
    with pytest.raises(ModelError, match="device 'toaster'"):
        load_model(str(checkpoint), device="toaster")
    with pytest.raises(ModelError, match="dtype 'int3'"):
        load_model(str(checkpoint), dtype="int3")


def test_memory_is_announced_and_checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load, "_LARGE", 1000)
    folder = tiny.save(tiny.qwen2_5_vl(), tmp_path)
    heard: list[str] = []
    load_model(str(folder), on_message=heard.append)
    assert "billion parameters take" in heard[0]
    monkeypatch.setattr(load, "free_memory", lambda _device: 10)
    with pytest.raises(ModelError, match="are free"):
        load_model(str(folder))


@pytest.mark.parametrize("name", ["chat_template.json", "chat_template.jinja", "tokenizer_config.json"])
def test_a_chat_template_is_found_wherever_models_keep_it(checkpoint: Path, tmp_path: Path, name: str) -> None:
    folder = tmp_path / "model"
    shutil.copytree(checkpoint, folder)
    template = (folder / "chat_template.jinja").read_text(encoding="utf-8")
    (folder / "chat_template.jinja").unlink()
    if name == "chat_template.jinja":
        (folder / name).write_text(template, encoding="utf-8")
    else:
        kept = json.loads((folder / name).read_text(encoding="utf-8")) if (folder / name).is_file() else {}
        (folder / name).write_text(json.dumps(kept | {"chat_template": template}), encoding="utf-8")
    assert load_model(str(folder), device="cpu").tokenizer.chat_template == template


def test_a_model_without_a_chat_template_is_refused(checkpoint: Path, tmp_path: Path) -> None:
    shutil.copytree(checkpoint, tmp_path / "model")
    (tmp_path / "model" / "chat_template.jinja").unlink()
    with pytest.raises(ModelError, match="no chat template"):
        load_model(str(tmp_path / "model"), device="cpu")
    (tmp_path / "model" / "chat_template.json").write_text('{"chat_template": ')
    with pytest.raises(ModelError, match="cannot be loaded"):
        load_model(str(tmp_path / "model"), device="cpu")
