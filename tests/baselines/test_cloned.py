"""Systems with wordings from a clone: what is read from it, what they show a model, and how its answers are read."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from helpers import tiny
from transformers import Idefics2Config, Idefics2Processor, PreTrainedTokenizerFast
from transformers.models.idefics2.image_processing_pil_idefics2 import Idefics2ImageProcessorPil

from vqinsight.baselines import unifiedreward2, videoscore, videoscore2
from vqinsight.baselines.catalog import SYSTEMS
from vqinsight.baselines.clone import read_clone, wording
from vqinsight.baselines.open import open_baseline
from vqinsight.baselines.sampling import between, starts, strided
from vqinsight.baselines.stills import StillViews, as_jpeg, load_for_stills
from vqinsight.baselines.unifiedreward2 import read_parts, read_points
from vqinsight.baselines.videoscore import DIMENSIONS, Idefics2Regression
from vqinsight.baselines.videoscore2 import digit_place, read_scores
from vqinsight.errors import ModelError
from vqinsight.tasks.types import Missing, Preference

TEXT = "a cat"
SCRIPTS = {
    videoscore.SCRIPT: 'REGRESSION_QUERY_PROMPT = """\nRate it. The prompt is "{text_prompt}",\nthe frames:\n"""\n',
    videoscore2.SCRIPT: 'def main():\n    VS2_QUERY_TEMPLATE = Template("""Rate $t2v_prompt""")\n',
    unifiedreward2.POINT: 'prompt = ""\nproblem = (\n    "Rate {it}"\n    f" of [{prompt}]"\n)\n',
    unifiedreward2.PAIR: 'problem = f"Compare two of [{prompt}]"\n',
    unifiedreward2.THINK: "problem = f'''Think of {prompt} first'''\n",
}


@pytest.fixture
def code(tmp_path) -> str:
    for file, text in SCRIPTS.items():
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_text(text)
    return str(tmp_path)


def test_wordings_are_read_without_running_the_script(code):
    said = read_clone(code, unifiedreward2.POINT, "URL")
    with pytest.raises(ModelError, match="no single text"):
        wording(said, "problem", "{other}", "x.py")
    assert wording(said.replace("{it}", "it"), "problem", "{prompt}", "x.py") == "Rate it of [{text}]"
    template = read_clone(code, videoscore2.SCRIPT, "URL")
    assert wording(template, "VS2_QUERY_TEMPLATE", "$t2v_prompt", "x.py") == "Rate {text}"
    with pytest.raises(ModelError, match="no single text"):
        wording("problem = 1", "problem", "{prompt}", "x.py")
    with pytest.raises(ModelError, match="no single text"):
        wording('problem = f"{prompt} and {prompt}"', "problem", "{prompt}", "x.py")
    with pytest.raises(ModelError, match="no Python script"):
        wording("problem =", "problem", "{prompt}", "x.py")
    with pytest.raises(ModelError, match="git clone URL CLONE"):
        read_clone(code, "nothing.py", "URL")


def test_rules_of_sampling():
    assert strided(3, 16) == [0, 1, 2]
    assert strided(32, 16) == list(range(0, 32, 2))
    assert strided(20, 16) == [0, 1, 2, 3, 5, 6, 7, 8, 10, 11, 12, 13, 15, 16, 17, 18]
    assert starts(20, 8) == [0, 2, 5, 7, 10, 12, 15, 17]
    assert starts(3, 8) == [0, 1, 2]
    assert between(20, 8) == [0, 2, 5, 8, 10, 13, 16, 19]
    assert between(2, 4) == [0, 0, 0, 1]


POINTS = "Alignment Score (1-5): 2.4036\nPhysics Score (1-5): 3.0987\nStyle Score (1-5): 3.3889"
PAIR = "Alignment Score:\n Video 1: 0.4\n Video 2: 0.6\n\nCoherence Score:\n Video 1: 0.75\n Video 2: 0.25\n\n"
PAIR += "Style Score:\n Video 1: 0.5\n Video 2: 0.5"


def test_answers_of_unifiedreward():
    assert read_points(POINTS) == {"alignment": 2.4036, "factual": 3.0987, "spatial": 3.3889}
    assert read_points(POINTS.replace("Physics Score (1-5):", "**Physics Score:**"))["factual"] == 3.0987
    assert "physics" in read_points(POINTS.replace("Physics", "Motion")).reason
    assert "outside" in read_points(POINTS.replace("3.3889", "6")).reason
    assert read_parts(PAIR) == pytest.approx(-0.2 + 0.5)
    assert "style" in read_parts(PAIR.replace("Style", "Beauty")).reason
    assert "outside" in read_parts(PAIR.replace("0.75", "75")).reason


class Pieces:
    """A tokenizer of given pieces."""

    def __init__(self, *pieces: str) -> None:
        self.pieces = pieces

    def decode(self, ids, skip_special_tokens):
        return "".join(self.pieces[i] for i in ids)


def test_the_readout_of_videoscore2():
    words = Pieces("Think. Visual", " quality:", " ", "4", "; text-to-video alignment: ", "2", ", physical", "/common")
    words.pieces += ("-sense consistency:", " ", "3", ".", " visual quality: 1")
    ids = list(range(len(words.pieces)))
    assert [digit_place(words, ids, line) for line in videoscore2.LINES] == [3, 5, 10]
    scores = torch.full((len(ids), 5), 50.0)  # what stands elsewhere must not count
    scores[3] = torch.tensor([0.5, 0.125, 0.125, 0.125, 0.125]).log()
    scores[5] = torch.tensor([0.0, 0.0, 0.25, 0.0, 0.75]).log()
    scores[10] = torch.tensor([-math.inf, -math.inf, 1.0, -math.inf, -math.inf])
    found = read_scores(words, ids, scores)
    assert found == pytest.approx({"spatial": 0.5, "alignment": 3.75, "factual": 3.0})
    scores[10] = -math.inf
    assert "no digit" in read_scores(words, ids, scores).reason
    assert "no three scores" in read_scores(words, ids[:9], scores).reason
    joined = Pieces("visual quality: 45; text-to-video alignment: 2, physical/common-sense consistency: 3")
    assert digit_place(joined, [0], "visual quality:") is None  # a token that goes on behind the digit


def test_frames_as_images_in_the_chosen_order(clips, tmp_path):
    frame = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    assert np.abs(as_jpeg(frame).astype(int) - frame).max() > 5
    folder = str(tiny.save(tiny.qwen3_vl(), tmp_path / "m"))
    plain, packed = load_for_stills(
        folder, [StillViews(lambda _: [0, 0, 11], 0), StillViews(lambda _: [11], 1)], {"device": "cpu"}, 7
    )
    shown = plain.assessor.clips.load(clips[1]).views
    assert [view.kind for view in shown] == ["image"] * 3
    assert torch.equal(shown[0].patches, shown[1].patches)
    assert not torch.equal(shown[0].patches, shown[2].patches)
    assert not torch.equal(packed.assessor.clips.load(clips[1]).views[0].patches, shown[2].patches)
    assert plain.assessor.loaded.settings.max_new_tokens == 7


def test_systems_on_a_qwen_ask_with_the_clone_s_words(code, clips, tmp_path, monkeypatch):
    Path(code, unifiedreward2.POINT).write_text('problem = f"Rate [{prompt}]"')
    folder = str(tiny.save(tiny.qwen3_vl(), tmp_path / "m"))
    judge = open_baseline("unifiedreward2", model=folder, code=code, device="cpu")
    assert set(judge.ranges) == set(SYSTEMS["unifiedreward2"].dimensions)
    assert "unknown commit" in judge.remarks[0]
    asked = []

    def say(assessor, answers):
        def complete(questions):
            asked.extend((messages[0]["content"][-1]["text"], len(clips)) for messages, clips in questions)
            return [[answers.pop(0)]]

        monkeypatch.setattr(assessor, "complete", complete)

    say(judge._single.assessor, [POINTS])
    assert judge.score(clips[0], TEXT)["alignment"] == 2.4036
    assert isinstance(judge.score(clips[0]), Missing)
    say(judge._double.assessor, [PAIR, PAIR.replace("0.75", "0.25").replace("Video 2: 0.25", "Video 2: 0.75")])
    assert judge.margin(*clips, TEXT) == pytest.approx((0.3 + 0.7) / 2)
    assert asked == [("Rate [a cat]", 1), ("Compare two of [a cat]", 2), ("Compare two of [a cat]", 2)]
    think = open_baseline("unifiedreward2_think", model=folder, code=code, device="cpu")
    say(think._assessor, [f"<think>x</think><answer>Video {n} is better</answer>" for n in (1, 2)])
    assert think.compare(*clips, TEXT) == Preference("A")
    assert asked[-1] == ("Think of a cat first", 2)
    assert think.name == "unifiedreward2_think"


def test_videoscore2_runs_and_random_weights_name_no_scores(code, clips, model):
    judge = open_baseline("videoscore2", model=str(model), code=code, device="cpu")
    judge._assessor.loaded.settings.__dict__["max_new_tokens"] = 5
    assert "no three scores" in judge.score(clips[0], TEXT).reason
    assert isinstance(judge.score(clips[0]), Missing)
    assert set(judge.ranges) == set(SYSTEMS["videoscore2"].dimensions)


@pytest.fixture(scope="module")
def idefics(tmp_path_factory) -> Path:
    """A folder in the layout of VideoScore; its head answers 1 to 5 whatever it sees."""
    folder = tmp_path_factory.mktemp("idefics2")
    words = PreTrainedTokenizerFast(tokenizer_object=tiny.tokenizer().backend_tokenizer, pad_token="<|endoftext|>")
    images = Idefics2ImageProcessorPil(size={"shortest_edge": 28, "longest_edge": 56}, do_image_splitting=False)
    processor = Idefics2Processor(images, words, image_seq_len=4)
    text = {"model_type": "mistral", "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 1}
    text |= {"num_attention_heads": 2, "num_key_value_heads": 1, "vocab_size": len(words)}
    vision = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 1, "num_attention_heads": 2}
    vision |= {"image_size": 56, "patch_size": 14}
    perceiver = {"resampler_n_latents": 4, "resampler_depth": 1, "resampler_n_heads": 2, "resampler_head_dim": 16}
    perceiver |= {"num_key_value_heads": 1, "hidden_size": 32, "rms_norm_eps": 1e-6}
    config = Idefics2Config(
        text_config=text,
        vision_config=vision,
        perceiver_config=perceiver,
        image_token_id=words.convert_tokens_to_ids("<image>"),
        tie_word_embeddings=False,
        num_labels=5,
    )
    torch.manual_seed(0)
    model = Idefics2Regression(config)
    with torch.no_grad():
        model.score.bias.copy_(torch.arange(1.0, 6.0))
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder


def test_videoscore(code, clips, idefics, tmp_path):
    judge = open_baseline("videoscore", model=str(idefics), code=code, device="cpu", frames=4)
    assert tuple(DIMENSIONS) == SYSTEMS["videoscore"].dimensions
    first, second = judge.score(clips[0], TEXT), judge.score(clips[1], TEXT)
    assert first != second
    assert judge.score(clips[0], "a dog") != first
    assert judge.compare(*clips, TEXT) == Preference("A" if sum(first.values()) > sum(second.values()) else "B")
    assert isinstance(judge.score(clips[0]), Missing)
    with torch.no_grad():
        judge._model.score.weight.zero_()
    assert judge.score(clips[0], TEXT) == {"spatial": 1, "temporal": 2, "dynamic": 3, "alignment": 4, "factual": 5}
    with pytest.raises(ModelError, match="hf download"):
        open_baseline("videoscore", model=str(tmp_path), code=code, device="cpu")


def test_videoscore_refuses_what_it_is_not(code, model):
    with pytest.raises(ModelError, match="qwen2_5_vl"):
        open_baseline("videoscore", model=str(model), code=code, device="cpu")
