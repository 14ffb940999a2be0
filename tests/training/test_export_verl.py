"""What ``vqinsight export verl`` writes; ``test_verl.py`` lets verl read it."""

from __future__ import annotations

import asyncio
import importlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from helpers import exported, process
from PIL import Image

from vqinsight.assessor.clips import ClipLoader
from vqinsight.errors import TrainingError, UsageError
from vqinsight.settings.reader import read_toml
from vqinsight.settings.shipped import config_path
from vqinsight.settings.train import TrainSettings
from vqinsight.tasks.prompt_set import PromptSet
from vqinsight.tasks.prompt_sets import prompt_set
from vqinsight.tasks.types import Preference, Score, Verdict
from vqinsight.training.export_verl import launch
from vqinsight.training.export_verl.export import export_verl
from vqinsight.training.export_verl.labels import read_label, write_label
from vqinsight.video.patches import PixelSpec, patchify
from vqinsight.video.views import OverviewViews

SPEC = PixelSpec(14, 2, 2, (0.5,) * 3, (0.5,) * 3, 3136, 105_369)
# Imports of the reward function in an environment with other versions of these, or none.
LIGHT = """
import json, sys
for name in ("torch", "transformers", "accelerate", "peft", "av", "scipy", "pyarrow"):
    sys.modules[name] = None
sys.path.insert(0, sys.argv[1])
from reward import compute_score
print(json.dumps([compute_score("", **each) for each in json.load(sys.stdin)]))
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> exported.Export:
    return exported.make(tmp_path_factory.mktemp("export"))


def rows(export: exported.Export) -> list[dict]:
    return pq.read_table(export.folder / "train.parquet").to_pylist()


def test_rows_are_the_questions_of_the_run_in_order(made: exported.Export) -> None:
    """Those with a broken clip, which is named, are left out."""
    assert len(rows(made)) == made.made.questions == len(made.examples) == 11
    assert {row["extra_info"]["task"] for row in rows(made)} == {"natural", "generated", "compare", "yesno"}
    for row, example in zip(rows(made), made.examples, strict=True):
        assert row["extra_info"]["id"] == example.id
        text = "".join(f"<{message['role']}>{message['content']}" for message in row["prompt"])
        assert text == in_one_line(prompt_set("standard"), example.question)
        assert text.count("<video>") == len(row["videos"]) == len(example.question.clips) and not row["images"]
        label = read_label(row["reward_model"]["ground_truth"])
        if row["extra_info"]["task"] == "natural":  # 3.5 on 1 to 5
            assert label == Score({"quality": 62.5})
        else:
            assert label == example.answer
    (failed,) = [json.loads(line) for line in (made.folder / "failures.jsonl").read_text().splitlines()]
    assert failed["path"].endswith("broken.mp4") and "not a video" in failed["reason"]


def in_one_line(asked: PromptSet, question: object) -> str:
    return "".join(
        f"<{message['role']}>" + "".join("<video>" if c["type"] == "clip" else c["text"] for c in message["content"])
        for message in asked.messages(question)  # type: ignore[arg-type]
    )


def test_frames_are_those_that_our_trainer_shows(made: exported.Export) -> None:
    loader = ClipLoader(exported.LOOK, SPEC, OverviewViews())
    row, example = rows(made)[0], made.examples[0]
    for video, clip in zip(row["videos"], example.question.clips, strict=True):
        (view,) = loader.load(clip.path).views
        frames = np.stack([np.asarray(Image.open(file)) for file in video["video"]])
        found, grid = patchify(torch.from_numpy(frames).permute(0, 3, 1, 2), SPEC)
        assert grid == view.grid and found.equal(view.patches)
        rate = len(video["video"]) / video["total_num_frames"] * video["fps"]
        assert 2 / rate == pytest.approx(view.seconds_per_grid) and video["sample_fps"] == pytest.approx(rate)


def test_the_reward_function_is_our_rubric_without_torch(made: exported.Export) -> None:
    """Lengths on both sides of Eq. 5's bounds; every part of every task."""
    table = rows(made)
    asked = [
        {
            "solution_str": text,
            "ground_truth": table[place]["reward_model"]["ground_truth"],
            "extra_info": table[place]["extra_info"] | {"answer_tokens": tokens},
        }
        for place, text in made.answers
        for tokens in (20, 21)
    ]
    run = subprocess.run(
        [sys.executable, "-c", LIGHT, str(made.folder)], input=json.dumps(asked), capture_output=True, text=True
    )
    assert run.returncode == 0, run.stderr
    wanted = [exported.our_reward(made, place, text, tokens) for place, text in made.answers for tokens in (20, 21)]
    for found, expected in zip(json.loads(run.stdout), wanted, strict=True):
        assert found == pytest.approx(expected, nan_ok=True)
    # By hand: a format of weight 0.5, the right score, and 0.1 for a length between 20 and 40.
    assert max(each["score"] for each in wanted) == pytest.approx(0.5 + 1 + 0.1)


