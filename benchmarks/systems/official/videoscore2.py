"""VideoScore2's own script on a CPU, taking the likeliest token where it draws one (Python 3.11, transformers 4.57.1).

The script is run unchanged but for the name of the device; ``torch.multinomial`` returns the likeliest place.
"""

import contextlib
import io
import re
import string
from pathlib import Path

import scripts
import small_qwen
import steps

LINES = {"spatial": "Visual Quality", "alignment": "Text-to-Video Alignment", "factual": "Physical Consistency"}
SCRIPT = "vs2_inference.py"
FORM = "Let us see the frames. visual quality: #; \ntext-to-video alignment: #, \nphysical/common-sense consistency: #"
GENERATION = {"do_sample": True, "repetition_penalty": 1.05, "temperature": 1e-6}


def reduce(code, weights):
    held = small_qwen.allow_torchvision()
    import numpy as np
    from transformers import (
        Qwen2_5_VLConfig,
        Qwen2_5_VLForConditionalGeneration,
        Qwen2_5_VLProcessor,
        Qwen2VLImageProcessorFast,
        Qwen2VLVideoProcessor,
    )

    source = Path(code, SCRIPT).read_text(encoding="utf-8")
    words = small_qwen.tokenizer(source + FORM + string.printable, small_qwen.PLAIN)
    limits = {"min_pixels": 3136, "max_pixels": 12845056}
    processor = Qwen2_5_VLProcessor(
        Qwen2VLImageProcessorFast(**limits), words, Qwen2VLVideoProcessor(**limits), chat_template=small_qwen.PLAIN
    )
    text = small_qwen.text_config(words) | {"rope_scaling": {"type": "mrope", "mrope_section": [2, 3, 3]}}
    vision = {"depth": 2, "hidden_size": 32, "intermediate_size": 48, "num_heads": 2, "patch_size": 14}
    vision |= {"out_hidden_size": small_qwen.WIDTH, "fullatt_block_indexes": [1], "window_size": 112}
    vision |= {"tokens_per_second": 2}
    config = Qwen2_5_VLConfig(vision_config=vision, **text, **small_qwen.places(words))
    model = Qwen2_5_VLForConditionalGeneration(config)
    question = string.Template(re.search(r'Template\("""(.*?)"""', source, re.DOTALL).group(1))

    def encode(dice, _, answer):
        asked = question.substitute(t2v_prompt=dice.choice(["a cat", "two red circles", "a dog in the snow"]))
        content = [{"type": "video"}, {"type": "text", "text": asked}]
        shape = (2 * dice.randint(1, 3), 28 * dice.randint(1, 10), 28 * dice.randint(1, 10), 3)
        noise = np.random.default_rng(dice.randint(0, 9999)).integers(0, 256, shape, np.uint8)
        return small_qwen.with_answer(processor, [{"role": "user", "content": content}], answer, videos=[noise])

    model = small_qwen.teach(model, encode, [(FORM, 1, 5)], steps=240)
    for key, value in GENERATION.items():
        setattr(model.generation_config, key, value)
    model.generation_config.eos_token_id = words.eos_token_id
    model.save_pretrained(weights)
    processor.save_pretrained(weights)
    del held


def likeliest(probabilities, num_samples):
    assert num_samples == 1
    return probabilities.argmax(-1, keepdim=True)


def official(code, weights, files, prompts):
    held = small_qwen.allow_torchvision()
    import torch

    torch.multinomial = likeliest
    scope = scripts.run(Path(code, SCRIPT), {}, constants={"cuda": "cpu"}, name="vs2_inference")
    found = []
    for file, prompt in zip(files, prompts, strict=True):
        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            scope["main"](weights, file, prompt)
        print(said.getvalue())
        values = {key: re.search(rf"^{line}: (.*)$", said.getvalue(), re.MULTILINE) for key, line in LINES.items()}
        found.append({key: float(value.group(1)) for key, value in values.items()})
    del held
    return found


if __name__ == "__main__":
    steps.main(reduce, official)
