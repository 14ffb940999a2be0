"""The file of votes: append-only revisions in SQLite, each on the disk before it is acknowledged.

A vote is a revision of what a rater says of a pair. It names the revision that it follows, so the revisions of a rater
and a pair form one chain, also from two tabs; the last one counts, and an undo is a revision, too. The order is that of
the file, never that of a clock. A client makes the id of a vote: sending it again changes nothing.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import astuple, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, Self

from vqinsight.errors import UsageError, VQInsightError
from vqinsight.tasks.types import Choice

Said = Literal["left", "right", "tie", "both_bad", "skip", "undo"]
_APPLICATION, _VERSION = 0x56514152, 1  # "VQAR" in SQLite's header, and the version of the tables
_WAIT = 30.0  # seconds for another process that writes
_TABLES = """
CREATE TABLE clips (id TEXT PRIMARY KEY, path TEXT NOT NULL, prompt TEXT, revision TEXT NOT NULL) STRICT;
CREATE TABLE pairs (
    id TEXT PRIMARY KEY, a TEXT NOT NULL REFERENCES clips, b TEXT NOT NULL REFERENCES clips, CHECK (a < b)
) STRICT;
CREATE TABLE raters (
    id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, token TEXT UNIQUE, added TEXT NOT NULL
) STRICT;
CREATE TABLE sessions (secret TEXT PRIMARY KEY, rater INTEGER NOT NULL REFERENCES raters, begun TEXT NOT NULL) STRICT;
CREATE TABLE votes (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    rater INTEGER NOT NULL REFERENCES raters,
    pair TEXT NOT NULL REFERENCES pairs,
    said TEXT NOT NULL CHECK (said IN ('left', 'right', 'tie', 'both_bad', 'skip', 'undo')),
    swapped INTEGER NOT NULL CHECK (swapped IN (0, 1)),
    follows TEXT NOT NULL,
    clicked INTEGER NOT NULL,
    stored TEXT NOT NULL,
    UNIQUE (rater, pair, follows)
) STRICT;
CREATE TRIGGER votes_stay BEFORE UPDATE ON votes BEGIN SELECT RAISE(ABORT, 'votes are never changed'); END;
CREATE TRIGGER votes_remain BEFORE DELETE ON votes BEGIN SELECT RAISE(ABORT, 'votes are never deleted'); END;
"""
_LATEST = "SELECT max(number) FROM votes GROUP BY rater, pair"


class VoteConflict(VQInsightError):
    """A vote that contradicts what is stored; nothing of it is kept."""


@dataclass(frozen=True)
class ArenaClip:
    """A clip; ``id`` and ``revision`` as of ``video.entries.Entry``."""

    id: str
    path: str
    prompt: str | None
    revision: str


@dataclass(frozen=True)
class Pair:
    """Two clips of one prompt; ``a`` and ``b`` are ids of clips, ``a`` the smaller, whoever was named first."""

    id: str
    a: str
    b: str

    @classmethod
    def of(cls, one: str, other: str) -> Self:
        """The pair of two clips, by their ids."""
        a, b = sorted((one, other))
        return cls(hashlib.sha256(json.dumps([a, b]).encode()).hexdigest()[:32], a, b)


@dataclass(frozen=True)
class Vote:
    """A revision as a client sends it.

    Attributes:
        id: made by the client, a UUID.
        rater: number of the rater.
        pair: id of the pair.
        said: which side is better, or ``tie``, ``both_bad``, ``skip``, ``undo``.
        swapped: whether the pair's clip ``b`` stood left.
        follows: id of the rater's last revision of this pair; empty for the first.
        clicked: milliseconds since 1970 by the client's clock; kept, and used for nothing.
    """

    id: str
    rater: int
    pair: str
    said: Said
    swapped: bool
    follows: str
    clicked: int

    @property
    def choice(self) -> Choice | None:
        """ "A" is the pair's clip ``a``; ``None`` where neither and no tie was said."""
        if self.said == "tie":
            return "tie"
        if self.said not in ("left", "right"):
            return None
        return "A" if (self.said == "left") != self.swapped else "B"


