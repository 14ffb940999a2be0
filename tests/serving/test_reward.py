"""``vqinsight.reward``: numbers or reasons; win rates equal those of an offline ranking."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import av
import numpy as np
import pytest
import torch

import vqinsight
from vqinsight.errors import UsageError
from vqinsight.inference.api import VQInsight
from vqinsight.serving.rewards import win_rates
from vqinsight.tasks.types import Missing, Preference
from vqinsight.video.arrays import frames_array

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
CIRCLES, SQUARES, CAT = (str(EXAMPLES / f"{name}.mp4") for name in ("circles", "squares_blurred", "cat"))
TEXT = "two red circles moving left"
A, B, TIE = Preference("A"), Preference("B"), Preference("tie")


def frames_of(path: str) -> np.ndarray:
    with av.open(path) as video:
        return np.stack([frame.to_ndarray(format="rgb24") for frame in video.decode(video=0)])


def test_numbers_are_those_of_score(nano: VQInsight) -> None:
    by_prompt, natural = vqinsight.reward([CIRCLES, CAT], [TEXT, None], model=nano)
    score = nano.score(CIRCLES, TEXT)
    assert score.scores is not None
    assert by_prompt == {**score.scores, "overall": score.overall}
    assert isinstance(natural, dict) and set(natural) == {"quality", "overall"}
    assert vqinsight.reward([CIRCLES], TEXT, dimensions=["temporal"], model=nano) == [
        {"temporal": score.scores["temporal"]}
    ]


def test_paths_bytes_and_frames_are_rewarded_alike(nano: VQInsight) -> None:
    """Frames at the file's own rate, in both layouts, as array and as tensor."""
    frames = frames_of(CIRCLES)
    tensor = torch.from_numpy(np.ascontiguousarray(np.moveaxis(frames, 3, 1)))
    given = [CIRCLES, Path(CIRCLES).read_bytes(), frames, tensor]
    found = vqinsight.reward(given, TEXT, model=nano, fps=24)
    assert isinstance(found[0], dict) and all(each == found[0] for each in found)


def test_win_rates_equal_an_offline_ranking(nano: VQInsight) -> None:
    clips = [CIRCLES, SQUARES, CAT]
    before = nano.assessor.tower.clips_encoded
    found = vqinsight.reward(clips, TEXT, dimensions=["win_rate", "overall"], model=nano)
    assert nano.assessor.tower.clips_encoded - before == 3
    ranking = nano.rank(clips, TEXT)
    answered = {clip: sum(c.verdict is not None and clip in (c.a, c.b) for c in ranking.comparisons) for clip in clips}
    wins = {standing.path: standing.wins for standing in ranking.standings}
    assert len(set(wins.values())) > 1, "nano tells these clips apart"
    for clip, numbers in zip(clips, found, strict=True):
        won = wins[clip]
        assert isinstance(numbers, dict) and won is not None
        assert numbers["win_rate"] == won / answered[clip]
        assert numbers["overall"] == nano.score(clip, TEXT).overall


def test_win_rates_by_hand() -> None:
    assert win_rates(3, [(0, 1, A), (0, 2, TIE), (1, 2, B)]) == [0.75, 0.0, 0.75]
    # Without an answer to (1, 2) that pair leaves both denominators.
    assert win_rates(3, [(0, 1, A), (0, 2, A), (1, 2, None)]) == [1.0, 0.0, 0.0]
    assert win_rates(1, []) == [Missing("a group of one clip has no pairs")]
    short = win_rates(4, [(0, 1, A), (0, 2, A), (0, 3, None), (1, 2, None), (1, 3, None), (2, 3, None)])
    assert short[0] == 1.0 and all(isinstance(rate, Missing) for rate in short[1:])
    assert "only 1 of its 3 pairs" in short[1].reason


