"""What the systems on mPLUG-Owl2 share: reduced weights, in halves, and Q-Instruct's program."""

import json
import os
import runpy
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
# Token ids of LLaMA's tokenizer that the family's evaluation scripts write as numbers.
AT = {1781: "▁good", 6460: "▁poor", 6588: "▁average"}
WORDS = "excellent fair bad How would you rate the quality of this video image is Rate The USER ASSISTANT : ? ."
SIZE = 32000


def tokenizer(folder):
    """Write a tokenizer as LLaMA's: sentencepiece with bytes, the words of the questions, and those of ``AT``."""
    from sentencepiece import sentencepiece_model_pb2

    model = sentencepiece_model_pb2.ModelProto()
    kinds = {"<unk>": 2, "<s>": 3, "</s>": 3, **{f"<0x{byte:02X}>": 6 for byte in range(256)}}
    words = [*kinds, *("▁" + word for word in WORDS.split()), *WORDS.split()]
    for index in range(SIZE):
        piece = AT.get(index) or (words[index] if index < len(words) else f"▁word{index}")
        model.pieces.add(piece=piece, score=-float(index), type=kinds.get(piece, 1))
    model.trainer_spec.byte_fallback = True
    model.normalizer_spec.name = "identity"
    model.normalizer_spec.remove_extra_whitespaces = False
    (Path(folder) / "tokenizer.model").write_bytes(model.SerializeToString())
    kind = {"tokenizer_class": "LlamaTokenizer", "add_bos_token": True, "add_eos_token": False, "legacy": True}
    (Path(folder) / "tokenizer_config.json").write_text(json.dumps(kind))


def processor(folder):
    """Write the settings of the image processor as released: 448x448 pixels, CLIP's mean and deviation."""
    from transformers import CLIPImageProcessor

    CLIPImageProcessor(size=448, crop_size=448).save_pretrained(folder)


def model(config_class, model_class, folder):
    """Write a model with the released sizes of images and patches, and few and narrow layers."""
    import torch

    torch.manual_seed(0)
    vision = {"hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2, "num_attention_heads": 4}
    abstractor = {**vision, "encoder_hidden_size": 64, "num_learnable_queries": 8, "grid_size": 32}
    config = config_class(
        visual_config={
            "visual_model": {**vision, "image_size": 448, "patch_size": 14, "use_cls_token": True},
            "visual_abstractor": abstractor,
        },
        vocab_size=SIZE,
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=4,
        max_position_embeddings=2048,
    )
    made = model_class(config)
    for weight in made.parameters():
        torch.nn.init.normal_(weight, std=0.2)  # so wide that answers differ from clip to clip
    made.half().save_pretrained(folder, safe_serialization=False)


def questioned(name):
    """The two steps of a system in Q-Instruct's program.

    Args:
        name: of its folder of weights.
    """

    def reduce(_code, folder):
        only_packages()
        place = Path(folder) / name
        place.mkdir()
        tokenizer(place)
        processor(place)
        from mplug_owl2.model import MPLUGOwl2Config, MPLUGOwl2LlamaForCausalLM

        model(MPLUGOwl2Config, MPLUGOwl2LlamaForCausalLM, place)

    def official(code, folder, files, _prompts):
        only_packages()
        import torch

        torch.Tensor.cuda = lambda tensor: tensor  # the program puts its inputs there, whatever --device is
        script = str(Path(code) / "eval_scripts" / "mplug_owl_2" / "eval_video_quality.py")
        with tempfile.TemporaryDirectory() as scratch:
            videos, labels = Path(scratch, "datasets", "KoNViD_1k_videos"), Path(scratch, "datasets", "json")
            for place in (videos, labels, Path(scratch, "run")):
                place.mkdir(parents=True)
            for index, file in enumerate(files):
                (videos / f"{index}.mp4").symlink_to(file)
            (labels / "konvid.json").write_text(json.dumps([{"img_path": f"{i}.mp4"} for i in range(len(files))]))
            os.chdir(Path(scratch, "run"))
            sys.argv = [script, "--model-path", str(Path(folder, name).resolve()), "--device", "cpu"]
            space = runpy.run_path(script, run_name="__main__")
            written = Path("results", "mix-mplug-owl-2", "konvid.json").read_text()
            os.chdir(HERE)
        answers = json.loads("[" + written.replace("}{", "},{") + "]")
        counts = [len(space["load_video"](file)) for file in files]
        pairs = [[answer["logit_good"], answer["logit_poor"]] for answer in answers]  # sums over frames
        means = torch.tensor(pairs, dtype=torch.float64) / torch.tensor(counts)[:, None]
        return [{"quality": value} for value in means.softmax(-1)[:, 0]]

    return reduce, official


def only_packages():
    """Take this folder from the module path: a file of it has the name of the system's own package."""
    sys.path[:] = [place for place in sys.path if Path(place).resolve() != HERE]
