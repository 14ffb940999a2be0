"""Tables from votes, read by what reads them; and what is left out is counted."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner
from web.arena.test_schedule import said

from vqinsight.calibration.ratings import read_ratings
from vqinsight.cli.main import app
from vqinsight.datasets import table
from vqinsight.tasks.types import Preference
from vqinsight.web.arena.raters import add_rater
from vqinsight.web.arena.votes import Pair, Said

if TYPE_CHECKING:
    from vqinsight.tasks.types import Choice
    from vqinsight.web.arena.pages import Arena

VOTES: dict[str, tuple[Choice | Said, ...]] = {
    "0 1": ("A", "A", "B"), "0 2": ("A", "tie"), "1 2": ("both_bad", "skip"),
}  # of the cat's clips by number, as "first second"  # fmt: skip


def vote_all(arena: Arena) -> None:
    """The votes of ``VOTES``, and one on the dogs."""
    for name in ("Ada", "Bo", "Cy"):
        add_rater(arena.store, name)
    ids = {(clip.prompt, Path(clip.path).stem): key for key, clip in arena.clips.items()}
    for names, choices in {**VOTES, "dog": ("A",)}.items():
        prompt, (x, y) = ("a dog", ("0", "1")) if names == "dog" else ("a cat", names.split())
        pair = Pair.of(ids[prompt, x], ids[prompt, y])
        flip = {"A": "B", "B": "A"} if pair.a != ids[prompt, x] else {}
        for rater, choice in enumerate(choices, 1):
            arena.store.record(said(pair, flip.get(choice, choice), rater, swapped=bool(rater % 2)))  # type: ignore[arg-type]


def test_the_tables_are_read_back(arena: Arena, tmp_path: Path) -> None:
    vote_all(arena)
    done = CliRunner().invoke(app, ["arena", "export", str(arena.store.path), "--out", str(tmp_path / "votes")])
    assert done.exit_code == 0, done.output
    for line in ("2 pairs with the label", "1 ties, 1 pairs that nobody decided, 0 pairs without files",
                 "1 both bad, 1 skipped; they stay", "5 clips with their strength"):  # fmt: skip
        assert line in done.stdout
    read = table.load(tmp_path / "votes" / "pairs.csv")
    assert not read.left_out and not read.missing and len(read.examples) == 2
    for example in read.examples:
        better, worse = example.question.clips if example.answer == Preference("A") else example.question.clips[::-1]
        assert (Path(better.path).stem, Path(worse.path).stem) == ("0", "1") and better.prompt == example.group
    with (tmp_path / "votes" / "ratings.csv").open(encoding="utf-8") as file:
        rows = {(row["prompt"], Path(row["path"]).stem): row for row in csv.DictReader(file)}
    ratings = {key: float(row["rating"]) for key, row in rows.items()}
    assert ratings["a cat", "0"] > ratings["a cat", "1"] > ratings["a cat", "2"]
    assert rows["a cat", "0"]["votes"] == "5" and ratings["a dog", "0"] == -ratings["a dog", "1"] > 0
    rated = read_ratings(tmp_path / "votes" / "ratings.csv")
    assert not rated.left_out and {(clip.prompt, Path(clip.path).stem): clip.rating for clip in rated.clips} == ratings
    assert all(Path(clip.path).is_file() for clip in rated.clips)


def test_a_clip_that_is_gone_is_named(arena: Arena, tmp_path: Path) -> None:
    vote_all(arena)
    moved = tmp_path / "moved.db"
    gone = next(clip.path for clip in arena.clips.values() if clip.prompt == "a dog")
    with arena.store.transaction() as db:
        db.execute("UPDATE clips SET path = path || '.gone' WHERE path = ?", (gone,))
    done = CliRunner().invoke(app, ["arena", "export", str(arena.store.path), "--out", str(moved)])
    assert "1 pairs without files" in done.stdout and f"There is no {gone}.gone" in done.stderr
    assert [Path(each.question.clips[0].path).parent.name for each in table.load(moved / "pairs.csv").examples] == [
        "a_cat"
    ]


def test_agreement_with_verdicts(arena: Arena, tmp_path: Path) -> None:
    """The assessor says 0 beats 1 of the cats, and of the dogs the other; a ranking holds the same as comparisons."""
    vote_all(arena)
    path = {(clip.prompt, Path(clip.path).stem): clip.path for clip in arena.clips.values()}
    rows = [
        {"a": path["a cat", "1"], "b": path["a cat", "0"], "prompt": "a cat", "verdict": "B"},
        {"a": path["a dog", "0"], "b": path["a dog", "1"], "prompt": "a dog", "verdict": "B"},
        {"a": path["a dog", "0"], "b": path["a dog", "1"], "prompt": "another", "verdict": "A"},
    ]
    compared, ranked = tmp_path / "compare.jsonl", tmp_path / "rank.jsonl"
    compared.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    ranked.write_text(json.dumps({"comparisons": rows}) + "\n", encoding="utf-8")
    for file in (compared, ranked):
        arguments = ["arena", "agreement", str(arena.store.path), "--verdicts", str(file), "--json"]
        found = json.loads(CliRunner().invoke(app, arguments).stdout)
        assert found["assessor"] == {"agrees": 1, "differs": 1, "ties": 0, "missing": 0, "share": 0.5}
        assert (found["raters"]["pairs"], found["raters"]["votes"]) == (2, 5)
    text = CliRunner().invoke(app, ["arena", "agreement", str(arena.store.path), "--verdicts", str(compared)]).stdout
    assert "50.0% (1 of 2 pairs that both decide)" in text and "Krippendorff's alpha -0.125" in text
    compared.write_text(json.dumps(rows[2]) + "\n", encoding="utf-8")
    wrong = CliRunner().invoke(app, ["arena", "agreement", str(arena.store.path), "--verdicts", str(compared)])
    assert wrong.exit_code == 2 and "no verdict on a pair" in wrong.stderr


def test_what_a_user_can_do_wrong(tmp_path: Path, candidates: Path) -> None:
    votes, run = str(tmp_path / "votes.db"), CliRunner()
    for arguments, reason in (
        (["export", votes, "--out", str(tmp_path)], "no such file of votes"),
        (["serve", votes, str(candidates / "a_cat" / "0.mp4")], "no pair to vote on"),
        (["serve", votes, str(candidates), "--host", "0.0.0.0"], "Give a key"),
    ):
        done = run.invoke(app, ["arena", *arguments])
        assert done.exit_code == 2 and reason in done.stderr, done.output
    link = run.invoke(app, ["arena", "raters", "add", votes, "Ada", "--address", "https://arena.example/"]).stdout
    assert link.startswith("https://arena.example/arena#token=")
    assert "Ada: 0 pairs" in run.invoke(app, ["arena", "raters", "list", votes]).stdout
    assert run.invoke(app, ["arena", "raters", "revoke", votes, "Ada"]).exit_code == 0
    assert "revoked" in run.invoke(app, ["arena", "raters", "list", votes]).stdout
    empty = run.invoke(app, ["arena", "export", votes, "--out", str(tmp_path)])
    assert empty.exit_code == 2 and "no votes yet" in empty.stderr


@pytest.mark.slow
def test_votes_train(arena: Arena, tmp_path: Path) -> None:
    """The documented command, in miniature."""
    from helpers import process

    vote_all(arena)
    CliRunner().invoke(app, ["arena", "export", str(arena.store.path), "--out", str(tmp_path / "votes")])
    changes = [
        'data.2={dataset="table",dir="votes/pairs.csv",weight=4}', "model.name=nano", "out=run", "updates=2",
        "questions_per_update=2", "grpo.group_size=2", "grpo.max_new_tokens=12", "grpo.updates_per_rollout=1",
        "answers_per_forward=4", 'data.0.weight=0.001', 'data.1.weight=0.001', 'data.3.weight=0.001',
    ]  # fmt: skip
    arguments = [part for change in changes for part in ("--set", change)]
    done = process.run("train", "nano/stage2", *arguments, folder=tmp_path)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    assert (tmp_path / "run" / "final").is_dir()
    asked = (tmp_path / "run" / "samples.md").read_text(encoding="utf-8")
    assert "a_cat" in asked or "a_dog" in asked
