"""Who may vote: a rater comes by a link with a token, which a cookie replaces. Only hashes of both are kept."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass

from vqinsight.errors import UsageError
from vqinsight.web.arena.votes import VoteStore, now

_LONGEST = 80  # characters of a name


@dataclass(frozen=True)
class Rater:
    """A rater; ``is_active`` until the link is revoked."""

    id: int
    name: str
    is_active: bool = True


def add_rater(store: VoteStore, name: str) -> str:
    """Add a rater, or give one whose link was revoked a new one.

    Returns:
        The token, which is stored nowhere: 256 random bits.

    Raises:
        UsageError: there is an active rater of that name, or it is no name.
    """
    name = name.strip()
    if not 0 < len(name) <= _LONGEST or not name.isprintable():
        raise UsageError(f"A rater's name has 1 to {_LONGEST} printable characters.")
    token = secrets.token_urlsafe(32)
    with store.transaction() as db:
        known = db.execute("SELECT token FROM raters WHERE name = ?", (name,)).fetchone()
        if known is not None and known[0] is not None:
            raise UsageError(f"{name!r} has a link already. Revoke it first: vqinsight arena raters revoke.")
        if known is None:
            db.execute("INSERT INTO raters (name, token, added) VALUES (?, ?, ?)", (name, _hash(token), now()))
        else:
            db.execute("UPDATE raters SET token = ? WHERE name = ?", (_hash(token), name))
    return token


def revoke_rater(store: VoteStore, name: str) -> None:
    """End a rater's link and sessions; the votes stay.

    Raises:
        UsageError: there is no such rater.
    """
    with store.transaction() as db:
        found = db.execute("UPDATE raters SET token = NULL WHERE name = ? RETURNING id", (name.strip(),)).fetchone()
        if found is None:
            raise UsageError(f"There is no rater {name!r}. 'vqinsight arena raters list' names them.")
        db.execute("DELETE FROM sessions WHERE rater = ?", found)


def raters(store: VoteStore) -> list[Rater]:
    """All raters in the order in which they were added."""
    found = store.rows("SELECT id, name, token IS NOT NULL FROM raters ORDER BY id")
    return [Rater(number, name, bool(active)) for number, name, active in found]


def begin_session(store: VoteStore, token: str) -> str | None:
    """The secret of a new session for the cookie, ``None`` for a token of nobody."""
    secret = secrets.token_urlsafe(32)
    with store.transaction() as db:
        found = db.execute("SELECT id FROM raters WHERE token = ?", (_hash(token),)).fetchone()
        if found is None:
            return None
        db.execute("INSERT INTO sessions VALUES (?, ?, ?)", (_hash(secret), found[0], now()))
    return secret


def rater_of(store: VoteStore, secret: str) -> Rater | None:
    """The rater of a session."""
    query = "SELECT raters.id, name FROM sessions JOIN raters ON raters.id = rater WHERE secret = ?"
    found = store.rows(query, _hash(secret))
    return Rater(*found[0]) if found else None


def _hash(secret: str) -> str:
    """Of 256 random bits: nobody finds them by trying, so neither salt nor a slow hash is needed."""
    return hashlib.sha256(secret.encode()).hexdigest()
