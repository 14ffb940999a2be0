"""UnifiedReward-2.0's and UnifiedReward-Think's own scripts, with transformers in place of their server (4.57.1).

The scripts choose, compress and send frames with the wording; they need a vLLM server, which takes a GPU. Here what
they send, as their client builds it, is answered by transformers' own pipeline on a CPU with the likeliest tokens.
"""

import base64
import contextlib
import io
import re
import string
import sys
import tempfile
from pathlib import Path

import scripts
import small_qwen
import steps

POINT = "inference_qwen/UnifiedReward-2.0-inference/point_score_APS_video_generation.py"
PAIR = "inference_qwen/UnifiedReward-2.0-inference/pair_score_video_generation.py"
THINK = "UnifiedReward-Think/inference_qwen/UnifiedReward-Think-qwen3-inference/qwen3_infer_cot_video_generation.py"
FORMS = {
    POINT: ("Alignment Score (1-5): #.#\nPhysics Score (1-5): #.#\nStyle Score (1-5): #.#", 1, 4),
    PAIR: (
        "Alignment Score:\n Video 1: 0.#\n Video 2: 0.#\n\nCoherence Score:\n Video 1: 0.#\n Video 2: 0.#\n\n"
        "Style Score:\n Video 1: 0.#\n Video 2: 0.#",
        1,
        9,
    ),
    THINK: ("<think>\n1. Semantic consistency: #\n</think>\n<answer>Video # is better</answer>", 1, 2),
}
LINES = {"alignment": "Alignment", "factual": "Physics", "spatial": "Style"}


def reduce(code, weights):
    held = small_qwen.allow_torchvision()
    import numpy as np
    from transformers import (
        Qwen2VLImageProcessorFast,
        Qwen3VLConfig,
        Qwen3VLForConditionalGeneration,
        Qwen3VLProcessor,
        Qwen3VLVideoProcessor,
    )

    sources = {file: Path(code, file).read_text(encoding="utf-8") for file in FORMS}
    text = "".join([*sources.values(), *(form for form, _, _ in FORMS.values()), string.printable])
    words = small_qwen.tokenizer(text, small_qwen.TEMPLATE)
    size = {"shortest_edge": 1024, "longest_edge": 16384}
    images = Qwen2VLImageProcessorFast(size=size, patch_size=16, image_mean=[0.5] * 3, image_std=[0.5] * 3)
    videos = Qwen3VLVideoProcessor(size=size, patch_size=16)
    processor = Qwen3VLProcessor(images, words, videos, chat_template=small_qwen.TEMPLATE)
    rope = {"rope_type": "default", "mrope_interleaved": True, "mrope_section": [2, 3, 3]}
    vision = {"depth": 2, "hidden_size": 32, "intermediate_size": 48, "num_heads": 2, "patch_size": 16}
    vision |= {"out_hidden_size": small_qwen.WIDTH, "num_position_embeddings": 256, "deepstack_visual_indexes": [0]}
    config = Qwen3VLConfig(
        text_config=small_qwen.text_config(words) | {"rope_scaling": rope},
        vision_config=vision,
        tie_word_embeddings=True,
        **small_qwen.places(words),
    )
    model = Qwen3VLForConditionalGeneration(config)

    def encode(dice, number, answer):
        file = list(FORMS)[number]
        asked = scripts.value(
            Path(code, file), "problem", {"prompt": dice.choice(["a cat", "two dogs", "snow at night"])}
        )
        noise = np.random.default_rng(dice.randint(0, 9999))
        shown = [noise.integers(0, 256, (32, 32 * dice.randint(1, 3), 3), np.uint8) for _ in range(dice.randint(2, 16))]
        content = [*({"type": "image"} for _ in shown), {"type": "text", "text": asked}]
        return small_qwen.with_answer(processor, [{"role": "user", "content": content}], answer, images=shown)

    model = small_qwen.teach(model, encode, list(FORMS.values()), steps=240)
    model.generation_config.eos_token_id = words.eos_token_id
    model.save_pretrained(weights)
    processor.save_pretrained(weights)
    del held


def official(code, weights, files, prompts):
    held = small_qwen.allow_torchvision()
    import torch
    from PIL import Image
    from transformers import AutoProcessor, Qwen3VLForConditionalGeneration

    sys.path.insert(0, code)
    import vllm_qwen.vllm_request as client

    processor = AutoProcessor.from_pretrained(weights)
    model = Qwen3VLForConditionalGeneration.from_pretrained(weights).eval()

    def content(part):
        if part["type"] == "text":
            return part
        data = part["image_url"]["url"].partition("base64,")[2]
        return {"type": "image", "image": Image.open(io.BytesIO(base64.b64decode(data))).convert("RGB")}

    def answer(batch, url, **_):
        (item,) = batch
        (message,) = client.VLMessageClient(url).build_messages(item)
        asked = [{"role": "user", "content": [content(part) for part in message["content"]]}]
        given = {"tokenize": False, "add_generation_prompt": True, "enable_thinking": False}
        images = [part["image"] for part in asked[0]["content"] if part["type"] == "image"]
        text = processor.apply_chat_template(asked, **given)
        inputs = processor(text=[text], images=images, return_tensors="pt")
        with torch.no_grad():
            said = model.generate(**inputs, do_sample=False, max_new_tokens=200)
        said = said[:, inputs["input_ids"].shape[1] :]
        return [{"model_output": processor.batch_decode(said, skip_special_tokens=True)[0]}]

    client.evaluate_batch = answer

    def run(file, prompt, **values):
        quiet = contextlib.redirect_stdout(io.StringIO())
        with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder), quiet:
            said = scripts.run(Path(code, file), {"prompt": prompt, **values})["output"]
        return said if isinstance(said, str) else said[0]["model_output"]

    def pair(file, first, second, prompt):
        return run(file, prompt, video_path_1=first, video_path_2=second)

    def margin(text):
        parts = [float(number) for number in re.findall(r"Video \d: (\d\.\d+)", text)]
        return sum(parts[0::2]) - sum(parts[1::2])

    def better(text):
        return 1.0 if "<answer>Video 1 is better</answer>" in text else -1.0

    found = []
    for place, (file, prompt) in enumerate(zip(files, prompts, strict=True)):
        said = run(POINT, prompt, video_path=file)
        print(said)
        values = {key: re.search(rf"{line} Score \(1-5\): (\S+)", said).group(1) for key, line in LINES.items()}
        other = files[(place + 1) % len(files)]
        values["margin"] = (margin(pair(PAIR, file, other, prompt)) - margin(pair(PAIR, other, file, prompt))) / 2
        first, second = (better(pair(THINK, *two, prompt)) for two in ((file, other), (other, file)))
        values["think"] = (first - second) / 2
        found.append({key: float(value) for key, value in values.items()})
    del held
    return found


if __name__ == "__main__":
    steps.main(reduce, official)
