"""VQA²'s scorer for user videos, by the functions of its ``model_score_UGC_video.py`` and its model's own code."""

import importlib.util
import json
import os
import sys
from pathlib import Path

import protocol

given = protocol.arguments("model")
LEVELS = ("high", "good", "fair", "poor", "low")
if given.device == "cpu":
    os.environ["CUDA_VISIBLE_DEVICES"] = ""  # the builder places the model itself


def script():
    """The evaluation script as a module, without what it does to the environment."""
    root = Path(given.code) / "quality_scoring"
    sys.path.insert(0, str(root))
    found = importlib.util.spec_from_file_location("script", root / "llava" / "eval" / "model_score_UGC_video.py")
    module = importlib.util.module_from_spec(found)
    before = dict(os.environ)
    found.loader.exec_module(module)
    os.environ.clear()
    os.environ.update(before)
    return module


def tower(folder):
    """Sizes of the vision tower, which the code has as defaults; only reduced weights have other ones."""
    from llava.model.multimodal_encoder import siglip_encoder

    if sizes := json.loads((folder / "config.json").read_text(encoding="utf-8")).get("vision_config"):
        make = siglip_encoder.SigLipVisionConfig
        siglip_encoder.SigLipVisionConfig = lambda: make(**sizes)


def places(motion):
    """Have the code find the motion network's file, whose place it writes out; on a CPU, leave tensors there."""
    import torch

    read = torch.load

    def load(file, *rest, **options):
        return read(motion if str(file).endswith("slowfast.pth") else file, *rest, **options)

    torch.load = load
    if given.device == "cpu":
        torch.Tensor.cuda = lambda tensor: tensor


def load():
    import torch

    folder = Path(given.weights) / given.model
    theirs = script()
    places(Path(given.weights) / "slowfast.pth")
    tower(folder)
    tokenizer, model, processor, _ = theirs.load_pretrained_model(
        str(folder), None, theirs.get_model_name_from_path(str(folder)), attn_implementation=None
    )
    model.half()
    asked = theirs.preprocess_qwen(
        [theirs.DEFAULT_IMAGE_TOKEN * 2, {"from": "gpt", "value": ""}], tokenizer, has_image=True
    ).to(model.device)
    words = {level: tokenizer(" " + level).input_ids[0] for level in LEVELS}

    def score(request):
        try:
            frames, seconds = theirs.load_video(request["file"], 1)
        except UnboundLocalError:  # of its loop over whole seconds
            raise ValueError("the clip is shorter than a second, and the system looks at one frame a second") from None
        moving = processor.preprocess(frames[: len(frames) // 4 * 4], return_tensors="pt")["pixel_values"]
        still = processor.preprocess([frames[index] for index in seconds], return_tensors="pt")["pixel_values"]
        with torch.inference_mode():
            images = [[moving.half().to(model.device)], [still.half().to(model.device)]]
            logits = model(asked, images=images)["logits"][0, -3]
        return {"quality": theirs.wa5({level: logits[token].item() for level, token in words.items()})}

    return score


if __name__ == "__main__":
    protocol.serve(load)
