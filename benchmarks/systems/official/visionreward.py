"""VisionReward-Video's own inference-video.py, its network replaced by a stand-in of the same interface.

The network's code lies on the model hub only. The stand-in's answer to a question depends on every frame and on the
question.
"""

import os
import runpy
import sys
import tempfile
from pathlib import Path

import steps

MODEL = "VisionReward-Video"
NETWORK = """
import zlib

import torch
from transformers import PretrainedConfig, PreTrainedModel


class StandInConfig(PretrainedConfig):
    model_type = "stand_in"


class StandIn(PreTrainedModel):
    config_class = StandInConfig

    def __init__(self, config):
        super().__init__(config)
        self.scale = torch.nn.Parameter(torch.ones(1))

    def build_conversation_input_ids(self, tokenizer, *, query, images, history, template_version):
        ids = torch.tensor(tokenizer.encode(template_version + query + str(history)))
        ones = torch.ones_like(ids)
        return {"input_ids": ids, "token_type_ids": ones, "attention_mask": ones, "images": [images[0].float() / 255]}

    def generate(self, input_ids, token_type_ids, attention_mask, images, max_new_tokens, do_sample, **others):
        assert not do_sample and token_type_ids.shape == input_ids.shape == attention_mask.shape
        frames = images[0][0].double().mean((0, 2, 3))  # of (3, frames, height, width)
        place = (frames * torch.arange(1, len(frames) + 1)).sum() * 100 + zlib.crc32(str(input_ids.tolist()).encode())
        said = torch.full((1, max_new_tokens), int(place) % 2 + 3)
        return torch.cat((input_ids, said), 1)
"""


def reduce(code, folder):
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    place = Path(folder) / MODEL
    with tempfile.TemporaryDirectory() as made:
        (Path(made) / "stand_in.py").write_text(NETWORK)
        sys.path.insert(0, made)
        import stand_in

        stand_in.StandInConfig.register_for_auto_class()
        stand_in.StandIn.register_for_auto_class("AutoModelForCausalLM")
        # Saving copies the module too, as on the hub.
        stand_in.StandIn(stand_in.StandInConfig(torch_dtype=torch.float16)).save_pretrained(place)
    text = (Path(code) / "VisionReward_Video" / "VisionReward_video_qa_select.txt").read_text().split()
    words = {word: at for at, word in enumerate(dict.fromkeys(["[UNK]", "Yes", "No", "yes", "no", *text]))}
    plain = Tokenizer(models.WordLevel(words, unk_token="[UNK]"))
    plain.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    PreTrainedTokenizerFast(tokenizer_object=plain, unk_token="[UNK]").save_pretrained(place)


def official(code, folder, files, prompts):
    import torch
    import transformers

    os.environ["HF_HUB_OFFLINE"] = "1"
    os.chdir(code)  # it names its lists relative to the clone
    place = str(Path(folder) / MODEL)
    for kind in (transformers.AutoTokenizer, transformers.AutoModelForCausalLM):
        kind.from_pretrained = _at(place, kind.from_pretrained)
    moved = torch.Tensor.to

    def to(self, *given, **more):  # its inference says "cuda" outright
        return moved(self, *("cpu" if each == "cuda" else each for each in given), **more)

    torch.Tensor.to = to
    program = runpy.run_path("inference-video.py")
    return [{"quality": program["score"](file, prompt)} for file, prompt in zip(files, prompts, strict=True)]


def _at(place, load):
    return lambda _, **options: load(place, **options)


if __name__ == "__main__":
    steps.main(reduce, official)
