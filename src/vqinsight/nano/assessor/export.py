"""Exports a trained folder as the one that ships: half-precision weights, tokenizer, preprocessor and settings."""

from __future__ import annotations

import argparse
import json
import shutil
from pathlib import Path

import torch
from transformers import AutoTokenizer, Qwen2_5_VLForConditionalGeneration

from vqinsight.assessor.recognise import SETTINGS_FILE
from vqinsight.assessor.save import PREPROCESSOR_FILE, preprocessor, save_tokenizer
from vqinsight.nano.assessor.architecture import HEADS, INFERENCE, PIXELS
from vqinsight.weights import ASSESSOR


def export(trained: Path, out: Path, *, heads: bool = False) -> None:
    """Write the finished model folder ``out`` from a folder with weights and tokenizer.

    Args:
        heads: also keep the heads of pre-training, in half precision, for further training.
    """
    model = Qwen2_5_VLForConditionalGeneration.from_pretrained(trained, dtype=torch.float16)
    tokenizer = AutoTokenizer.from_pretrained(trained)
    kept_heads = torch.load(trained / HEADS) if heads else {}
    card = out / "README.md"
    kept = card.read_text(encoding="utf-8") if card.is_file() else None
    shutil.rmtree(out, ignore_errors=True)
    model.save_pretrained(out)
    save_tokenizer(tokenizer, out)
    if kept is not None:
        card.write_text(kept, encoding="utf-8")
    settings = preprocessor(PIXELS, model.config.model_type)
    (out / PREPROCESSOR_FILE).write_text(json.dumps(settings, indent=2) + "\n", encoding="utf-8")
    (out / SETTINGS_FILE).write_text(json.dumps(INFERENCE.model_dump(), indent=2) + "\n", encoding="utf-8")
    if heads:
        torch.save({name: weight.half() for name, weight in kept_heads.items()}, out / HEADS)


def main() -> None:
    """``python -m vqinsight.nano.assessor.export runs/nano/final``: replace the weights in the package."""
    parser = argparse.ArgumentParser(description="Make a trained folder the embedded model.")
    parser.add_argument("trained", type=Path, help="folder with model.safetensors and the tokenizer")
    parser.add_argument("--out", type=Path, default=ASSESSOR)
    parser.add_argument("--heads", action="store_true", help="keep the heads of pre-training too")
    given = parser.parse_args()
    export(given.trained, given.out, heads=given.heads)


if __name__ == "__main__":
    main()
