"""CLIP-FlanT5 through t2v-metrics' dataset class and ``batch_forward``, as genai_video_eval.py calls them."""

import io
import json
import os
import shutil
import sys
import tempfile
import types
from pathlib import Path

import steps

MODEL, TOKENIZER, TOWER = "zhiqiulin/clip-flant5-xxl", "google/flan-t5-xxl", "openai/clip-vit-large-patch14-336"
SIZE, WIDTH = 112, 64


def open_package(code):
    """Let the package's modules be imported without its ``__init__``, which imports twenty other models."""
    for name in ("t2v_metrics", "t2v_metrics.models", "t2v_metrics.models.vqascore_models"):
        sys.modules[name] = types.ModuleType(name)
        sys.modules[name].__path__ = [str(Path(code).joinpath(*name.split(".")))]


def snapshot(folder, repository):
    """The folder of a repository in a hub cache."""
    root = Path(folder) / ("models--" + repository.replace("/", "--"))
    (root / "refs").mkdir(parents=True)
    (root / "refs" / "main").write_text("random")
    (root / "snapshots" / "random").mkdir(parents=True)
    return root / "snapshots" / "random"


def reduce(code, folder):
    os.environ.update(HF_HUB_CACHE=folder, HF_HUB_OFFLINE="1")
    open_package(code)
    import sentencepiece
    import torch
    from t2v_metrics.models.vqascore_models.clip_t5.model import CLIPT5Config, CLIPT5ForConditionalGeneration
    from transformers import CLIPImageProcessor, CLIPVisionConfig, CLIPVisionModel, T5Tokenizer

    torch.manual_seed(0)
    shape = {"num_hidden_layers": 3, "num_attention_heads": 4, "hidden_size": WIDTH, "intermediate_size": 2 * WIDTH}
    tower = snapshot(folder, TOWER)
    CLIPVisionModel(CLIPVisionConfig(image_size=SIZE, patch_size=14, **shape)).save_pretrained(tower)
    crop = {"height": SIZE, "width": SIZE}
    CLIPImageProcessor(size={"shortest_edge": SIZE}, crop_size=crop).save_pretrained(tower)

    learned = io.BytesIO()
    text = (Path(code) / "README.md").read_text(encoding="utf-8").splitlines()
    ids = {"pad_id": 0, "eos_id": 1, "unk_id": 2, "bos_id": -1}
    trainer = sentencepiece.SentencePieceTrainer
    trainer.train(sentence_iterator=iter(text), model_writer=learned, vocab_size=200, hard_vocab_limit=False, **ids)
    words = snapshot(folder, TOKENIZER)
    (words / "spiece.model").write_bytes(learned.getvalue())
    tokenizer = T5Tokenizer(str(words / "spiece.model"))
    tokenizer.save_pretrained(words)

    config = CLIPT5Config(
        vocab_size=len(tokenizer),
        d_model=WIDTH,
        d_kv=16,
        d_ff=2 * WIDTH,
        num_layers=2,
        num_heads=4,
        feed_forward_proj="gated-gelu",
        tie_word_embeddings=False,
        decoder_start_token_id=0,
    )
    config.update({"mm_vision_tower": TOWER, "mm_projector_type": "mlp2x_gelu", "mm_hidden_size": WIDTH})
    config.update({"mm_vision_select_layer": -2, "mm_vision_select_feature": "patch"})
    model = CLIPT5ForConditionalGeneration(config)
    with torch.no_grad():
        model.lm_head.weight *= 0.2  # so that no answer has a probability near 0
    model.save_pretrained(snapshot(folder, MODEL), safe_serialization=False)


def official(code, folder, files, prompts):
    os.environ.update(HF_HUB_CACHE=folder, HF_HUB_OFFLINE="1")
    open_package(code)
    import torch
    from dataset import GenAIBench_Video
    from t2v_metrics.models.vqascore_models.clip_t5_model import CLIP_T5_MODELS, CLIPT5Model
    from t2v_metrics.score import Score

    class VQAScore(Score):
        """The package's class of this name asks ``vqascore_models/__init__`` for the model."""

        def prepare_scoremodel(self, model, device, cache_dir):
            return CLIPT5Model(model, device=device, cache_dir=cache_dir)

        def list_all_models(self):
            return list(CLIP_T5_MODELS)

    with tempfile.TemporaryDirectory() as root:
        made = Path(root) / "GenAI-Video-527"
        (made / "Gen2").mkdir(parents=True)
        entries = {}
        for place, (file, prompt) in enumerate(zip(files, prompts, strict=True)):
            shutil.copy(file, made / "Gen2" / f"{place:05d}.mp4")
            entries[f"{place:05d}"] = {"prompt": prompt, "models": {"Gen2": [3]}}
        (made / "genai_video.json").write_text(json.dumps(entries))
        (made / "genai_skills.json").write_text("{}")
        clips = GenAIBench_Video(root_dir=root, num_prompts=527, download=False)
        metric = VQAScore("clip-flant5-xxl", device="cpu", cache_dir=folder)
        with torch.autocast("cpu", torch.bfloat16):  # the package opens it for CUDA only
            scores = metric.batch_forward(clips, batch_size=16).mean(axis=1)
    return [{"alignment": score} for score in scores[:, 0]]


if __name__ == "__main__":
    steps.main(reduce, official)
