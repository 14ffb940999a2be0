"""What belongs to one user: a random cookie names a session, which holds clips, work, and a folder of its own."""

from __future__ import annotations

import secrets
import shutil
import tempfile
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path, PurePath

from vqinsight.errors import UsageError
from vqinsight.web.jobs import Job

_MIB = 1024 * 1024
_LONGEST_NAME = 120


@dataclass(frozen=True)
class Bounds:
    """What users may hold.

    Attributes:
        clips, bytes: that one user has sent, and not deleted.
        all_bytes: of all users together.
        jobs: of one user; the oldest ended ones go.
        sessions: held at once; the one that rests longest goes.
        idle: seconds after which a session and its clips are deleted.
    """

    clips: int = 100
    bytes: int = 1024 * _MIB
    all_bytes: int = 8192 * _MIB
    jobs: int = 50
    sessions: int = 256
    idle: float = 3600.0


@dataclass(frozen=True)
class WebClip:
    """A clip on this machine.

    Attributes:
        id: in addresses of its session.
        name: for readers, unique in a session.
        place: the file, or the folder of frames.
        size: bytes that a user sent; 0 for a clip of the shared folder.
        home: the folder for what is made of it.
    """

    id: str
    name: str
    place: Path
    size: int
    home: Path


@dataclass
class Session:
    """One user's clips and work. ``once`` are the requests that were taken, each with its answer."""

    home: Path
    clips: dict[str, WebClip] = field(default_factory=dict)
    jobs: dict[str, Job] = field(default_factory=dict)
    once: dict[str, str] = field(default_factory=dict)
    seen: float = 0.0

    @property
    def size(self) -> int:
        """Bytes of its clips."""
        return sum(clip.size for clip in self.clips.values())

    @property
    def is_busy(self) -> bool:
        """Whether work of it goes on."""
        return any(not job.has_ended for job in self.jobs.values())


class Sessions:
    """All sessions, below one folder that only this user may enter.

    Args:
        now: seconds that never go back.
    """

    def __init__(self, bounds: Bounds = Bounds(), now: Callable[[], float] = time.monotonic) -> None:
        self.bounds = bounds
        self._now = now
        self._root = tempfile.TemporaryDirectory(prefix="vqinsight-web-")
        self._known: OrderedDict[str, Session] = OrderedDict()  # the longest at rest first

    @property
    def root(self) -> Path:
        """The folder above all."""
        return Path(self._root.name)

    def find(self, token: str | None) -> Session | None:
        """The session that a cookie names, which rests no longer."""
        session = self._known.get(token or "")
        if session is not None:
            session.seen = self._now()
            self._known.move_to_end(token or "")
        return session

    def begin(self) -> tuple[str, Session]:
        """A new session and what its cookie says."""
        self.sweep()
        while len(self._known) >= self.bounds.sessions:
            resting = [token for token, each in self._known.items() if not each.is_busy]
            self._end((resting or list(self._known))[0])
        token = secrets.token_urlsafe(32)
        session = Session(self.root / secrets.token_hex(8), seen=self._now())
        self._known[token] = session
        return token, session

    def sweep(self) -> None:
        """End the sessions that have rested too long, and delete their clips."""
        for token, session in list(self._known.items()):
            if self._now() - session.seen > self.bounds.idle and not session.is_busy:
                self._end(token)

    def check_room(self, session: Session, size: int) -> None:
        """Whether a user may send a clip of that many bytes.

        Raises:
            UsageError: with the bound, and what to do.
        """
        bounds, held = self.bounds, sum(each.size for each in self._known.values())
        if len(session.clips) >= bounds.clips:
            raise UsageError(f"You have {bounds.clips} clips here, which is the most. Delete some of them.")
        if session.size + size > bounds.bytes:
            raise UsageError(f"Your clips may have {bounds.bytes // _MIB} MiB together. Delete some of them.")
        if held + size > bounds.all_bytes:
            raise UsageError("The clips of all users fill the space that there is. Try again later.")

    def add(self, session: Session, name: str, content: bytes) -> WebClip:
        """Keep a clip that a user sent.

        Raises:
            UsageError: there is no room for it.
        """
        self.check_room(session, len(content))
        key = secrets.token_urlsafe(12)
        home = session.home / secrets.token_hex(8)
        home.mkdir(parents=True)
        (home / "clip").write_bytes(content)
        clip = WebClip(key, _free_name(name, session), home / "clip", len(content), home)
        session.clips[key] = clip
        return clip

    def remove(self, session: Session, clip: WebClip) -> None:
        """Delete a clip that a user sent, and what was made of it."""
        session.clips.pop(clip.id, None)
        shutil.rmtree(clip.home, ignore_errors=True)

    def close(self) -> None:
        """Delete everything."""
        for token in list(self._known):
            self._end(token)
        self._root.cleanup()

    def _end(self, token: str) -> None:
        session = self._known.pop(token)
        for job in session.jobs.values():
            job.cancel()
        shutil.rmtree(session.home, ignore_errors=True)


def _free_name(name: str, session: Session) -> str:
    """The file's own name without folders and signs that control a terminal, with a number where it is taken."""
    plain = "".join(each for each in PurePath(name.replace("\\", "/")).name if each.isprintable()).strip()
    path = PurePath(plain[-_LONGEST_NAME:] or "clip")
    taken = {clip.name for clip in session.clips.values()}
    found, number = path.name, 1
    while found in taken:
        number += 1
        found = f"{path.stem} ({number}){path.suffix}"
    return found
