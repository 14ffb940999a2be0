"""The clips of the folder that is shown to all users, and its candidate folders; nothing outside of it is opened."""

from __future__ import annotations

import hashlib
from pathlib import Path

from vqinsight.errors import UsageError
from vqinsight.ranking.candidate_folders import Candidates, find_candidates
from vqinsight.video.inputs import expand_inputs
from vqinsight.web.sessions import WebClip

MOST = 500  # clips listed


class Shelf:
    """The clips below a folder, by ids that stay the same.

    Args:
        folder: ``None`` for no folder.
        home: for what is made of its clips.
    """

    def __init__(self, folder: Path | None, home: Path) -> None:
        self.folder = folder.resolve() if folder else None
        self._home = home
        self._clips: dict[str, WebClip] = {}

    def clips(self) -> list[WebClip]:
        """What the folder holds at this moment, the first ``MOST``."""
        if self.folder is None:
            return []
        found = [source for source, _ in expand_inputs([str(self.folder)], None).clips if isinstance(source, str)]
        return [clip for path in found[:MOST] if (clip := self._clip(Path(path))) is not None]

    def find(self, key: str) -> WebClip | None:
        """The clip of that id, where it was listed and is still there."""
        clip = self._clips.get(key)
        return clip if clip is not None and self._is_inside(clip.place) else None

    def groups(self) -> list[tuple[Candidates, tuple[WebClip, ...]]]:
        """The prompts of the folder, each with its clips."""
        if self.folder is None:
            return []
        found = []
        for group in find_candidates(self.folder):
            clips = [self._clip(Path(path)) for path in group.paths]
            found.append((group, tuple(clip for clip in clips if clip is not None)))
        return found

    def _clip(self, path: Path) -> WebClip | None:
        assert self.folder is not None
        if not self._is_inside(path) or path.resolve() == self.folder:
            return None
        name = str(path.relative_to(self.folder))
        key = "f-" + hashlib.sha256(name.encode(errors="surrogateescape")).hexdigest()[:16]
        if key not in self._clips:
            self._clips[key] = WebClip(key, name, path, 0, self._home / key)
        return self._clips[key]

    def _is_inside(self, path: Path) -> bool:
        """Whether a path exists and, links followed, lies below the folder."""
        assert self.folder is not None
        return path.exists() and path.resolve().is_relative_to(self.folder)


def opened_folder(folder: Path | None) -> Path | None:
    """The folder, checked.

    Raises:
        UsageError: there is none of that name.
    """
    if folder is not None and not folder.is_dir():
        raise UsageError(f"--folder {folder}: there is no such folder.")
    return folder