def test_a_failure_is_a_reason_and_no_number(nano: VQInsight, tmp_path: Path) -> None:
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"not a video at all")
    names = ["overall", "win_rate"]
    bad, good, other = vqinsight.reward([str(broken), CIRCLES, SQUARES], TEXT, dimensions=names, model=nano)
    assert isinstance(bad, Missing) and str(broken) in bad.reason
    assert isinstance(good, dict) and isinstance(other, dict), "one of two pairs is half of them"
    held, alone = vqinsight.reward([b"no video", CIRCLES], TEXT, dimensions=["win_rate"], model=nano)
    assert isinstance(held, Missing) and held.reason.startswith("video 1: ") and "/tmp" not in held.reason
    assert isinstance(alone, Missing) and "only 0 of its 1 pairs" in alone.reason
    (without_text,) = vqinsight.reward([CAT], dimensions=["alignment"], model=nano)
    assert isinstance(without_text, Missing) and "alignment needs a prompt" in without_text.reason


def test_groups_are_compared_apart(nano: VQInsight) -> None:
    pairs = [CIRCLES, CIRCLES, SQUARES, SQUARES]
    apart = vqinsight.reward(pairs, TEXT, dimensions=["win_rate"], groups=[0, 1, 0, 1], model=nano)
    assert apart[:2] == [apart[0]] * 2 and apart[2:] == [apart[2]] * 2
    assert vqinsight.reward(pairs[1:3], TEXT, dimensions=["win_rate"], model=nano) == apart[1:3]
    lonely = vqinsight.reward([CIRCLES, CAT], [TEXT, "a cat"], dimensions=["win_rate"], model=nano)
    assert lonely == [Missing("a group of one clip has no pairs")] * 2
    with pytest.raises(UsageError, match="different prompts"):
        vqinsight.reward([CIRCLES, CAT], [TEXT, "a cat"], dimensions=["win_rate"], groups=[0, 0], model=nano)


def test_wrong_usage_is_said(nano: VQInsight) -> None:
    with pytest.raises(UsageError, match=r"no reward beauty. It has .*overall, win_rate"):
        vqinsight.reward([CAT], dimensions=["beauty"], model=nano)
    with pytest.raises(UsageError, match="1 videos, 2 prompts"):
        vqinsight.reward([CAT], ["a", "b"], model=nano)
    with pytest.raises(UsageError, match="into brackets"):
        vqinsight.reward(CAT, model=nano)
    with pytest.raises(UsageError, match="Give uint8"):
        vqinsight.reward([np.zeros((2, 64, 64, 3), np.float32)], model=nano)
    for shape in ((2, 64, 64), (2, 64, 64, 4), (2, 3, 64, 3), (0, 64, 64, 3)):
        with pytest.raises(UsageError, match="neither"):
            frames_array(np.zeros(shape, np.uint8))


def test_a_missing_dimension_is_an_error_of_its_own(nano: VQInsight, encode: ModuleType, tmp_path: Path) -> None:
    """Each reward is a number or a reason; ``overall`` needs every dimension, or it would be another one."""
    one = str(encode.beginning(tmp_path / "one.mp4", CIRCLES, 1))
    (found,) = vqinsight.reward([one], TEXT, model=nano)
    assert isinstance(found, dict)
    assert {name: type(value) for name, value in found.items()} == {
        "spatial": float,
        "temporal": Missing,
        "alignment": float,
        "overall": Missing,
    }
    assert found["temporal"] == Missing(f"{one}: temporal: one frame cannot show motion")
    assert isinstance(found["overall"], Missing) and found["overall"].reason.endswith("; overall needs it")
    (alone,) = vqinsight.reward([one], TEXT, dimensions=["temporal"], model=nano)
    assert alone == found["temporal"]
    with pytest.raises(UsageError, match="tokens, the model takes 4096"):
        vqinsight.reward([CIRCLES], "a cat, " * 3000, model=nano)


def test_one_frame_is_an_image(nano: VQInsight, encode: ModuleType) -> None:
    frame = np.stack([encode.numbered(5, 96, 72)])
    (found,) = vqinsight.reward([frame], dimensions=["temporal"], model=nano)
    assert isinstance(found, Missing) and "task image" in found.reason