def test_a_length_that_is_not_there_is_no_zero(made: exported.Export) -> None:
    from vqinsight.training.export_verl.reward import Reward

    row = rows(made)[0]
    with pytest.raises(ValueError, match=r"reward_manager\.name=vqinsight"):
        Reward(made.folder)("<answer>A</answer>", row["reward_model"]["ground_truth"], row["extra_info"])


@pytest.mark.parametrize("label", [Score({"a": 1.5, "b": 0.0}), Preference("B"), Preference("tie"), Verdict(False)])
def test_labels_come_back(label: Score | Preference | Verdict) -> None:
    assert read_label(write_label(label)) == label
    with pytest.raises(ValueError, match="no label"):
        read_label('{"yes": "no"}')


def test_the_script_starts_verl_with_the_values_of_the_paper(made: exported.Export) -> None:
    settings = read_toml(TrainSettings, config_path("7b/stage2_natural"))
    values = launch.overrides(settings, Path("/data/out"), 2048)
    actor, rollout = "actor_rollout_ref.actor.", "actor_rollout_ref.rollout."
    assert values[actor + "optim.lr"] == 1e-6 and values[actor + "kl_loss_coef"] == 0.001
    assert values[actor + "clip_ratio_low"] == values[actor + "clip_ratio_high"] == 0.2
    assert values[rollout + "n"] == 8 and values[rollout + "temperature"] == 1.0
    assert values["data.max_response_length"] == 1024 and values["data.train_batch_size"] == 8
    assert values[actor + "loss_agg_mode"] == "seq-mean-token-mean" and values[actor + "kl_loss_type"] == "low_var_kl"
    assert values[actor + "ppo_mini_batch_size"] == 8 and not values["data.shuffle"]

    assert exported.external_module(made) == "vqinsight.training.export_verl.plugin"
    given = exported.overrides(made, MODEL="/models/my model", GPUS="4")
    assert "actor_rollout_ref.model.path='/models/my model'" in given and "trainer.n_gpus_per_node=4" in given
    assert f"reward.custom_reward_function.path={made.folder}/reward.py" in given
    assert "actor_rollout_ref.rollout.n=4" in given and "data.max_response_length=256" in given


def test_quotes_are_hydras() -> None:
    assert launch._value(r"a'b\d") == r"'a\'b\d'" and launch._value("a\\") == "'a\\\\'"
    assert launch._value(["console"]) == "[console]" and launch._value(False) == "False"


def test_differences_are_told() -> None:
    whole = read_toml(TrainSettings, config_path("7b/stage2_natural"))
    told = " ".join(launch.differences(whole, without_temporal=True))
    assert "Eq. 4 is left out" in told and "vision tower learns too" in told and "rate stays constant" in told
    adapter = read_toml(TrainSettings, config_path("7b/stage1"), ["model.lora_rank=8", "trainer.warmup_steps=5"])
    told = " ".join(launch.differences(adapter, without_temporal=False))
    assert "Eq. 4" not in told and "vision tower" not in told
    assert "trainer.warmup_steps" in told and "trainer.bf16" not in told


def test_images_of_stage_1(tmp_path: Path) -> None:
    Image.new("RGB", (300, 200), (200, 30, 30)).save(tmp_path / "a.png")
    (tmp_path / "natural.jsonl").write_text('{"path": "a.png", "quality": 3, "low": 1, "high": 5}\n')
    given = '[[data]]\ndataset = "table"\ndir = "natural.jsonl"\n'.replace("natural", str(tmp_path / "natural"))
    (tmp_path / "config.toml").write_text(exported.CONFIG.replace('"temporal"', '"warmup"') + given)
    made = export_verl(tmp_path / "config.toml", (), tmp_path / "out", without_temporal=False)
    assert made.clips == 1 and not any("Eq. 4" in each for each in made.differences)
    row = pq.read_table(tmp_path / "out" / "train.parquet").to_pylist()[0]
    assert row["prompt"][1]["content"].startswith("<image>") and not row["videos"]
    with Image.open(row["images"][0]["image"]) as shown:
        assert shown.size == (308, 196)
    assert json.loads((tmp_path / "out" / "rewards.json").read_text())["parts"] == ["format", "score"]


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ((), r"--without-temporal, or --set rewards\.temporal=0"),
        (("rewards.temporal=0", "stage=sft"), "nothing to export"),
        (("rewards.temporal=0", "grpo.anchor=reasoning"), "anchor"),
        (("rewards.temporal=0", "model.name=nano"), "shown more than frames"),
        (("rewards.temporal=0", "updates=1", "data.0.dataset=synthetic", "data.0.weight=1e9"), "are no files"),
    ],
)
def test_what_verl_cannot_do_is_refused(tmp_path: Path, changes: tuple[str, ...], says: str) -> None:
    config = exported.write_config(tmp_path)
    with pytest.raises(UsageError, match=says):
        export_verl(config, changes, tmp_path / "out", without_temporal=False)
    assert not (tmp_path / "out" / "launch.sh").exists()


