"""The file of votes: what is acknowledged is stored once, whatever clients do."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest

from vqinsight.errors import UsageError, VQInsightError
from vqinsight.web.arena import votes as votes_module
from vqinsight.web.arena.raters import add_rater, begin_session, rater_of, raters, revoke_rater
from vqinsight.web.arena.votes import ArenaClip, Pair, Said, Vote, VoteConflict, VoteStore, open_votes

CLIPS = [ArenaClip(name, f"/clips/{name}.mp4", "a cat", "1 byte") for name in ("c1", "c2", "c3")]
PAIRS = [Pair.of("c1", "c2"), Pair.of("c1", "c3"), Pair.of("c2", "c3")]


def a_vote(pair: Pair = PAIRS[0], said: Said = "left", follows: str = "", rater: int = 1, clicked: int = 0) -> Vote:
    return Vote(str(uuid4()), rater, pair.id, said, False, follows, clicked)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[VoteStore]:
    with open_votes(tmp_path / "votes.db", make=True) as it:
        it.add(CLIPS, PAIRS)
        for name in ("Ada", "Bo"):
            add_rater(it, name)
        yield it


def test_a_vote_sent_again_is_stored_once(store: VoteStore) -> None:
    """A double click, a reload in the middle, and a connection that broke before the answer all send it again."""
    vote = a_vote()
    assert store.record(vote) == store.record(vote) == 1
    assert store.revisions() == [vote]


def test_the_same_id_with_another_content_is_an_error(store: VoteStore) -> None:
    """Two keys pressed at once on one pair: the first counts."""
    vote = a_vote()
    store.record(vote)
    for other in (replace(vote, said="right"), replace(vote, rater=2), replace(vote, swapped=True)):
        with pytest.raises(VoteConflict, match="another content"):
            store.record(other)
    assert store.revisions() == [vote]


def test_two_tabs_on_one_pair(store: VoteStore) -> None:
    """The tab that is later is told so: its vote does not replace the other."""
    first, second = a_vote(said="left"), a_vote(said="right")
    store.record(first)
    with pytest.raises(VoteConflict, match="came first"):
        store.record(second)
    assert store.present() == [first]


def test_an_undo_is_a_revision(store: VoteStore) -> None:
    first = a_vote()
    undo = a_vote(said="undo", follows=first.id)
    again = a_vote(said="tie", follows=undo.id)
    with pytest.raises(VoteConflict, match="no vote"):
        store.record(a_vote(said="undo"))
    store.record(first)
    store.record(undo)
    assert store.present() == [] and store.latest() == [undo]
    with pytest.raises(VoteConflict, match="no vote"):
        store.record(a_vote(said="undo", follows=undo.id))
    store.record(again)
    assert store.present() == [again] and store.revisions() == [first, undo, again]


def test_a_vote_of_a_closed_laptop_counts_unless_another_came(store: VoteStore) -> None:
    """It arrives an hour later, after votes of others and of the same rater."""
    late = a_vote(clicked=1)
    store.record(a_vote(rater=2, clicked=3_600_000))
    store.record(a_vote(PAIRS[1], clicked=3_600_001))
    store.record(late)
    assert late in store.present() and len(store.present()) == 3
    too_late = a_vote(PAIRS[1], "right", clicked=1)
    with pytest.raises(VoteConflict):
        store.record(too_late)


def test_clocks_decide_nothing(store: VoteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """The server's clock goes back a year between two revisions, the client's by fifty."""
    first = a_vote(clicked=2_000_000_000_000)
    monkeypatch.setattr(votes_module, "now", lambda: "2026-12-01T00:00:00.000+00:00")
    store.record(first)
    undo = a_vote(said="undo", follows=first.id, clicked=1)
    again = a_vote(said="tie", follows=undo.id, clicked=-5)
    monkeypatch.setattr(votes_module, "now", lambda: "2025-12-01T00:00:00.000+00:00")
    store.record(undo)
    store.record(again)
    assert store.present() == [again]


def test_votes_are_never_changed(store: VoteStore) -> None:
    store.record(a_vote())
    for statement in ("UPDATE votes SET said = 'tie'", "DELETE FROM votes"):
        with pytest.raises(sqlite3.IntegrityError, match="never"), store.transaction() as db:
            db.execute(statement)
    assert store.present()[0].said == "left"


def test_a_vote_on_no_pair_is_refused(store: VoteStore) -> None:
    with pytest.raises(VoteConflict, match="no such pair"):
        store.record(a_vote(Pair.of("c1", "c9")))


def test_many_threads_and_two_connections_store_each_vote_once(store: VoteStore) -> None:
    """Each vote is sent by four threads, through two openings of the file as two processes have them."""
    votes = [a_vote(pair, rater=rater) for pair in PAIRS for rater in (1, 2)]
    with open_votes(store.path) as other, ThreadPoolExecutor(8) as threads:
        numbers = list(threads.map(lambda i: (store, other)[i % 2].record(votes[i // 4]), range(4 * len(votes))))
    assert sorted(set(numbers)) == list(range(1, len(votes) + 1)) == sorted(numbers)[::4]
    assert set(store.revisions()) == set(votes)


def test_what_is_recorded_is_on_the_disk(store: VoteStore) -> None:
    """The settings that make a commit outlive a loss of power."""
    assert store.rows("PRAGMA journal_mode") == [("wal",)] and store.rows("PRAGMA synchronous") == [(2,)]


def test_a_full_disk_is_said_and_the_vote_can_be_sent_again(store: VoteStore) -> None:
    vote, pages = a_vote(), store.rows("PRAGMA page_count")[0][0]
    store.rows(f"PRAGMA max_page_count = {pages}")
    stored = 0
    with pytest.raises(VQInsightError, match=r"cannot be written \(.*full"):
        while stored < 10_000:
            store.record(vote := a_vote(PAIRS[stored % 3], "left", _last(store, PAIRS[stored % 3])))
            stored += 1
    assert len(store.revisions()) == stored
    store.rows(f"PRAGMA max_page_count = {10 * pages}")
    assert store.record(vote) == stored + 1


def _last(store: VoteStore, pair: Pair) -> str:
    return next((vote.id for vote in store.latest(1) if vote.pair == pair.id), "")


def test_clips_and_pairs_are_the_same_whatever_their_order(store: VoteStore) -> None:
    assert Pair.of("c2", "c1") == PAIRS[0]
    assert store.add([replace(CLIPS[0], revision="2 bytes"), CLIPS[1]], [Pair.of("c3", "c1")]) == ["/clips/c1.mp4"]
    assert list(store.pairs().values()) == PAIRS and list(store.clips().values()) == CLIPS


@pytest.mark.parametrize(("swapped", "said", "choice"), [
    (False, "left", "A"), (True, "left", "B"), (False, "right", "B"), (True, "right", "A"), (True, "tie", "tie"),
    (False, "both_bad", None), (False, "skip", None), (False, "undo", None),
])  # fmt: skip
def test_a_side_is_a_clip(swapped: bool, said: Said, choice: str | None) -> None:
    assert replace(a_vote(said=said), swapped=swapped).choice == choice


def test_files_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such file of votes"), open_votes(tmp_path / "votes.db"):
        pass
    text, other = tmp_path / "text.db", tmp_path / "other.db"
    text.write_text("not a database, but long enough to be read as the header of one, which SQLite checks\n" * 20)
    with sqlite3.connect(other) as db:
        db.execute("CREATE TABLE things (name TEXT)")
    for place, reason in ((text, "not a database"), (other, "no file of votes of this version"), (tmp_path, "unable")):
        with pytest.raises(UsageError, match=reason), open_votes(place, make=True):
            pass
    with sqlite3.connect(other) as db:
        assert db.execute("SELECT name FROM sqlite_schema").fetchall() == [("things",)]


def test_eight_open_a_new_file_at_once(tmp_path: Path) -> None:
    place = tmp_path / "votes.db"
    with ExitStack() as open_files, ThreadPoolExecutor(8) as threads:
        stores = list(threads.map(lambda _: open_files.enter_context(open_votes(place, make=True)), range(8)))
        stores[0].add(CLIPS, PAIRS)
        assert [store.pairs() for store in stores] == [stores[0].pairs()] * 8


def test_tokens_are_kept_as_hashes_and_can_be_revoked(tmp_path: Path) -> None:
    place = tmp_path / "votes.db"
    with open_votes(place, make=True) as store:
        token = add_rater(store, " Ada ")
        with pytest.raises(UsageError, match="has a link already"):
            add_rater(store, "Ada")
        secret = begin_session(store, token)
        assert secret is not None and begin_session(store, "guessed") is None
        ada = rater_of(store, secret)
        assert ada is not None and ada.name == "Ada" and rater_of(store, token) is None
        store.add(CLIPS, PAIRS)
        store.record(a_vote(rater=ada.id))
        content = b"".join(file.read_bytes() for file in tmp_path.iterdir())
        assert token.encode() not in content and secret.encode() not in content
        revoke_rater(store, "Ada")
        assert rater_of(store, secret) is None and begin_session(store, token) is None
        assert [(rater.name, rater.is_active) for rater in raters(store)] == [("Ada", False)]
        new = add_rater(store, "Ada")
        assert new != token and rater_of(store, begin_session(store, new) or "") == ada
        assert len(store.present()) == 1
    for name in ("", "a\nb", "x" * 81):
        with open_votes(place) as store, pytest.raises(UsageError, match="printable"):
            add_rater(store, name)
    with open_votes(place) as store, pytest.raises(UsageError, match="no rater 'Bo'"):
        revoke_rater(store, "Bo")
