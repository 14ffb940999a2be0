"""Generation: vision once equals pixels every time; answers depend on the question alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import scipy.stats
import torch

from vqinsight.assessor.assessor import Assessor
from vqinsight.assessor.backbone import has_only_attention, keep_accepted_kwargs
from vqinsight.assessor.generate import Decoder, batches
from vqinsight.assessor.load import load_model
from vqinsight.assessor.noise import gumbel_noise
from vqinsight.assessor.prompting import Prompt, collate
from vqinsight.assessor.vision import encoder_outputs
from vqinsight.errors import ModelError
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


def test_greedy_answers_are_those_of_transformers(assessor: Assessor, clip_files: ClipFiles) -> None:
    """Three answers to each prompt, the prompt's keys and values held once, against transformers' own loop."""
    asked = _asked(assessor, clip_files(3))
    prompts = [assessor.build(assessor.prompt_set.messages(question), clips) for question, clips in asked]
    views = [view for _, (clip,) in asked for view in clip.views]
    ours = assessor.generate(prompts, [[view] for view in views], [[0, 1, 2]] * 3, 0.0, max_new_tokens=12)
    model, stop = assessor.loaded.model, assessor.stop_tokens
    for prompt, view, said in zip(prompts, views, ours, strict=True):
        inputs = keep_accepted_kwargs(model.forward, collate([prompt], assessor.loaded.tokenizer.pad_token_id))
        out = model.generate(
            **inputs,
            pixel_values_videos=view.view.patches,
            do_sample=False,
            max_new_tokens=12,
            suppress_tokens=list(assessor.loaded.suppressed_tokens),
        )[0, len(prompt.ids) :].tolist()
        end = next((i + 1 for i, token in enumerate(out) if token in stop), 12)
        assert said == [out[:end]] * 3


@torch.no_grad()
def test_decoding_gives_the_logits_of_a_plain_pass(assessor: Assessor, clip_files: ClipFiles) -> None:
    """Forced answers of 2, 1 and 3 to prompts of different lengths; one of them ends early."""
    asked = _asked(assessor, clip_files(3))
    model, pad_id = assessor.loaded.model, assessor.loaded.tokenizer.pad_token_id
    prompts = [assessor.build(assessor.prompt_set.messages(question), clips) for question, clips in asked]
    views = [clip.views for _, (clip,) in asked]
    if not has_only_attention(model):
        prompts, views = prompts[:1], views[:1]
    counts = [2, 1, 3][: len(prompts)]
    owner = [prompt for prompt, count in enumerate(counts) for _ in range(count)]
    said = torch.randint(10, 200, (len(owner), 5), generator=torch.Generator().manual_seed(0))
    decoder = Decoder(model, prompts, views, counts, assessor.output_type, pad_id, room=6)
    found, rows = [decoder.logits_RV], list(range(len(owner)))
    for place in range(5):
        if place == 3:
            rows.remove(1)
            decoder.keep(torch.tensor(rows))
        found.append(decoder.step(said[rows, place]))
    for place, logits in enumerate(found):
        kept = range(len(owner)) if place <= 3 else rows
        for row, mine in zip(kept, logits, strict=True):
            prompt, answer = prompts[owner[row]], said[row, :place].tolist()
            batch = keep_accepted_kwargs(model.forward, collate([prompt], pad_id, answers=[answer]))
            plain = model(**batch, pixel_values_videos=views[owner[row]][0].view.patches).logits[0, -1]
            assert (mine - plain).abs().max() < 1e-4
            assert plain.std() > 0.1


def test_a_window_shorter_than_the_sequence_is_refused(assessor: Assessor, clip_files: ClipFiles) -> None:
    config = assessor.loaded.model.config.get_text_config()
    config.layer_types, config.sliding_window = ["sliding_attention"] * config.num_hidden_layers, 20
    with pytest.raises(ModelError, match="slides over 20 tokens"):
        assessor.ask(_asked(assessor, clip_files(1)))


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
    """Even when the model wants nothing else; token ids, as texts are decoded without special tokens."""
    model = assessor.loaded.model
    [(question, clips)] = _asked(assessor, clip_files(1))
    prompt = assessor.build(assessor.prompt_set.messages(question), clips)
    wanted = torch.tensor(assessor.loaded.suppressed_tokens)
    handle = model.lm_head.register_forward_hook(lambda _m, _i, out: out.index_fill(-1, wanted, 1e4))
    [answers] = assessor.generate([prompt], [clips[0].views], [[0, 1]], 0.0, max_new_tokens=6)
    handle.remove()
    assert all(answers) and not {token for ids in answers for token in ids} & set(wanted.tolist())


def test_noise_makes_the_argmax_a_draw_from_the_softmax() -> None:
    logits = torch.tensor([2.0, 0.5, -1.0, 0.0, 1.0, -float("inf")])
    draws = 4000
    picked = (logits / 0.7 + gumbel_noise(range(draws), 3, 6, torch.device("cpu"))).argmax(-1)
    counts = torch.bincount(picked, minlength=6)
    expected = draws * torch.softmax(logits / 0.7, -1)
    assert counts[5] == 0
    assert scipy.stats.chisquare(counts[:5].numpy(), expected[:5].double().numpy()).pvalue > 1e-3


def test_noise_is_standard_gumbel_and_independent_of_the_batch() -> None:
    device = torch.device("cpu")
    noise = gumbel_noise(range(40), 0, 5000, device)
    assert torch.equal(gumbel_noise([17, 3], 0, 5000, device), noise[[17, 3]])
    assert scipy.stats.kstest(noise.flatten().numpy(), "gumbel_r").pvalue > 1e-3
    others = [gumbel_noise(range(40), 1, 5000, device), noise.roll(1, 0), noise.roll(1, 1)]
    for other in others:  # of the next position, of the next seed, of the next word
        assert abs(torch.corrcoef(torch.stack([noise.flatten(), other.flatten()]))[0, 1]) < 0.01


def test_batches_respect_the_budget_and_keep_the_order() -> None:
    prompts = [Prompt(tuple(range(n)), (0,) * n, ()) for n in (10, 20, 5, 90, 10)]
    assert batches(prompts, room=10, budget=60, answers=[1] * 5) == [[0, 1], [2], [3], [4]]
    assert batches(prompts, room=10, budget=10_000, answers=[1] * 5) == [[0, 1, 2, 3, 4]]
    assert batches([], room=10, budget=60, answers=[]) == []
