"""VQA²: the function ``eval_model`` of its program ``quality_scoring/llava/eval/model_score_UGC_video.py``.

The vision tower's sizes are defaults in its code; for reduced weights they are replaced, here as in the adapter. The
program's paths are written out: it is given the files, and its scores are taken where it computes them.
"""

import io
import json
import sys
import types
from pathlib import Path

import steps

MODEL = "VQA-UGC-Scorer-llava_qwen"
WORDS = {
    "high": 1550,
    "good": 1661,
    "low": 3347,
    "fair": 6624,
    "poor": 7852,
}  # ids in the program, of Qwen2's tokenizer
SIZE = 8192
TOWER = {"hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 3, "num_attention_heads": 4}


def tokenizer(folder):
    """Write a tokenizer as Qwen2's: BPE of bytes, with the level words where the program has them."""
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

    ends = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    merges, parts = [], []
    for word in WORDS:
        built = "Ġ"
        for letter in word:
            merges.append((built, letter))
            built += letter
            parts.append(built)
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    steady = {index: "Ġ" + word for word, index in WORDS.items()}
    rest = iter(alphabet + sorted(set(parts) - set(steady.values())))
    count = SIZE - len(ends)
    vocab = {steady.get(index) or next(rest, f"word{index}"): index for index in range(count)}
    made = Tokenizer(models.BPE(vocab=vocab, merges=list(dict.fromkeys(merges))))
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    made.add_special_tokens([AddedToken(text, special=True) for text in ends])
    made.save(str(folder / "tokenizer.json"))
    kind = {
        "tokenizer_class": "Qwen2Tokenizer",
        "eos_token": "<|im_end|>",
        "pad_token": "<|endoftext|>",
        "additional_special_tokens": ends[1:],
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(kind))


def its_code(code, folder):
    """Its module path, the motion network's file, the reduced tower, and tensors that stay on the CPU."""
    sys.path.insert(0, str(Path(code) / "quality_scoring"))
    import torch
    from llava.model.multimodal_encoder import siglip_encoder

    read, make = torch.load, siglip_encoder.SigLipVisionConfig
    motion = Path(folder) / "slowfast.pth"
    torch.load = lambda file, **options: read(motion if str(file).endswith("slowfast.pth") else file, **options)
    torch.Tensor.cuda = lambda tensor: tensor
    siglip_encoder.SigLipVisionConfig = lambda: make(**TOWER)


def reduce(code, folder):
    import torch
    from pytorchvideo.models.slowfast import create_slowfast

    torch.manual_seed(0)
    # Narrow, but for its 256 fast features; the code writes them out, and the language model's 3584.
    narrow = {"slowfast_channel_reduction_ratio": (1,), "stem_dim_outs": (8, 8), "stem_conv_strides": ((1, 4, 4),) * 2}
    blocks = next(create_slowfast(model_depth=18, **narrow).children())
    torch.save(torch.nn.Sequential(*blocks), Path(folder) / "slowfast.pth")
    its_code(code, folder)
    place = Path(folder) / MODEL
    place.mkdir()
    tokenizer(place)
    from llava.model.language_model.llava_qwen import LlavaQwenConfig, LlavaQwenForCausalLM

    given = json.loads((Path(code) / "quality_scoring" / "config.json").read_text())
    given.update(num_hidden_layers=1, intermediate_size=64, vocab_size=SIZE, max_window_layers=1)
    given.update(mm_hidden_size=TOWER["hidden_size"], mm_projector_type="linear", vision_config=TOWER)
    model = LlavaQwenForCausalLM(LlavaQwenConfig(**given))
    for name, weight in model.named_parameters():
        if name.endswith("image_newline"):  # left as memory was
            torch.nn.init.normal_(weight, std=0.1)
        elif weight.ndim == 2:
            torch.nn.init.normal_(weight, std=weight.shape[-1] ** -0.5)
    model.half().save_pretrained(place)


def official(code, folder, files, _prompts):
    its_code(code, folder)
    import runpy

    script = str(Path(code) / "quality_scoring" / "llava" / "eval" / "model_score_UGC_video.py")
    space = runpy.run_path(script, run_name="script")
    scores, asked = [], [json.dumps([{"video_path": file, "mos": 0} for file in files])]
    wa5 = space["wa5"]

    def keep(logits):
        scores.append(wa5(logits))
        return scores[-1]

    # The list of files stands in for the first of its lists of labels, an empty one for the others.
    inside = space["eval_model"].__globals__
    inside["open"] = lambda _path, *_mode: io.StringIO(asked.pop() if asked else "[]")
    inside["os"] = types.SimpleNamespace(path=inside["os"].path, makedirs=lambda *_path, **_options: None)
    inside["wa5"] = keep
    inside["eval_model"](types.SimpleNamespace(model_path=str(Path(folder) / MODEL), model_base=None, extra_prompt=""))
    return [{"quality": score} for score in scores]


if __name__ == "__main__":
    steps.main(reduce, official)
