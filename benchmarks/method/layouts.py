"""What each checkpoint layout does here: load, answer, train two updates, resume, export.

The folders are in the layouts of official checkpoints, real but for width, depth and values; a tiny Qwen3.5 is made
from the tokenizer of the Qwen3-VL folder. "Resumed" means that a run continued from its first checkpoint ends with the
weights of the run without a stop, on one thread; "exported" that transformers' own classes load the finished folder,
which answers.

``python -m benchmarks.method.layouts LAYOUTS --clip CLIP --json results/layouts.json``
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
import time
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from transformers import AutoModelForImageTextToText, AutoTokenizer, Qwen3_5Config, Qwen3_5ForConditionalGeneration

from benchmarks.results import keep
from vqinsight.assessor.assessor import Assessor
from vqinsight.assessor.load import load_model
from vqinsight.rewards.rubric import Group, RewardBreakdown, Rubric
from vqinsight.settings.train import TrainSettings
from vqinsight.tasks.types import Clip, Question
from vqinsight.training.run import train_grpo
from vqinsight.training.stage2_temporal import TASKS


def tiny_qwen3_5(source: Path, folder: Path) -> Path:
    """A random Qwen3.5 with three layers, two of them linear attention."""
    shutil.copytree(source, folder, ignore=shutil.ignore_patterns("*.safetensors*", "config.json"))
    tokenizer = AutoTokenizer.from_pretrained(folder)
    ids = tokenizer.convert_tokens_to_ids
    rope = {"rope_type": "default", "rope_theta": 1e6, "mrope_section": [6, 5, 5], "mrope_interleaved": True}
    config = Qwen3_5Config(
        vision_config={
            "depth": 2, "hidden_size": 64, "intermediate_size": 96, "num_heads": 2, "out_hidden_size": 128,
            "patch_size": 16, "temporal_patch_size": 2, "spatial_merge_size": 2, "num_position_embeddings": 256,
        },
        text_config={
            "vocab_size": 151_936, "hidden_size": 128, "intermediate_size": 256, "num_hidden_layers": 3,
            "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 32, "linear_num_key_heads": 2,
            "linear_num_value_heads": 2, "linear_key_head_dim": 32, "linear_value_head_dim": 32,
            "layer_types": ["linear_attention", "linear_attention", "full_attention"], "tie_word_embeddings": True,
            "rope_parameters": {**rope, "partial_rotary_factor": 1.0}, "partial_rotary_factor": 1.0,
            "eos_token_id": tokenizer.eos_token_id, "pad_token_id": tokenizer.pad_token_id,
        },
        tie_word_embeddings=True, image_token_id=ids("<|image_pad|>"), video_token_id=ids("<|video_pad|>"),
        vision_start_token_id=ids("<|vision_start|>"), vision_end_token_id=ids("<|vision_end|>"),
    )  # fmt: skip
    torch.manual_seed(0)
    Qwen3_5ForConditionalGeneration(config).save_pretrained(folder)
    return folder


def answer(folder: str, clip: str) -> str:
    """The first words of the greedy answer about a clip."""
    loaded = load_model(folder, device="cpu")
    assessor = Assessor(loaded)
    encoded = assessor.encode(assessor.clips.load(clip))
    question = Question("natural", (Clip(clip),))
    prompt = assessor.build(assessor.prompt_set.messages(question), [encoded])
    [[ids]] = assessor.generate([prompt], [encoded.views], [[0]], 0.0, max_new_tokens=8)
    return str(loaded.tokenizer.decode(ids))


class ByLetters(Rubric):
    """Random weights answer nothing that can be graded: here the letters of a completion earn its reward."""

    def grade(self, group: Group) -> list[RewardBreakdown]:
        """A number in [0, 1) from the text."""
        return [{"format": sum(map(ord, each.text)) % 97 / 97} for each in group.completions]


def weights(folder: Path) -> dict[str, torch.Tensor]:
    """Of a finished run."""
    return {name: each for file in folder.glob("*.safetensors") for name, each in load_file(file).items()}


def train(folder: str, out: Path, *, resume: bool = False) -> Path:
    """Two updates, a checkpoint after each."""
    settings = TrainSettings.model_validate(
        {
            "stage": "temporal", "out": out, "updates": 2, "questions_per_update": 1, "answers_per_forward": 4,
            "save_every": 1, "learning_rate": 1e-4, "model": {"name": folder, "dtype": "float32"},
            "data": [{"dataset": "synthetic", "task": "natural"}],
            "rewards": {"temporal": 0},
            "grpo": {"group_size": 4, "max_new_tokens": 12, "beta": 0.01},
            "trainer": {"lr_scheduler_type": "constant"},
        }
    )  # fmt: skip
    return train_grpo(settings, TASKS, ByLetters(settings.rewards), resume=resume)


def row(name: str, folder: str, clip: str, place: Path) -> dict[str, Any]:
    """Everything that is tried with one layout."""
    begun = time.monotonic()
    found: dict[str, Any] = {"layout": name, "answer": answer(folder, clip)}
    before = {n: p.detach().float() for n, p in load_model(folder, device="cpu").model.named_parameters()}
    out = place / "run"
    final = train(folder, out)
    straight = weights(final)
    after = {n: p.detach().float() for n, p in load_model(str(final), device="cpu").model.named_parameters()}
    text = [n for n in before if "layers." in n and "visual" not in n]
    moved = sum(int((after[n] != before[n]).sum()) for n in text) / sum(before[n].numel() for n in text)
    tower = all(torch.equal(after[n], before[n]) for n in before if "visual" in n)
    found |= {"trained_entries_moved": moved, "tower_unchanged": tower}
    del before, after
    shutil.rmtree(final)
    shutil.rmtree(out / "checkpoint-2")
    resumed = weights(train(folder, out, resume=True))
    found["resumed_equals_straight"] = all(torch.equal(resumed[n], each) for n, each in straight.items())
    exported = AutoModelForImageTextToText.from_pretrained(final)
    found |= {
        "exported": type(exported).__name__,
        "dtype": str(exported.dtype).removeprefix("torch."),
        "answers_after": bool(answer(str(final), clip)),
        "seconds": round(time.monotonic() - begun),
    }
    return found


def main() -> None:
    """Try every folder below the given one that holds a model."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("layouts", type=Path)
    parser.add_argument("--clip", required=True)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    torch.set_num_threads(1)  # sums by several threads differ in their last bits from run to run
    stored = json.loads(given.json.read_text(encoding="utf-8")) if given.json and given.json.is_file() else {}
    rows: list[dict[str, Any]] = stored.get("rows", [])
    with tempfile.TemporaryDirectory() as temporary:
        made = tiny_qwen3_5(given.layouts / "Qwen3-VL-4B-Instruct", Path(temporary) / "Qwen3.5 (tiny)")
        folders = [file.parent for file in sorted(given.layouts.rglob("config.json"))]
        for number, folder in enumerate([*folders, made]):
            name = folder.name if folder == made else str(folder.relative_to(given.layouts))
            if name in {each["layout"] for each in rows}:
                continue
            place = Path(temporary) / str(number)
            rows.append(row(name, str(folder), given.clip, place))
            shutil.rmtree(place)
            print(json.dumps(rows[-1]), flush=True)
            keep({"rows": rows}, given.json)


if __name__ == "__main__":
    main()
