"""The released weights are shown clips and asked as they were taught, by hub id, by template or by their own file."""

from __future__ import annotations

import json
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from helpers import tiny

import vqinsight
from vqinsight.assessor.load import load_model
from vqinsight.assessor.prompting import collate
from vqinsight.assessor.recognise import RELEASED, hint_of_release, inference_settings
from vqinsight.assessor.save import save_companions
from vqinsight.errors import UsageError
from vqinsight.settings.inference import InferenceSettings
from vqinsight.settings.train import TrainSettings
from vqinsight.tasks.types import Clip, Question
from vqinsight.training.run import build_trainable_assessor

# As transformers 4.49 saved the weights after training.
SAVED = {"_name_or_path": "Qwen/Qwen2.5-VL-7B-Instruct", "transformers_version": "4.49.0.dev0", "use_cache": False}


def taught(settings: InferenceSettings) -> tuple[str, int, float | None]:
    return settings.template, settings.min_pixels, settings.seconds_per_grid


@pytest.mark.parametrize(
    ("place", "subfolder", "template", "wanted"),
    [
        (RELEASED, "vqinsight-comp", None, ("released", 100_352, 1.0)),
        (RELEASED, "vqinsight-comp", "standard", ("standard", 100_352, 1.0)),  # other words, the same eyes
        (RELEASED, "score_degradation", None, ("released", 3_136, None)),  # a model of images
        (RELEASED, "score_degradation", "released", ("released", 3_136, None)),
        ("Qwen/Qwen2.5-VL-7B-Instruct", "", None, ("standard", 3_136, None)),
        ("my/download", "", "released", ("released", 100_352, 1.0)),
    ],
)
def test_what_comes_with_the_released_weights(
    place: str, subfolder: str, template: str | None, wanted: tuple[str, int, float | None]
) -> None:
    assert taught(inference_settings(place, subfolder, template)[0]) == wanted


@pytest.mark.parametrize(
    ("own", "template", "wanted"),
    [
        ({"template": "released"}, None, ("released", 100_352, 1.0)),
        ({"min_pixels": 50_176}, "released", ("released", 50_176, 1.0)),
        ({"template": "brief", "seconds_per_grid": 0.5}, "released", ("released", 100_352, 0.5)),
        ({"seconds_per_grid": None}, "released", ("released", 100_352, None)),
        ({"template": "brief"}, None, ("brief", 3_136, None)),
    ],
)
def test_a_models_own_file_comes_first(
    tmp_path: Path, own: dict[str, Any], template: str | None, wanted: tuple[str, int, float | None]
) -> None:
    (tmp_path / "vqinsight.json").write_text(json.dumps(own))
    assert taught(inference_settings(str(tmp_path), "", template)[0]) == wanted


def test_a_file_of_prompts_brings_what_its_base_was_taught(tmp_path: Path) -> None:
    (tmp_path / "my.toml").write_text('base = "released"\nsystem = "Think, then answer."\n')
    settings, asked = inference_settings("my/download", "", str(tmp_path / "my.toml"))
    assert taught(settings) == (str(tmp_path / "my.toml"), 100_352, 1.0) and asked.system == "Think, then answer."
    (tmp_path / "vqinsight.json").write_text('{"template": "my.toml"}')  # beside it
    assert inference_settings(str(tmp_path), "", None) == (settings, asked)
    (tmp_path / "vqinsight.json").write_text('{"template": "other.toml"}')
    with pytest.raises(UsageError, match=r"other.toml: there is no such prompt set"):
        inference_settings(str(tmp_path), "", None)


@pytest.mark.parametrize(
    ("folder", "config", "said"),
    [
        ("vqinsight-aigcvideo", {}, "the folder is called vqinsight-aigcvideo"),
        ("mine", SAVED, "transformers 4.49.0.dev0"),
        ("mine", SAVED | {"use_cache": True}, None),
        ("mine", SAVED | {"transformers_version": "4.50.0"}, None),
        ("mine", SAVED | {"_name_or_path": "Qwen/Qwen2.5-VL-3B-Instruct"}, None),
        ("Qwen2.5-VL-7B-Instruct", {"transformers_version": "4.41.2", "use_cache": True}, None),
    ],
)
def test_files_that_suggest_the_release(tmp_path: Path, folder: str, config: dict[str, Any], said: str | None) -> None:
    hint = hint_of_release("my model", str(tmp_path / folder), "", config)
    assert (hint is None) == (said is None)
    if said is not None:
        assert hint is not None and said in hint and "--template released" in hint and hint.startswith("my model: ")
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "vqinsight.json").write_text("{}")  # it says itself how it was taught
        assert hint_of_release("my model", str(tmp_path / folder), "", config) is None


def test_a_renamed_folder_is_hinted_at_and_told_by_the_template(tmp_path: Path, encode: ModuleType) -> None:
    folder = tiny.save(tiny.qwen2_5_vl(), tmp_path / "renamed")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | SAVED))
    clip = str(encode.video(tmp_path / "small.mp4", 24, size=(256, 256)))
    shapes, heard = {}, {}
    for template in (None, "released"):
        said: list[str] = []
        judge = vqinsight.load(str(folder), template=template, device="cpu", on_message=said.append).assessor
        encoded = judge.encode(judge.clips.load(clip))
        prompt = judge.build(judge.prompt_set.messages(Question("natural", (Clip(clip),))), (encoded,))
        batch = collate([prompt], 0)
        shapes[template] = (encoded.views[0].view.grid, batch["second_per_grid_ts"].item())
        assert batch["video_grid_thw"].tolist() == [list(encoded.views[0].view.grid)]
        heard[template] = said
    # 256 x 256 becomes 252 x 252, or 336 x 336: the lower limit of 100,352 pixels wins over the upper one of 105,369.
    assert shapes == {None: ((2, 18, 18), 0.5), "released": ((2, 24, 24), 1.0)}
    assert len(heard[None]) == 1 and "may be VQ-Insight's released weights" in heard[None][0] and not heard["released"]
    assert vqinsight.load(str(folder), template="released", max_pixels=50_000).assessor.loaded.spec.min_pixels == 50_000


def test_a_trained_model_keeps_the_prompts_it_was_trained_with(tmp_path: Path) -> None:
    folder = tiny.save(tiny.qwen2_5_vl(), tmp_path / "model", template="brief", frames=4)
    file = tmp_path / "my.toml"
    file.write_text('base = "brief"\nsystem = "Think, then answer."\n')
    trained = build_trainable_assessor(
        TrainSettings.model_validate(
            {
                "stage": "temporal",
                "out": tmp_path / "run",
                "model": {"name": str(folder), "template": str(file)},
                "data": [{"dataset": "synthetic"}],
            }
        )
    )
    file.write_text('system = "changed while it trains"\n')
    trained.loaded.model.save_pretrained(tmp_path / "final")
    save_companions(trained.loaded, tmp_path / "final")
    file.unlink()
    kept = load_model(str(tmp_path / "final"), device="cpu")
    assert kept.prompt_set.system == "Think, then answer." and kept.settings.frames == 4
    assert kept.prompt_set.name.split()[1] == trained.prompt_set.name.split()[1]
    assert json.loads((tmp_path / "final" / "vqinsight.json").read_text())["template"] == "prompts.toml"
