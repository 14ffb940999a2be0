"""Generation: vision once equals pixels every time; answers depend on the question alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from vqinsight.assessor.assessor import Assessor
from vqinsight.assessor.generate import GumbelSampling, batches
from vqinsight.assessor.load import load_model
from vqinsight.assessor.prompting import Prompt, collate
from vqinsight.assessor.vision import encoder_outputs
from vqinsight.tasks.types import Clip, Question

ClipFiles = Callable[[int], list[str]]


@pytest.fixture
def assessor(checkpoint: Path) -> Assessor:
    return Assessor(load_model(str(checkpoint), device="cpu"))


def _asked(assessor: Assessor, paths: list[str]) -> list[tuple[Question, tuple[object, ...]]]:
    clips = [assessor.encode(assessor.clips.load(path)) for path in paths]
    return [(Question("natural", (Clip(path),)), (clip,)) for path, clip in zip(paths, clips, strict=True)]


def test_features_once_give_the_logits_of_pixels_every_time(assessor: Assessor, clip_files: ClipFiles) -> None:
    asked = _asked(assessor, clip_files(3))
    prompts = [assessor.build(assessor.prompt_set.messages(question), clips) for question, clips in asked]
    model = assessor.loaded.model
    inputs = collate(prompts, assessor.loaded.tokenizer.pad_token_id)
    views = [view for _, (clip,) in asked for view in clip.views]
    with torch.inference_mode():
        pixels = model(**inputs, pixel_values_videos=torch.cat([v.view.patches for v in views])).logits
        features = model(**inputs, mm_encoder_outputs=encoder_outputs(views, assessor.output_type)).logits
    keep = inputs["attention_mask"].bool()
    assert (pixels - features)[keep].abs().max() < 1e-5
    assert pixels[keep].std() > 0.1  # the comparison is between numbers that say something


def test_what_is_seen_changes_what_is_said(assessor: Assessor, clip_files: ClipFiles) -> None:
    texts = [reply[0].text for reply in assessor.ask(_asked(assessor, clip_files(6)))]
    assert len(set(texts)) > 1


@pytest.mark.parametrize("temperature", [0.0, 1.3])
def test_alone_and_in_a_batch_of_eight_are_the_same_token_for_token(
    assessor: Assessor, clip_files: ClipFiles, temperature: float
) -> None:
    asked = _asked(assessor, clip_files(8))
    options = {"samples": 2 if temperature else 1, "temperature": temperature, "seed": 5}
    together = assessor.ask(asked, **options)
    alone = [assessor.ask([one], **options)[0] for one in asked]
    assert together == alone
    backwards = assessor.ask(asked[::-1], **options)
    assert backwards[::-1] == together


def test_samples_differ_and_follow_the_seed(assessor: Assessor, clip_files: ClipFiles) -> None:
    asked = _asked(assessor, clip_files(1))
    first = assessor.ask(asked, samples=4, temperature=1.5, seed=1)[0]
    assert len({reply.text for reply in first}) > 1
    assert assessor.ask(asked, samples=4, temperature=1.5, seed=1)[0] == first
    assert assessor.ask(asked, samples=4, temperature=1.5, seed=2)[0] != first
    # More samples extend fewer: the first ones stay what they were.
    assert assessor.ask(asked, samples=6, temperature=1.5, seed=1)[0][:4] == first


def test_the_same_content_under_another_name_gets_the_same_samples(
    assessor: Assessor, clip_files: ClipFiles, tmp_path: Path
) -> None:
    (path,) = clip_files(1)
    copy = tmp_path / "copy"
    Path(path).rename(copy)
    before = assessor.ask(_asked(assessor, [str(copy)]), samples=3, temperature=1.0)
    copy.rename(path)
    assert assessor.ask(_asked(assessor, [path]), samples=3, temperature=1.0) == before


def test_placeholders_are_never_generated(assessor: Assessor, clip_files: ClipFiles) -> None:
    """Even when the model wants nothing else."""
    model, tokenizer = assessor.loaded.model, assessor.loaded.tokenizer
    asked = _asked(assessor, clip_files(2))
    wanted = torch.tensor(assessor.loaded.suppressed_tokens)
    handle = model.lm_head.register_forward_hook(lambda _m, _i, out: out.index_fill(-1, wanted, 1e4))
    texts = [texts[0] for texts in assessor.complete([(assessor.prompt_set.messages(q), c) for q, c in asked])]
    handle.remove()
    for text in texts:
        assert not set(tokenizer(text, add_special_tokens=False)["input_ids"]) & set(assessor.loaded.suppressed_tokens)


def test_gumbel_sampling_draws_from_the_softmax() -> None:
    scores = torch.tensor([[2.0, 0.5, -1.0, -float("inf")]])
    draws = 4000
    sampler = GumbelSampling(0.7, list(range(draws)))
    picked = sampler(torch.empty(0), scores.expand(draws, -1)).argmax(-1)
    shares = torch.bincount(picked, minlength=4) / draws
    assert torch.allclose(shares, torch.softmax(scores[0] / 0.7, -1), atol=0.03)
    assert shares[3] == 0


def test_batches_respect_the_budget_and_keep_the_order() -> None:
    prompts = [Prompt(tuple(range(n)), (0,) * n, ()) for n in (10, 20, 5, 90, 10)]
    assert batches(prompts, room=10, budget=60) == [[0, 1], [2], [3], [4]]
    assert batches(prompts, room=10, budget=10_000) == [[0, 1, 2, 3, 4]]
    assert batches([], room=10, budget=60) == []
