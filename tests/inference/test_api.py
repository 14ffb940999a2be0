"""The four verbs: records for everything, failures listed, medians and spreads by hand."""

from __future__ import annotations

import json
import statistics
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

import vqinsight
from vqinsight.errors import UnreadableVideo, UsageError
from vqinsight.inference import aggregate
from vqinsight.inference.api import VQInsight
from vqinsight.results import Provenance, Reply
from vqinsight.tasks.prompt_sets.brief import BRIEF
from vqinsight.tasks.types import Clip, Question

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
CAT, BAD_CAT = str(EXAMPLES / "cat.mp4"), str(EXAMPLES / "cat_compressed.mp4")


@pytest.fixture
def broken(tmp_path: Path) -> str:
    path = tmp_path / "broken.mp4"
    path.write_bytes(b"not a video at all")
    return str(path)


def test_a_score_says_everything(nano: VQInsight) -> None:
    record = nano.score(str(EXAMPLES / "circles.mp4"), prompt="two red circles moving left")
    plain = json.loads(json.dumps(record.as_dict()))
    assert plain["status"] == "ok"
    assert set(plain["scores"]) == {"spatial", "temporal", "alignment"}
    assert [d["high"] for d in plain["dimensions"]] == [100, 100, 100]
    assert plain["reasoning"]
    assert plain["input"]["indices"][0] == 0
    assert plain["input"]["indices"][-1] == 47
    assert len(plain["input"]["indices"]) == 8
    assert plain["input"]["extra"][0] == "2 x 3 crops at native resolution"
    assert len(plain["provenance"]["model_hash"]) == 12
    assert plain["provenance"]["version"] == vqinsight.__version__
    assert "preview" not in plain["input"]
    assert record.input is not None
    assert record.input.preview[0][:2] == b"\xff\xd8"  # a JPEG


def test_task_follows_from_the_input(nano: VQInsight, tmp_path: Path) -> None:
    image = tmp_path / "still.png"
    Image.new("RGB", (160, 120), (90, 120, 60)).save(image)
    assert nano.score(CAT).task == "natural"
    assert nano.score(CAT, "a cat").task == "generated"
    assert nano.score(CAT, "   ").task == "natural"
    assert nano.score(str(image)).task == "image"
    without_text = nano.score(CAT, task="generated")
    assert [d.key for d in without_text.dimensions] == ["spatial", "temporal"]


def test_a_bad_file_is_listed_and_changes_nothing_else(nano: VQInsight, broken: str) -> None:
    inputs = [(CAT, None), (broken, None), ("nowhere.mp4", None), (BAD_CAT, None)]
    found = list(nano.score_all(inputs))
    assert [record.status for record in found] == ["ok", "unreadable", "unreadable", "ok"]
    assert found[1].error is not None
    assert broken in found[1].error
    assert found[1].scores is None
    assert found[0].replies == nano.score(CAT).replies
    assert found[3].replies == nano.score(BAD_CAT).replies


def test_an_error_in_place_of_a_path_becomes_its_record(nano: VQInsight) -> None:
    """As a bad row of a list gives it."""
    row = UnreadableVideo("row 3 of list.csv", "no path", "Fill it in or remove the row.")
    bad, good = nano.score_all([(row, "a cat"), (CAT, None)])
    assert (bad.path, bad.prompt, bad.status, bad.error) == ("row 3 of list.csv", "a cat", "unreadable", str(row))
    assert good.status == "ok"
    assert nano.rank([CAT, row, BAD_CAT]).standings[-1].error == str(row)


def test_compare_with_a_bad_file(nano: VQInsight, broken: str) -> None:
    record = nano.compare(CAT, broken)
    assert record.status == "unreadable"
    assert record.verdict is None
    assert record.input_a is not None
    assert record.input_b is None
    assert broken in str(record.error)


