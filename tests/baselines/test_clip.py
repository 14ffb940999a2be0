"""CLIP-IQA and CLIPScore on a tiny random CLIP from disk, through torchmetrics."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from tokenizers.pre_tokenizers import ByteLevel
from transformers import CLIPConfig, CLIPImageProcessorPil, CLIPModel, CLIPProcessor, CLIPTokenizer

from vqinsight.baselines.frames import chosen_frames
from vqinsight.baselines.sampling import evenly
from vqinsight.errors import ModelError
from vqinsight.tasks.types import Missing, Preference

TEXT = "two red circles"


@pytest.fixture(scope="session")
def clip_folder(tmp_path_factory) -> Path:
    """A CLIP of a few thousand random parameters whose tokenizer knows single letters."""
    folder = tmp_path_factory.mktemp("clip")
    letters = sorted(ByteLevel.alphabet())
    words = [*letters, *(letter + "</w>" for letter in letters), "<|startoftext|>", "<|endoftext|>"]
    vocabulary = {word: number for number, word in enumerate(words)}
    end = vocabulary["<|endoftext|>"]
    sizes = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 2}
    torch.manual_seed(0)
    text = {**sizes, "vocab_size": len(words), "bos_token_id": end - 1, "eos_token_id": end, "pad_token_id": end}
    config = CLIPConfig(text_config=text, vision_config={**sizes, "image_size": 32, "patch_size": 8}, projection_dim=16)
    CLIPModel(config).save_pretrained(folder)
    CLIPTokenizer(vocab=vocabulary, merges=[], model_max_length=77).save_pretrained(folder)
    square = {"height": 32, "width": 32}
    CLIPImageProcessorPil(size={"shortest_edge": 32}, crop_size=square).save_pretrained(folder)
    return folder


def features(folder: Path, clip: str, count: int, *texts: str) -> tuple[torch.Tensor, torch.Tensor]:
    """Unit features by transformers alone: (frames, width) and (texts, width)."""
    model, processor = CLIPModel.from_pretrained(folder).eval(), CLIPProcessor.from_pretrained(folder)
    frames = list(chosen_frames(clip, lambda total: evenly(total, count)).values())
    with torch.no_grad():
        seen = model.get_image_features(**processor(images=frames, return_tensors="pt")).pooler_output
        read = model.get_text_features(**processor(text=list(texts), return_tensors="pt", padding=True)).pooler_output
    return torch.nn.functional.normalize(seen, dim=-1), torch.nn.functional.normalize(read, dim=-1)


def test_clipscore_is_the_mean_cosine_over_frames(clip_folder, clips):
    pytest.importorskip("torchmetrics")
    from vqinsight.baselines.clip import CLIPScore

    scorer = CLIPScore(str(clip_folder), frames=3)
    for clip in clips:
        seen, read = features(clip_folder, clip, 3, TEXT)
        expected = float((100 * seen @ read.T).clamp(min=0).mean())
        assert scorer.score(clip, TEXT)["alignment"] == pytest.approx(expected, abs=1e-3)
    assert isinstance(scorer.score(clips[0]), Missing)
    assert scorer.compare(*clips, TEXT).choice in ("A", "B")


def test_clip_iqa_is_good_against_bad(clip_folder, clips):
    pytest.importorskip("torchmetrics")
    from vqinsight.baselines.clip import CLIPIQA

    scorer = CLIPIQA(str(clip_folder), frames=2)
    values = []
    for clip in clips:
        seen, read = features(clip_folder, clip, 2, "Good photo.", "Bad photo.")
        values.append(float((100 * seen @ read.T).softmax(-1)[:, 0].mean()))
        assert scorer.score(clip)["quality"] == pytest.approx(values[-1], abs=1e-3)
    better = "A" if np.subtract(*values) > 0 else "B"
    assert scorer.compare(*clips) == Preference(better)


def test_what_is_missing_is_said_with_the_line_that_helps(tmp_path, monkeypatch):
    pytest.importorskip("torchmetrics")
    from vqinsight.baselines.clip import CLIPIQA, CLIPScore

    with pytest.raises(ModelError, match="no CLIP model here"):
        CLIPScore(str(tmp_path))
    monkeypatch.setitem(__import__("sys").modules, "piq", None)
    with pytest.raises(ModelError, match=r"pip install 'vqinsight\[clip-iqa\]'"):
        CLIPIQA()
    monkeypatch.setitem(__import__("sys").modules, "torchmetrics.functional.multimodal", None)
    with pytest.raises(ModelError, match=r"pip install 'vqinsight\[clip\]'"):
        CLIPScore(str(tmp_path))
