"""A start that prompts share is forwarded once, and gives the log-probabilities and answers of prompts on their own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import torch
from helpers import tiny
from official import layouts

import vqinsight
from vqinsight.assessor import prefill
from vqinsight.assessor.assessor import Assessor
from vqinsight.assessor.generate import Decoder
from vqinsight.assessor.prompting import Prompt
from vqinsight.assessor.vision import EncodedView
from vqinsight.tasks.types import Clip, Question

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
CLIPS = [str(EXAMPLES / name) for name in ("cat.mp4", "cat_compressed.mp4", "circles.mp4")]
PAIRS = [(0, 1), (0, 2), (2, 1), (0, 1), (1, 0), (2, 0)]  # three begin with one clip, two of them alike; one is alone
TOKENS = 8
Folder = Callable[[str], str]


@pytest.fixture
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Folder:
    """A model by name: an official layout of the shared folder, or a tiny one of its family."""

    def find(name: str) -> str:
        if name == "nano":
            return name
        if hasattr(tiny, name):
            return str(tiny.save(getattr(tiny, name)(), tmp_path / name))
        shared: Path = request.getfixturevalue("shared")
        if not (shared / "real_layouts" / "vocab.json").is_file():
            pytest.skip(f"no vocabulary at {shared / 'real_layouts'}")
        return str(layouts.build(shared, tmp_path, name))

    return find


OFTEN = ["nano", "qwen2_5_vl", "qwen3_vl"]
LAYOUTS = [
    pytest.param(name, marks=[pytest.mark.slow, pytest.mark.full])
    for name in ("Qwen2.5-VL-3B-Instruct", "Qwen3-VL-4B-Instruct")
]


@pytest.mark.parametrize("name", [*OFTEN, *LAYOUTS])
def test_a_common_start_changes_nothing(name: str, folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    judge = vqinsight.load(folder(name), device="cpu", frames=4, max_pixels=112 * 112)
    judge.assessor.loaded.model.double()  # in float32 logits of an official layout differ by rounding alone, up to 2e-5
    shared = _said(judge.assessor, monkeypatch, together=True)
    plain = _said(judge.assessor, monkeypatch, together=False)
    assert shared[0] == plain[0]
    assert shared[1].shape[:2] == (TOKENS + 1, 2 * len(PAIRS))
    assert (shared[1] - plain[1]).abs().max() < 1e-5
    assert plain[1].std() > 0.1


def test_linear_attention_takes_prompts_on_their_own(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    assessor = vqinsight.load(folder("qwen3_5"), device="cpu", frames=4, max_pixels=112 * 112).assessor
    monkeypatch.setattr(prefill, "common_starts", lambda *_: pytest.fail("it has no cache to share"))
    prompts, views = _prompts(assessor, [(0, 1), (0, 2)])
    assert all(assessor.generate(prompts, views, [[0], [0]], 0.0, max_new_tokens=2))


def _prompts(assessor: Assessor, pairs: Sequence[tuple[int, int]]) -> tuple[list[Prompt], list[list[EncodedView]]]:
    """The prompts of pairs of ``CLIPS``, and their views."""
    encoded = [assessor.encode(assessor.clips.load(path)) for path in CLIPS]
    messages = [
        assessor.prompt_set.messages(Question("compare", tuple(Clip(CLIPS[i], "a cat") for i in pair)))
        for pair in pairs
    ]
    shown = [[encoded[i] for i in pair] for pair in pairs]
    prompts = [assessor.build(said, clips) for said, clips in zip(messages, shown, strict=True)]
    return prompts, [[view for clip in clips for view in clip.views] for clips in shown]


def _said(
    assessor: Assessor, monkeypatch: pytest.MonkeyPatch, *, together: bool
) -> tuple[list[list[list[int]]], torch.Tensor]:
    """Greedy answers, and log-probabilities along two forced answers a prompt, (places, answers, vocabulary)."""
    prompts, views = _prompts(assessor, PAIRS)
    with monkeypatch.context() as patch:
        if together:
            starts = prefill.common_starts(prompts, views)
            assert starts is not None and starts.of == (0, 0, 1, 0, 2, 1)
            # These clips have one size and length for Qwen2.5-VL; Qwen3-VL writes their times.
            assert len(set(starts.tokens)) > 1 or assessor.loaded.model.config.model_type == "qwen2_5_vl"
            assert min(starts.tokens) > len(views[0][0].pooled)  # the whole first view is shared
        else:
            patch.setattr(prefill, "common_starts", lambda *_: None)
        answers = assessor.generate(prompts, views, [[0]] * len(PAIRS), 0.0, max_new_tokens=TOKENS)
        pad = assessor.loaded.tokenizer.pad_token_id
        with torch.no_grad():
            state = Decoder(assessor.loaded.model, prompts, views, [2] * len(PAIRS), assessor.output_type, pad, TOKENS)
            forced = torch.randint(10, 200, (TOKENS, 2 * len(PAIRS)), generator=torch.Generator().manual_seed(0))
            logits = [state.logits_RV, *(state.step(token_R) for token_R in forced)]
    return answers, torch.stack(logits).log_softmax(-1)