def test_rank_lists_bad_files_last(nano: VQInsight, broken: str) -> None:
    ranking = nano.rank([broken, CAT, BAD_CAT])
    assert ranking.standings[-1].path == broken
    assert ranking.standings[-1].rank is None
    assert ranking.clips_encoded == 2
    assert len(ranking.comparisons) == 1
    json.dumps(ranking.as_dict())


def test_rank_needs_two_different_clips(nano: VQInsight) -> None:
    with pytest.raises(UsageError, match="at least two different clips"):
        nano.rank([CAT])
    with pytest.raises(UsageError, match="at least two different clips"):
        nano.rank([CAT, CAT])


def test_samples_give_median_and_spread(nano: VQInsight) -> None:
    record = nano.score(CAT, samples=5, seed=3)
    assert len(record.replies) == 5
    values = [reply.value["quality"] for reply in record.replies if isinstance(reply.value, dict)]
    assert record.scores is not None
    assert record.scores["quality"] == statistics.median(values)
    assert record.spread is not None
    assert record.provenance.temperature == 1.0
    assert nano.score(CAT, samples=5, seed=3).replies == record.replies


def test_settings_reach_the_sampling() -> None:
    judge = vqinsight.load("nano", device="cpu", frames=4, max_pixels=56 * 84)
    looked = judge.score(CAT).input
    assert looked is not None
    assert len(looked.indices) == 4
    assert looked.size[0] * looked.size[1] <= 56 * 84
    by_rate = vqinsight.load("nano", device="cpu", fps=3.0).score(CAT).input
    assert by_rate is not None
    assert len(by_rate.indices) == 6  # two seconds at three a second
    with pytest.raises(UsageError, match="fps"):
        vqinsight.load("nano", fps=0)


PROVENANCE = Provenance("m", "0" * 12, "qwen2_5_vl", "brief", 3, 1.0, 0, "float32", "cpu", "0")


def _reply(value: dict[str, float] | None, reasoning: str = "") -> Reply:
    return Reply("", reasoning, value, None if value else "cut off")


def test_median_spread_and_overall_by_hand(nano: VQInsight) -> None:
    """Samples 20, 60 and 70 and one missing: median 60; percentiles 10 and 90 are 28 and 68, half their distance 20."""
    question = Question("natural", (Clip("c"),))
    looked = nano.score(CAT).input
    assert looked is not None
    replies = (_reply({"quality": 20.0}), _reply({"quality": 70.0}), _reply({"quality": 60.0}, "near"), _reply(None))
    record = aggregate.scored(question, BRIEF.dimensions(question), replies, looked, PROVENANCE)
    assert record.scores == {"quality": 60.0}
    assert record.spread == {"quality": pytest.approx(20.0)}
    assert record.overall == 60.0
    assert record.reasoning == "near"
    empty = aggregate.scored(question, BRIEF.dimensions(question), (_reply(None),), looked, PROVENANCE)
    assert empty.status == "missing"
    assert empty.scores is None
    assert "cut off" in str(empty.error)


def test_overall_brings_scales_to_a_hundred(nano: VQInsight) -> None:
    """A rating of 4 on 1–5 is 75 of 100."""
    from vqinsight.tasks.prompt_sets.released import RELEASED

    question = Question("image", (Clip("c"),))
    looked = nano.score(CAT).input
    assert looked is not None
    record = aggregate.scored(question, RELEASED.dimensions(question), (_reply({"quality": 4.0}),), looked, PROVENANCE)
    assert record.overall == 75.0


def test_yes_no_majority_by_hand(nano: VQInsight) -> None:
    footage = nano.assessor.clips.load(CAT)

    def verdict(*values: bool | None) -> aggregate.ClipVerdict:
        replies = tuple(
            replace(_reply(None), value=value, missing=None if value is not None else "?") for value in values
        )
        return aggregate.verdict(CAT, None, "?", footage, replies, PROVENANCE)

    assert verdict(True, True, False).yes is True
    assert verdict(True, True, False).share_yes == pytest.approx(2 / 3)
    assert verdict(None, False).yes is False
    assert verdict(True, False).status == "missing"
    assert verdict(None).yes is None
