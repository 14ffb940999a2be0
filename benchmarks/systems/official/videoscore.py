"""VideoScore's own script, with Mantis' Idefics2 (Python 3.11, transformers 4.45.2), in float32 instead of bfloat16.

``--code`` is the clone of VideoScore. Its package ``mantis`` is imported from the clone ``mantis`` beside it, or from
the environment.
"""

import contextlib
import io
import sys
from pathlib import Path

import scripts
import steps

KEYS = ("spatial", "temporal", "dynamic", "alignment", "factual")


def reduce(code, weights):
    import torch
    from mantis.models.idefics2 import Idefics2ForSequenceClassification
    from transformers import Idefics2Config, Idefics2ImageProcessor, Idefics2Processor

    tokenizer = small_tokenizer(Path(code, "examples/run_videoscore.py").read_text(encoding="utf-8"))
    images = Idefics2ImageProcessor(do_image_splitting=False, size={"shortest_edge": 378, "longest_edge": 980})
    processor = Idefics2Processor(images, tokenizer, image_seq_len=16)
    processor.save_pretrained(weights)
    text = {
        "model_type": "mistral",
        "hidden_size": 64,
        "intermediate_size": 128,
        "num_hidden_layers": 3,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "vocab_size": len(processor.tokenizer),
        "sliding_window": 4096,
        "pad_token_id": 0,
        "attn_implementation": "eager",
    }
    vision = {"hidden_size": 48, "intermediate_size": 96, "num_hidden_layers": 3, "num_attention_heads": 4}
    vision |= {"image_size": 980, "patch_size": 14}
    perceiver = {"resampler_n_latents": 16, "resampler_depth": 2, "resampler_n_heads": 4, "resampler_head_dim": 16}
    perceiver |= {"num_key_value_heads": 2, "hidden_size": 64, "rms_norm_eps": 1e-06}
    config = Idefics2Config(
        text_config=text,
        vision_config=vision,
        perceiver_config=perceiver,
        image_token_id=processor.tokenizer.convert_tokens_to_ids("<image>"),
        tie_word_embeddings=False,
        num_labels=len(KEYS),
        pad_token_id=0,
    )
    torch.manual_seed(0)
    model = Idefics2ForSequenceClassification(config)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim > 1:
                parameter.normal_(std=1.5 * parameter[0].numel() ** -0.5)
    model.save_pretrained(weights)


def small_tokenizer(text):
    """A tokenizer in the form of Mistral's: falls back to bytes, marks spaces before words, begins with ``<s>``."""
    from tokenizers import Tokenizer, decoders, models, normalizers, trainers
    from transformers import LlamaTokenizerFast

    plain = Tokenizer(models.BPE(unk_token="<unk>", byte_fallback=True, fuse_unk=True))
    plain.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    plain.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    special = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256))]
    trainer = trainers.BpeTrainer(vocab_size=700, special_tokens=special)
    plain.train_from_iterator(text.split(), trainer)  # word by word: merges do not span spaces
    return LlamaTokenizerFast(
        tokenizer_object=plain, bos_token="<s>", eos_token="</s>", unk_token="<unk>", pad_token="<unk>"
    )


def official(code, weights, files, prompts):
    import torch

    torch.bfloat16 = torch.float32  # the script asks for bfloat16, in which sums depend on their order
    found = []
    for file, prompt in zip(files, prompts, strict=True):
        values = {"model_name": weights, "video_path": file, "video_prompt": prompt}
        values |= {"MAX_NUM_FRAMES": 16, "ROUND_DIGIT": 9}
        with contextlib.redirect_stdout(io.StringIO()):
            said = scripts.run(Path(code, "examples/run_videoscore.py"), values)
        found.append(dict(zip(KEYS, said["aspect_scores"], strict=True)))
    return found


if __name__ == "__main__":
    beside = Path(sys.argv[sys.argv.index("--code") + 1]).resolve().parent / "mantis"
    if beside.is_dir():
        sys.path.insert(0, str(beside))
    steps.main(reduce, official)
