"""A critique becomes a plan, a plan becomes clips, and only a preferred one takes the old one's place."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from helpers import encode
from helpers.toy_generator import ToyGenerator

from vqinsight.assessor.assessor import Assessor
from vqinsight.errors import UsageError
from vqinsight.generator.candidates import diversity, make_candidates, unusable
from vqinsight.generator.repair import Critique, Plan, faults, plan_for, prefers, repair
from vqinsight.inference.api import VQInsight
from vqinsight.video.read import iter_frames, probe
from vqinsight.video.write import write_video


@pytest.fixture(scope="module")
def assessor(nano: VQInsight) -> Assessor:
    return nano.assessor


@pytest.fixture(scope="module")
def noisy(tmp_path_factory: pytest.TempPathFactory) -> str:
    file = tmp_path_factory.mktemp("clips") / "noisy.mp4"
    write_video(file, ToyGenerator().decode(torch.tensor([[0.4, 0.0, 0.0, 0.0]]))[0].numpy(), 12.0)
    return str(file)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("There is strong blur. The motion is smooth.", {"spatial"}),
        ("The picture is clean. There is no blur. It suffers from mild jitter.", {"temporal"}),
        ("A clip free of noise, without any flicker, no blockiness.", set()),
        ("Three circles instead of two; slight ghosting.", {"alignment", "temporal"}),
        ("", set()),
    ],
)
def test_complaints_are_read_and_denials_are_none(text: str, found: set[str]) -> None:
    assert set(faults(text, {})) == found
    assert all(gravity == 0.5 for gravity in faults(text, {}).values())  # named, but nobody said how much


def test_scores_tell_how_grave_a_fault_is() -> None:
    found = faults("Some blur.", {"spatial": 0.95, "temporal": 0.4, "alignment": 0.9})
    assert found == {"spatial": pytest.approx(0.1), "temporal": pytest.approx(0.6)}


def test_plans() -> None:
    def plan(**given: float) -> Plan | None:
        return plan_for(Critique("", None, given), "a red circle")

    assert plan() is None
    assert plan(spatial=1.0, temporal=0.2) == Plan("a red circle, clean and smooth", 0.8)
    assert plan(temporal=0.2) == Plan("a red circle, clean and smooth", 0.4)  # 0.3 + 0.5 * 0.2
    assert plan(alignment=0.5) == Plan("a red circle", None)  # anew
    assert plan(alignment=0.5, spatial=0.5) == Plan("a red circle, clean and smooth", None)


def test_a_clip_is_replaced_only_by_a_preferred_one(assessor: Assessor, noisy: str, tmp_path: Path) -> None:
    for blind in (False, True):
        folder = tmp_path / str(blind)
        done = repair(ToyGenerator(), assessor, noisy, "two circles", folder, attempts=3, blind=blind)
        assert (done.critique is None) == blind and done.plan is not None
        assert [attempt.accepted for attempt in done.attempts[:-1]] == [False] * (len(done.attempts) - 1)
        for attempt in done.attempts:
            assert attempt.file is not None and attempt.file.is_file()
            assert prefers(assessor, str(attempt.file), noisy, "two circles") == attempt.accepted
        assert done.accepted == (done.attempts[-1].file if done.attempts[-1].accepted else None)
    assert done.plan == Plan("two circles", None)


def test_proposals_that_are_no_clips_are_named_and_not_judged(assessor: Assessor, noisy: str, tmp_path: Path) -> None:
    generator = ToyGenerator()
    with torch.no_grad():
        generator.denoiser.say.bias.fill_(torch.nan)
    seen = assessor.tower.clips_encoded
    done = repair(generator, assessor, noisy, "two circles", tmp_path, attempts=2, blind=True)
    assert [attempt.problem for attempt in done.attempts] == ["not a number"] * 2 and done.accepted is None
    assert assessor.tower.clips_encoded == seen and not list(tmp_path.iterdir())
    made = make_candidates(generator, ["a", "b"], 2, tmp_path / "clips")
    assert [group.paths for group in made] == [(), ()]
    assert "not a number" in (tmp_path / "clips" / "candidates.jsonl").read_text()


def test_a_clip_of_another_size_cannot_be_made_from_itself(assessor: Assessor, tmp_path: Path) -> None:
    other = str(encode.video(tmp_path / "other.mp4", 8))
    plan = Plan("x", 0.5)
    from vqinsight.generator.repair import remake

    with pytest.raises(UsageError, match="8 frames of 64×48"):
        remake(ToyGenerator(), other, plan, 0)
    assert remake(ToyGenerator(), other, Plan("x", None), 0)[1] is None


def test_what_is_no_clip() -> None:
    frames = torch.full((2, 4, 4, 3), 200, dtype=torch.uint8).numpy()
    assert unusable(frames, torch.zeros(3)) is None
    assert unusable(frames // 20, torch.zeros(3)) == "black"
    assert unusable(frames, torch.tensor([1.0, torch.inf])) == "not a number"
    # Three clips: two equal, one 30 grey levels off: distances 0, 30, 30.
    assert diversity([frames, frames, frames - 30]) == pytest.approx(20)
    assert diversity([frames]) is None


def test_written_clips_come_back(tmp_path: Path) -> None:
    frames = ToyGenerator().decode(torch.tensor([[-1.0, 0.5, 0.0, 0.5]]))[0].numpy()
    for name in ("a.mp4", "b.mp4"):
        write_video(tmp_path / name, frames, 8.0)
    assert (tmp_path / "a.mp4").read_bytes() == (tmp_path / "b.mp4").read_bytes()
    info = probe(tmp_path / "a.mp4")
    read = torch.stack([torch.from_numpy(frame) for _, frame in iter_frames(info, range(info.frames))])
    assert info.fps == 8 and read.shape == frames.shape
    assert (read.float() - torch.from_numpy(frames).float()).abs().mean() < 3
    with pytest.raises(ValueError, match="even"):
        write_video(tmp_path / "odd.mp4", frames[:, :-1], 8.0)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.mp4", "b.mp4"]
