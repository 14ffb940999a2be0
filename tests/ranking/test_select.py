"""N clips of one prompt become a pair, or a counted reason; real clips, the embedded model."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from helpers import encode

from vqinsight.assessor.assessor import Assessor
from vqinsight.errors import UsageError
from vqinsight.inference.api import VQInsight
from vqinsight.ranking import select as choosing
from vqinsight.ranking.by_score import best_and_worst_score, comparable_scores
from vqinsight.ranking.candidate_folders import Candidates
from vqinsight.ranking.judge import Judgement
from vqinsight.ranking.pairs_file import agreement, judge_all, read_pairs, write_table, write_videodpo
from vqinsight.ranking.select import choose, winner_and_loser
from vqinsight.ranking.tally import all_pairs
from vqinsight.synthetic.generate import draw_siblings
from vqinsight.tasks.types import Missing, Preference

TEXT = "yellow squares move up, three of them"  # of the clips below
A, B, TIE = Preference("A"), Preference("B"), Preference("tie")


@pytest.fixture(scope="module")
def assessor(nano: VQInsight) -> Assessor:
    return nano.assessor


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """A clip of the synthetic set without a defect, and with ever more noise, as strong as lessons have it."""
    folder = tmp_path_factory.mktemp("clips")
    clip = draw_siblings(0, 1, "held_out", prompt=True)[0]  # held-out clips stay as they are, whatever is trained on
    assert clip.prompt == TEXT
    assert clip.truth.spatial is None and clip.truth.temporal is None  # so that the noise alone decides
    frames = clip.frames(np.arange(24))
    noise = np.random.default_rng(0).normal(0, 1, frames.shape)
    made = []
    for number, strength in enumerate((0, 6, 14, 46)):
        noisy = np.clip(frames + strength * noise, 0, 255).astype(np.uint8)
        size = (frames.shape[2], frames.shape[1])
        made.append(encode.video(folder / f"{number}.mp4", noisy, size=size, options={"crf": "16"}))
    return made


def test_shared_places_are_settled_among_those_who_share_them():
    # Wins: clip 0 2, clip 1 2, clip 2 1, clip 3 1. Clip 1 beat 0, so it is first; 3 lost to 2, so it is last.
    outcomes = [(0, 1, B), (0, 2, A), (0, 3, A), (1, 2, A), (1, 3, B), (2, 3, A)]
    assert winner_and_loser(4, outcomes) == (1, 3)


def test_no_clip_is_better_in_a_circle_or_among_ties():
    assert winner_and_loser(3, [(0, 1, A), (1, 2, A), (0, 2, B)]) is None
    assert winner_and_loser(3, [(i, j, TIE) for i, j in all_pairs(3)]) is None
    assert winner_and_loser(2, [(0, 1, None)]) is None


def test_reasons() -> None:
    def judged(*verdicts: Preference | None) -> list[Judgement]:
        return [Judgement(verdict, None, (), ()) for verdict in verdicts]

    assert choosing._reason(judged(TIE, TIE, None), None) == "all ties"
    assert choosing._reason(judged(None, None), None) == "no usable answers"
    assert choosing._reason(judged(A, A, B), None) == "a cycle"
    assert choosing._reason(judged(A, A, B), (2, 2)) == "a cycle"  # of a tournament
    assert choosing._reason(judged(A, TIE, None), (0, 1)) is None


def test_the_noisier_clip_loses(assessor: Assessor, clips: list[Path], tmp_path: Path) -> None:
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(clips[0].read_bytes()[:300])
    paths = tuple(map(str, [clips[3], broken, *clips[:3]]))
    before = assessor.tower.clips_encoded
    found = choose(assessor, Candidates("p", TEXT, paths))
    assert assessor.tower.clips_encoded == before + 4  # each readable clip once
    assert found.win in (paths[2], paths[3]) and found.lose == paths[0]
    assert found.judged == 6 and list(found.unreadable) == [str(broken)] and found.wins[1] is None
    assert sum(wins for wins in found.wins if wins is not None) == found.judged - found.missing
    few = choose(assessor, Candidates("p", TEXT, (str(broken), str(clips[0]))))
    assert few.reason == "fewer than two readable candidates" and few.win is few.lose is None


def test_scores_instead_of_pairs(assessor: Assessor, clips: list[Path], tmp_path: Path) -> None:
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(clips[0].read_bytes()[:300])
    group = Candidates("p", TEXT, tuple(map(str, [clips[3], broken, *clips[:3]])))
    before = assessor.tower.clips_encoded
    found = choose(assessor, group, mode="scores", samples=4, temperature=1.0)
    assert assessor.tower.clips_encoded == before + 4 and found.judged == 0 and found.wins == ()
    known = [score for score in found.scores if score is not None]
    assert len(known) == 4 - found.missing and found.scores[1] is None
    assert found.win == group.paths[found.scores.index(max(known))]
    assert found.lose == group.paths[found.scores.index(min(known))]
    assert choose(assessor, group, mode="scores", samples=4, temperature=1.0) == found
    alone = VQInsight(assessor).score(str(clips[3]), prompt=TEXT)  # one sample: the overall that a record has
    assert choose(assessor, group, mode="scores").scores[0] == pytest.approx(alone.overall)
    same = choose(assessor, Candidates("p", TEXT, (str(clips[0]),) * 2), mode="scores")
    assert same.reason == "all ties" and same.win is same.lose is None


def test_the_highest_and_the_lowest_score() -> None:
    assert best_and_worst_score([None, 3.0, 7.0, None, 7.0, 3.0]) == (2, 1)
    assert best_and_worst_score([5.0, None, 5.0]) is best_and_worst_score([5.0]) is best_and_worst_score([]) is None


def test_scores_of_different_dimensions_do_not_compare() -> None:
    """The set that most clips have is ranked; the others are left out with the reason, whatever their numbers."""
    whole, part = {"spatial": 60.0, "temporal": 40.0}, {"spatial": 99.0}
    found = comparable_scores([[whole], [part], [], [part, whole], [part]])
    assert found[0] == 50.0 and found[3] == (79.5 + 40.0) / 2, "over its samples spatial is 79.5 and temporal 40"
    assert [getattr(score, "reason", None) for score in found[1:3]] == [
        "scored on spatial, and most candidates on spatial, temporal",
        "no usable answer",
    ]
    assert isinstance(found[4], Missing)
    assert comparable_scores([[], []]) == [Missing("no usable answer")] * 2


def test_a_prompt_that_is_too_long_has_no_pair(assessor: Assessor, clips: list[Path]) -> None:
    before = assessor.tower.clips_encoded
    found = choose(assessor, Candidates("p", "a cat, " * 3000, tuple(map(str, clips))))
    assert found.win is None and found.reason is not None and "tokens, the model takes 4096" in found.reason
    assert assessor.tower.clips_encoded == before


@pytest.mark.full
def test_a_tournament_says_how_far_it_agrees(assessor: Assessor, clips: list[Path], tmp_path: Path) -> None:
    group = Candidates("p", TEXT, tuple(map(str, clips)))
    file = tmp_path / "pairs.jsonl"
    judge_all(assessor, [group, Candidates("q", *list(vars(group).values())[1:])], file, mode="tournament", check=1)
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    assert rows[0]["judged"] == 4 and rows[0]["full"] and not rows[1]["full"]
    said = agreement(file)
    assert said is not None and "1 prompts" in said
    alone = choose(assessor, group)
    assert (Path(rows[0]["full"]["lose"]).name, Path(rows[0]["full"]["win"]).name) == (
        Path(str(alone.lose)).name,
        Path(str(alone.win)).name,
    )


@pytest.mark.full
def test_a_pairs_file_goes_on_and_is_not_mixed(assessor: Assessor, clips: list[Path], tmp_path: Path) -> None:
    paths = tuple(map(str, clips[::3]))
    groups = [Candidates(name, f"two {name} squares moving left", paths) for name in ("red", "blue", "cyan")]
    straight = judge_all(assessor, groups, tmp_path / "straight.jsonl")
    file = tmp_path / "pairs.jsonl"
    judge_all(assessor, groups[:2], file)
    with file.open("a") as open_file:
        open_file.write('{"id": "cyan", "prompt": "cut o')  # killed while it wrote
    seen = assessor.tower.clips_encoded
    again = judge_all(assessor, groups, file)
    assert assessor.tower.clips_encoded == seen + 2  # the last prompt only
    assert again == straight and len(again.pairs) == 3
    assert file.read_bytes() == (tmp_path / "straight.jsonl").read_bytes()
    with pytest.raises(UsageError, match="seed"):
        judge_all(assessor, groups, file, seed=1)
    with pytest.raises(UsageError, match="other clips for blue"):
        judge_all(assessor, [groups[0], Candidates("blue", groups[1].prompt, paths[::-1])], file)
    foreign = tmp_path / "mine.jsonl"
    foreign.write_text("{}\n")
    with pytest.raises(UsageError, match="not made by this run"):
        judge_all(assessor, groups, foreign)
    assert foreign.read_text() == "{}\n"


@pytest.mark.parametrize(
    ("judged", "wanted"),
    [
        ({"scores": [5.0, 1.0, None, 9.0, 3.0, 3.0]}, ["db", "af"]),
        ({"scores": [4.0, 1.0, 4.0, 9.0, 4.0, 4.0]}, ["db"]),  # inside none is better than another
        ({"wins": [3.0, 0.0, 2.0, 5.0, 4.0, 1.0], "judged": 15}, ["db", "ef", "ac"]),
        ({"wins": [3.0, 0.0, 2.0, 5.0, 4.0, 1.0], "judged": 8}, ["db"]),  # a tournament's
        ({}, ["db"]),  # a file of one's own
        ({"scores": [5.0, 1.0, 9.0]}, ["db"]),  # not of these clips
    ],
)
def test_a_prompt_may_give_pairs_further_in(judged: dict[str, object], wanted: list[str], tmp_path: Path) -> None:
    for name in "abcdef":
        (tmp_path / name).touch()
    row = {"id": "7", "prompt": "p", "candidates": list("abcdef"), "win": "d", "lose": "b"} | judged
    (tmp_path / "pairs.jsonl").write_text(json.dumps(row) + "\n")
    for per_prompt in (1, 2, 5):
        found = read_pairs(tmp_path / "pairs.jsonl", per_prompt=per_prompt).pairs
        assert [Path(pair.win).name + Path(pair.lose).name for pair in found] == wanted[:per_prompt]
        assert [pair.id for pair in found] == ["7", "7/2", "7/3"][: len(found)]


def test_reading_pairs_counts_what_it_leaves_out(clips: list[Path], tmp_path: Path) -> None:
    file = tmp_path / "pairs.jsonl"
    rows = [
        {"prompt": "x", "win": str(clips[0]), "lose": str(clips[1])},
        {"prompt": "x", "win": str(clips[0]), "lose": "gone.mp4"},
        {"prompt": "y", "win": None, "lose": None, "reason": "all ties"},
        {"prompt": "", "win": str(clips[0]), "lose": str(clips[1])},
    ]
    file.write_text("\n".join(map(json.dumps, rows)) + "\nnot json\n")
    found = read_pairs(file)
    assert len(found.pairs) == 1 and sum(found.left_out.values()) == 4
    assert found.missing == (str(tmp_path / "gone.mp4"),)
    assert found.left_out["all ties"] == found.left_out["with a clip that is not on the disk"] == 1
    assert "1 all ties" in found.summary()


def test_what_others_read(clips: list[Path], tmp_path: Path) -> None:
    from vqinsight.datasets import table

    file = tmp_path / "pairs.jsonl"
    file.write_text(json.dumps({"id": "p", "prompt": "x", "win": str(clips[0]), "lose": str(clips[1])}) + "\n")
    pairs = read_pairs(file).pairs
    write_table(tmp_path / "table.jsonl", pairs)
    (example,) = table.load(tmp_path / "table.jsonl").examples
    better, worse = example.question.clips
    assert example.answer == A and Path(better.path).samefile(clips[0]) and Path(worse.path).samefile(clips[1])
    folder = tmp_path / "dpo"
    write_videodpo(folder, pairs)
    listed = json.loads((folder / "metadata.json").read_text())
    (pair,) = json.loads((folder / "pair.json").read_text())
    won = listed[pair["video1"]]
    assert (folder / won["basic"]["clip_path"]).samefile(clips[0]) and won["basic"]["clip_duration"] == 1.0
    assert won["misc"]["frame_caption"] == ["x"] == [pair["frame_caption"]] and pair["label"] == 0
    with pytest.raises(UsageError, match="there already"):
        write_videodpo(folder, pairs)
