"""Q-Align, Q-Instruct and mPLUG-Owl2, which are one architecture, by the authors' own code.

``--readout levels``: Q-Align's video scorer. ``--readout good_poor``: the question and the frames of Q-Instruct's
``eval_video_quality.py``, asked of any mPLUG-Owl2; the answer is the probability of "good" against "poor".
"""

import ast
import importlib.util
import math
import os
import tempfile
from pathlib import Path

import protocol

given = protocol.arguments("readout", "model")
SCRIPT = "eval_scripts/mplug_owl_2/eval_video_quality.py"


def frames_of(file, load_video):
    """The frames that the system's own function chooses: one a second."""
    frames = load_video(file)
    if not frames:
        raise ValueError("the clip is shorter than a second, and the system looks at one frame a second")
    return frames


def levels():
    os.environ.update(HF_HUB_CACHE=str(Path(given.weights) / "hub"), HF_HUB_OFFLINE="1")
    from q_align.evaluate.scorer import QAlignVideoScorer, load_video
    from transformers.models.llama.modeling_llama import LlamaPreTrainedModel

    # It lacks the mask of SDPA attention, which transformers takes with any torch newer than its 2.0.1.
    LlamaPreTrainedModel._supports_sdpa = False
    scorer = QAlignVideoScorer(device="cuda:0" if given.device == "cuda" else given.device)
    return lambda request: {"quality": scorer([frames_of(request["file"], load_video)])[0]}


def good_poor():
    import torch
    from mplug_owl2.constants import DEFAULT_IMAGE_TOKEN, IMAGE_TOKEN_INDEX
    from mplug_owl2.conversation import conv_templates
    from mplug_owl2.mm_utils import get_model_name_from_path, tokenizer_image_token
    from mplug_owl2.model.builder import load_pretrained_model

    script = Path(given.code) / SCRIPT
    load_video = functions(script).load_video
    folder = str(Path(given.weights) / given.model)
    named = get_model_name_from_path(folder)
    tokenizer, model, processor, _ = load_pretrained_model(folder, None, named, device=given.device)
    talk = conv_templates["mplug_owl2"].copy()
    talk.append_message(talk.roles[0], DEFAULT_IMAGE_TOKEN + question(script))
    talk.append_message(talk.roles[1], None)
    asked = tokenizer_image_token(talk.get_prompt(), tokenizer, IMAGE_TOKEN_INDEX, return_tensors="pt")
    asked = asked.unsqueeze(0).to(model.device)
    good, poor = (tokens[1] for tokens in tokenizer(["good", "poor"])["input_ids"])

    def score(request):
        margins = []
        for frame in frames_of(request["file"], load_video):
            pixels = processor.preprocess(frame, return_tensors="pt")["pixel_values"].half().to(model.device)
            with torch.inference_mode():
                logits = model(asked, images=pixels)["logits"][0, -1]
            margins.append(logits[good].item() - logits[poor].item())
        return {"quality": probability(margins)}

    return score


def functions(script):
    """The script as a module; it makes a folder where it is imported, so that is a temporary one."""
    found = importlib.util.spec_from_file_location("script", script)
    module = importlib.util.module_from_spec(found)
    before = Path.cwd()
    with tempfile.TemporaryDirectory() as scratch:
        os.chdir(scratch)
        try:
            found.loader.exec_module(module)
        finally:
            os.chdir(before)
    return module


def question(script):
    """The text that the script first gives its variable ``inp``."""
    for node in ast.walk(ast.parse(script.read_text(encoding="utf-8"))):
        if (
            isinstance(node, ast.Assign)
            and getattr(node.targets[0], "id", None) == "inp"
            and isinstance(node.value, ast.Constant)
        ):
            return node.value.value
    raise ValueError(f"{script} has no text named inp")


def probability(margins):
    """The softmax of "good" against "poor", of the mean over frames of their logits' difference."""
    mean = sum(margins) / len(margins)
    return 1 / (1 + math.exp(-mean)) if mean > 0 else math.exp(mean) / (1 + math.exp(mean))


if __name__ == "__main__":
    protocol.serve({"levels": levels, "good_poor": good_poor}[given.readout])