class VoteStore:
    """The open file; for several threads. Other processes may use the file at the same time."""

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.path, self._connection, self._lock = path, connection, threading.RLock()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """One transaction that writes: on the disk at the end, undone on an error.

        Raises:
            VQInsightError: the file cannot be written.
        """
        with self._lock:
            try:
                self._connection.execute("BEGIN IMMEDIATE")
                try:
                    yield self._connection
                    self._connection.execute("COMMIT")
                finally:
                    if self._connection.in_transaction:
                        self._connection.execute("ROLLBACK")
            except sqlite3.OperationalError as error:
                raise VQInsightError(f"{self.path} cannot be written ({error}). Nothing was stored.") from error

    def rows(self, query: str, *values: object) -> list[tuple]:
        """The rows of a query that writes nothing."""
        with self._lock:
            return self._connection.execute(query, values).fetchall()

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()

    def add(self, clips: Iterable[ArenaClip], pairs: Iterable[Pair]) -> list[str]:
        """Add what is not there yet; the paths of known clips whose file has changed since."""
        changed = []
        with self.transaction() as db:
            for clip in clips:
                known = db.execute("SELECT revision FROM clips WHERE id = ?", (clip.id,)).fetchone()
                if known is not None and known[0] != clip.revision:
                    changed.append(clip.path)
                db.execute("INSERT INTO clips VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING", astuple(clip))
            for pair in pairs:
                db.execute("INSERT INTO pairs VALUES (?, ?, ?) ON CONFLICT DO NOTHING", astuple(pair))
        return changed

    def clips(self) -> dict[str, ArenaClip]:
        """All clips ever added, by id."""
        return {row[0]: ArenaClip(*row) for row in self.rows("SELECT id, path, prompt, revision FROM clips")}

    def pairs(self) -> dict[str, Pair]:
        """All pairs ever added, by id."""
        return {row[0]: Pair(*row) for row in self.rows("SELECT id, a, b FROM pairs ORDER BY rowid")}

    def record(self, vote: Vote) -> int:
        """Store a vote; it is on the disk when this returns. The same vote again changes nothing.

        Returns:
            Its number in the file.

        Raises:
            VoteConflict: the id came with another content, the pair is unknown, or the vote follows another revision
                than the rater's last of this pair, as when another tab was faster.
            VQInsightError: it cannot be stored; send it again.
        """
        content = (vote.rater, vote.pair, vote.said, int(vote.swapped), vote.follows, vote.clicked)
        with self.transaction() as db:
            known = db.execute(
                "SELECT number, rater, pair, said, swapped, follows, clicked FROM votes WHERE id = ?", (vote.id,)
            ).fetchone()
            if known is not None:
                if known[1:] != content:
                    raise VoteConflict("This vote's id is stored with another content. Draw a new id for each vote.")
                return int(known[0])
            if db.execute("SELECT 1 FROM pairs WHERE id = ?", (vote.pair,)).fetchone() is None:
                raise VoteConflict("There is no such pair. Load the page again.")
            last = db.execute(
                "SELECT id, said FROM votes WHERE rater = ? AND pair = ? ORDER BY number DESC LIMIT 1",
                (vote.rater, vote.pair),
            ).fetchone() or ("", "undo")
            if vote.follows != last[0]:
                raise VoteConflict("Another vote of yours on this pair came first, and counts.")
            if vote.said == "undo" and last[1] == "undo":
                raise VoteConflict("There is no vote on this pair to undo.")
            found = db.execute(
                "INSERT INTO votes (id, rater, pair, said, swapped, follows, clicked, stored) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING RETURNING number",
                (vote.id, *content, now()),
            ).fetchone()
            return int(found[0])

    def latest(self, rater: int | None = None) -> list[Vote]:
        """The last revision of each rater and pair, undone ones too, in the order of the file."""
        where = "" if rater is None else " AND rater = ?"
        return self._votes(f"number IN ({_LATEST}){where}", () if rater is None else (rater,))

    def present(self) -> list[Vote]:
        """What counts: ``latest`` without what was undone."""
        return [vote for vote in self.latest() if vote.said != "undo"]

    def revisions(self) -> list[Vote]:
        """Everything ever stored, in order."""
        return self._votes("1", ())

    def _votes(self, where: str, values: Sequence[object]) -> list[Vote]:
        columns = "id, rater, pair, said, swapped, follows, clicked"
        found = self.rows(f"SELECT {columns} FROM votes WHERE {where} ORDER BY number", *values)
        return [
            Vote(key, who, pair, said, bool(swapped), follows, clicked)
            for key, who, pair, said, swapped, follows, clicked in found
        ]


@contextmanager
def open_votes(path: str | Path, *, make: bool = False) -> Iterator[VoteStore]:
    """The file of votes.

    Args:
        make: where it is absent, make it.

    Raises:
        UsageError: it is absent, is none, was made by another version, or lies where SQLite cannot write safely.
    """
    place = Path(path)
    if not make and not place.is_file():
        raise UsageError(f"{place}: there is no such file of votes. 'vqinsight arena raters add' makes one.")
    try:
        connection = sqlite3.connect(place, timeout=_WAIT, isolation_level=None, check_same_thread=False)
    except sqlite3.OperationalError as error:
        raise UsageError(f"{place} cannot be opened ({error}). Choose another place.") from error
    try:
        try:
            _prepare(place, connection)
        except sqlite3.DatabaseError as error:
            raise UsageError(f"{place} is no file of votes, or cannot be written ({error}). Choose another.") from error
        yield VoteStore(place, connection)
    finally:
        connection.close()


def now() -> str:
    """This moment in UTC, as ISO 8601."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def _prepare(place: Path, db: sqlite3.Connection) -> None:
    if db.execute("PRAGMA application_id").fetchone()[0] == 0 and _is_empty(db):
        marks = f"PRAGMA application_id={_APPLICATION}; PRAGMA user_version={_VERSION};"
        try:
            db.executescript(f"BEGIN IMMEDIATE; {_TABLES} {marks} COMMIT;")
        except sqlite3.OperationalError:
            if db.in_transaction:
                db.execute("ROLLBACK")
            if _is_empty(db):  # else another process has made them in the meantime
                raise
    found = [db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version")]
    if found != [_APPLICATION, _VERSION]:
        raise UsageError(f"{place} is no file of votes of this version. Choose another.")
    if db.execute("PRAGMA journal_mode=WAL").fetchone()[0] != "wal":
        raise UsageError(f"{place}: SQLite's log (WAL) cannot be used there. Choose a place on a local disk.")
    db.execute("PRAGMA synchronous=FULL")
    db.execute("PRAGMA foreign_keys=ON")


def _is_empty(db: sqlite3.Connection) -> bool:
    return db.execute("SELECT 1 FROM sqlite_schema").fetchone() is None