def test_too_many_broken_clips_end_it(tmp_path: Path) -> None:
    config = exported.write_config(tmp_path)
    with pytest.raises(TrainingError, match="max_failed"):
        export_verl(config, ("max_failed=0.01",), tmp_path / "out", without_temporal=True)
    assert not (tmp_path / "out" / "train.parquet").exists() and (tmp_path / "out" / "failures.jsonl").exists()


def test_the_command_says_what_is_left_out_and_goes_on(tmp_path: Path) -> None:
    """A second time only the clip that has changed is read."""
    config = exported.write_config(tmp_path)
    run = subprocess.run(
        [sys.executable, "-m", "vqinsight", "export", "verl", "config.toml", "--out", "out", "--without-temporal"],
        cwd=tmp_path,
        env=os.environ | process.ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0 and "Traceback" not in run.stderr, run.stderr
    assert "11 questions about 4 clips" in run.stdout
    assert re.search(r"Left out: \S*broken.mp4: not a video", run.stdout)
    assert "Eq. 4 is left out" in run.stdout and "bash out/launch.sh" in run.stdout
    before = {place: place.stat().st_mtime_ns for place in (tmp_path / "out" / "frames").iterdir()}
    (tmp_path / "broken.mp4").write_bytes((exported.EXAMPLES / "squares_blurred.mp4").read_bytes())
    assert export_verl(config, (), tmp_path / "out", without_temporal=True).clips == 5
    assert not (tmp_path / "out" / "failures.jsonl").exists()
    after = {place: place.stat().st_mtime_ns for place in (tmp_path / "out" / "frames").iterdir()}
    assert len(after) == len(before) + 1 and before.items() <= after.items()


class Manager:
    """Stands in for verl's: says what it is given."""

    async def run_single(self, data: SimpleNamespace) -> dict[str, object]:
        return dict(data.non_tensor_batch["extra_info"][0])


class Answers(SimpleNamespace):
    """Stands in for verl's batch of answers."""

    def __getitem__(self, part: slice) -> Answers:
        return Answers(batch={key: value[part] for key, value in self.batch.items()}, non_tensor_batch=self.known)


def test_what_verl_imports(monkeypatch: pytest.MonkeyPatch) -> None:
    """Eq. 1 by group, on the tokens of an answer alone; and the number of an answer's tokens, end token included."""
    places = ("", ".experimental.reward_loop.reward_manager", ".experimental.reward_loop.reward_manager.naive")
    for name in (*places, ".trainer.ppo.core_algos"):
        given = {"DataProto": Answers, "NaiveRewardManager": Manager}
        registers = dict.fromkeys(("register", "register_adv_est"), lambda _: lambda thing: thing)
        module = ModuleType(f"verl{name}")
        module.__dict__.update(given | registers)
        monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.delitem(sys.modules, "vqinsight.training.export_verl.plugin", raising=False)
    plugin = importlib.import_module("vqinsight.training.export_verl.plugin")
    monkeypatch.delitem(sys.modules, plugin.__name__)

    rewards, mask = torch.diag(torch.tensor([1.0, 5.0, 0.0, 5.0])), torch.tril(torch.ones(4, 4))
    found, _ = plugin.group_advantages(rewards, mask, np.array(["a", "b", "a", "b"], dtype=object), config=None)
    half = 0.5**0.5  # of 1 and 0: the mean is 0.5, the deviation 0.7071
    wanted = torch.tensor([[half, 0, 0, 0], [0, 0, 0, 0], [-half, -half, -half, 0], [0, 0, 0, 0]])
    torch.testing.assert_close(found, wanted, rtol=0, atol=2e-4)

    shared = {"id": "x"}
    answers = Answers(
        batch={"responses": torch.zeros(1, 6), "attention_mask": torch.tensor([[0, 1, 1, 1, 1, 1, 0, 0]])},
        known={"extra_info": np.array([shared], dtype=object)},
    )
    assert asyncio.run(plugin.CountingRewardManager().run_single(answers)) == {"id": "x", "answer_tokens": 4}
    assert shared == {"id": "x"}  # other answers to the question have lengths of their own
