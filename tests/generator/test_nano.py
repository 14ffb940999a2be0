"""The embedded generator: what it is trained on, and that a stop changes nothing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from diffusers import WanTransformer3DModel
from helpers.tiny_generators import tiny_generator

from vqinsight.common.prompt_lists import gather_prompts
from vqinsight.errors import ModelError, UsageError
from vqinsight.generator.ema import RunningAverage
from vqinsight.generator.families.nano_layout import frame_times, to_pixels, to_planes
from vqinsight.generator.families.nano_networks import (
    NEAR,
    build_autoencoder,
    build_denoiser,
    build_text_encoder,
    build_tokenizer,
)
from vqinsight.generator.families.unet3d import _with_guidance_input, guidance_embedding, merge_lora_list
from vqinsight.generator.load import open_generator
from vqinsight.nano.generator.data import Captioned, Plan, draw_caption
from vqinsight.nano.generator.export import export
from vqinsight.nano.generator.train import DenoiserLesson, train
from vqinsight.synthetic.simple import QUALITY_WORDS, draw_simple

SMALL = Plan(clips=4, autoencoder_steps=2, frames=2, steps=2, batch=2, save_every=1)


def test_frames_become_planes_and_back() -> None:
    frames = torch.randint(256, (3, 64, 64, 3), dtype=torch.uint8)
    assert to_planes(frames).shape == (3, 48, 16, 16)
    assert torch.equal(to_pixels(to_planes(frames)), frames)


def test_not_a_number_comes_out_black() -> None:
    assert to_pixels(torch.full((1, 48, 16, 16), torch.nan)).max() == 0


def test_every_word_of_the_captions_is_known() -> None:
    tokenizer = build_tokenizer()
    texts = [draw_simple(seed).prompt for seed in range(40)]
    texts += [f"clean and {word}" for word in QUALITY_WORDS.values()]
    assert all(tokenizer.unk_token_id not in tokenizer(text)["input_ids"] for text in texts)


@pytest.mark.full
@pytest.mark.slow
def test_training_goes_on_where_it_stopped_and_what_it_makes_can_be_shipped(tmp_path: Path) -> None:
    straight, stopped = tmp_path / "straight", tmp_path / "stopped"
    for folder in (straight, stopped):
        folder.mkdir()
    train(straight, SMALL)
    train(stopped, SMALL)
    newest = max((stopped / "denoiser").glob("checkpoint-*"))
    (newest / "trainer_state.json").unlink()  # killed while it was written
    train(stopped, SMALL)
    one, two = (open_generator(str(folder / "final")) for folder in (straight, stopped))
    assert one.provenance()["model_hash"] == two.provenance()["model_hash"]
    export(straight / "final", tmp_path / "shipped")
    assert "local_files_only" not in (tmp_path / "shipped" / "tokenizer" / "tokenizer_config.json").read_text()
    shipped = open_generator(str(tmp_path / "shipped"))
    clip = shipped.decode(shipped.sample(["one red circle moving left"], [1], steps=1))
    assert clip.shape == (1, 8, 64, 64, 3)
    further = tmp_path / "further"
    further.mkdir()
    train(further, replace(SMALL, seed=1, rate=1e-12), start=straight / "final")
    three = open_generator(str(further / "final"))
    assert three.vae.config.latents_mean == one.vae.config.latents_mean
    for name in ("denoiser", "vae", "text_encoder"):
        before, after = (getattr(generator, name).state_dict() for generator in (one, three))
        assert all(torch.allclose(before[key], after[key], atol=1e-6) for key in before)


def test_a_clip_of_nothing_looks_the_same_in_every_frame_but_for_the_times() -> None:
    denoiser, latents, text = build_denoiser(heads=2, layers=2), torch.zeros(1, 16, 8, 8, 8), torch.randn(1, 4, 96)
    t = torch.tensor([0.5])
    times = frame_times(t, denoiser, latents)
    assert times.tolist() == [[500.0 + 1000 * (token // 4) for token in range(32)]]
    one, own = (denoiser(latents, time, text).sample for time in (t * 1000, times))
    assert torch.allclose(one[:, :, 0], one[:, :, 7], atol=1e-5)
    assert not torch.allclose(own[:, :, 0], own[:, :, 7], atol=1e-2)


def test_what_moves_left_or_up_is_rare_at_first() -> None:
    plan = Plan(steps=100, one_way=50, batch=4)
    latents = torch.zeros(24, 1)
    shown = Captioned(latents, plan)
    other_way = ["left" in prompt or "up" in prompt for prompt, _ in map(draw_caption, range(24))]
    latents += torch.tensor(other_way)[:, None]
    early, late = (
        torch.stack([shown[index]["latents"] for index in part]).mean().item() for part in (range(40), range(200, 400))
    )
    assert early < 0.4 * late
    assert late == pytest.approx(sum(other_way) / 24, abs=0.08)


def test_where_nothing_moves_one_way_all_is_shown() -> None:
    plan = Plan(steps=4, one_way=4, batch=1)  # its first clip moves up, and there is no other
    shown = Captioned(torch.zeros(1, 1), plan)
    assert len([shown[index] for index in range(4)]) == 4


@pytest.mark.slow
def test_what_was_learned_with_other_patches_is_kept_but_for_the_layers_at_the_ends(tmp_path: Path) -> None:
    other = tiny_generator("nano")
    other.denoiser = WanTransformer3DModel.from_config({**build_denoiser().config, "patch_size": (1, 2, 2)})
    other.vae, other.text_encoder = build_autoencoder(), build_text_encoder(len(other.tokenizer))
    other.vae.register_to_config(latents_mean=[0.0] * 16, latents_std=[1.0] * 16)
    other.save(tmp_path / "other")
    train(tmp_path, replace(SMALL, rate=1e-12), start=tmp_path / "other")
    before = other.denoiser.state_dict()
    after = open_generator(str(tmp_path / "final")).denoiser.state_dict()
    anew = {key.split(".")[0] for key in before if before[key].shape != after[key].shape}
    assert anew == {"patch_embedding", "proj_out"}
    assert all(torch.allclose(before[key], after[key], atol=1e-6) for key in before if key.split(".")[0] not in anew)


def test_the_average_follows_and_leaves_the_weights_alone() -> None:
    layer = torch.nn.Linear(1, 1, bias=False)
    with torch.no_grad():
        layer.weight.fill_(1.0)
    average = RunningAverage(layer, decay=0.5)
    for _ in range(30):
        with torch.no_grad():
            layer.weight.add_(1.0)
        average.update()
    with average.applied():
        inside = float(layer.weight)
    assert 29 < inside < 31  # half of the way each time: one step of 1 behind
    assert float(layer.weight) == 31.0


def test_turbos_lora_is_merged_in_the_order_of_the_layers() -> None:
    unet = tiny_generator("modelscope").denoiser
    kinds = (torch.nn.Linear, torch.nn.Conv2d, torch.nn.Conv3d)
    layers = [module for module in unet.modules() if isinstance(module, kinds)]
    before = [module.weight.clone() for module in layers]
    pairs = []
    for module in layers:
        width = module.weight[0].numel()
        pairs += [torch.ones(len(module.weight), 1), torch.full((1, width), 0.5)]
    with pytest.raises(ModelError, match="tensors"):
        merge_lora_list(unet, pairs[:-1])
    merge_lora_list(unet, pairs)
    for module, old in zip(layers, before, strict=True):
        torch.testing.assert_close(module.weight, old + 0.5)


def test_an_input_for_the_guidance_changes_nothing_until_it_is_taught() -> None:
    unet = tiny_generator("modelscope").denoiser
    wider = _with_guidance_input(unet).eval()
    inputs = (torch.randn(1, 4, 2, 8, 8), torch.tensor([3]), torch.randn(1, 5, 16))
    strength = guidance_embedding(torch.tensor([7.5]), 256)
    assert strength.shape == (1, 256)
    torch.testing.assert_close(wider(*inputs, timestep_cond=strength).sample, unet.eval()(*inputs).sample)


def test_a_folder_that_is_no_generator_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"model_index\.json"):
        open_generator(str(tmp_path))
    (tmp_path / "generator.json").write_text("{")
    with pytest.raises(ModelError, match="JSON"):
        open_generator(str(tmp_path))
    with pytest.raises(ModelError, match="no such folder"):
        open_generator(str(tmp_path / "nowhere"))


def test_a_denoiser_that_says_the_flow_is_refused(tmp_path: Path) -> None:
    tiny_generator("nano").save(tmp_path)
    assert open_generator(str(tmp_path)).family == "nano"
    (tmp_path / "generator.json").write_text('{"family": "nano"}')
    with pytest.raises(ModelError, match="earlier version"):
        open_generator(str(tmp_path))


def test_no_time_is_drawn_too_near_the_clip() -> None:
    drawn = tiny_generator("nano").sample_t(4096, torch.Generator().manual_seed(0))
    assert drawn.min() == NEAR
    assert drawn.max() <= 1


def test_the_loss_is_the_error_of_the_flow_and_held_down_near_the_clip() -> None:
    lesson = DenoiserLesson(build_tokenizer(), 0.9)
    for weight in lesson.networks["denoiser"].proj_out.parameters():
        torch.nn.init.zeros_(weight)  # says a clip of nothing but 0
    latents = torch.full((2, 16, 8, 8, 8), 3.0)
    t = torch.tensor([0.5, 0.1])
    loss = lesson(latents, torch.randn_like(latents), t, ["a", "b"])["loss"]
    torch.testing.assert_close(loss, torch.tensor((3 / 0.5) ** 2 / 2 + (3 / NEAR) ** 2 / 2))


def test_one_seed_a_prompt() -> None:
    generator = tiny_generator("nano")
    with pytest.raises(UsageError, match="one seed a prompt"):
        generator.sample(["a", "b"], [1])
    with pytest.raises(UsageError, match="between 0 and 1"):
        generator.sample(["a"], [1], init_latents=torch.zeros(1, *generator.latent_shape), strength=1.5)


def test_prompts_are_texts_and_lines_of_files(tmp_path: Path) -> None:
    file = tmp_path / "prompts.txt"
    file.write_text("one\n\n two \none\n")
    assert gather_prompts([str(file), "three", "two"]) == ["one", "two", "three"]
    with pytest.raises(UsageError, match="no prompt"):
        gather_prompts(["  "])
