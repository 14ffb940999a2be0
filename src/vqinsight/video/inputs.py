"""Clips from the user's arguments (files, folders, globs, lists, tars), and the names of what is left out."""

from __future__ import annotations

import glob
import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from vqinsight.errors import UnreadableVideo, UsageError
from vqinsight.video.info import DOWNLOAD_FIRST, IMAGE_SUFFIXES, LIST_SUFFIXES, TAR, VIDEO_SUFFIXES, is_url, natural_key

Source = str | UnreadableVideo  # a path, or why the argument is no clip
NO_MEDIA = "neither video nor image"


@dataclass(frozen=True)
class Inputs:
    """The clips of the user's arguments.

    Attributes:
        clips: ``(path, prompt)`` in the order of the arguments; a bad row of a list has its error in place of a path.
        left_out: ``(path, reason)`` of entries of folders and globs that are no clips.
    """

    clips: list[tuple[Source, str | None]]
    left_out: list[tuple[str, str]]

    def left_out_lines(self) -> list[str]:
        """One line per reason, with all names."""
        names: dict[str, list[str]] = {}
        for path, reason in self.left_out:
            names.setdefault(reason, []).append(path)
        return [f"Left out, {reason}: {', '.join(found)}" for reason, found in names.items()]


def expand_inputs(arguments: Sequence[str], prompt: str | None, *, repeated: bool = False) -> Inputs:
    """Every clip the arguments name, in their order.

    * A **file** is a clip, also when it does not exist: it is listed as failed later, and the others go on.
    * A **folder** is read with its sub-folders, in natural order. One that holds images and no videos is one clip, the
      images are its frames. In one that holds both, every file is a clip of its own: keep frames in a folder of their
      own. What is no clip (other files, hidden ones, links to nothing, what cannot be read) is left out by name. A
      folder without any clip is kept and fails later.
    * A **glob**, ``**`` included, is every video, image and folder it matches, in natural order; other files are left
      out unless the pattern names their suffix; images inside a matched folder of frames are its frames, not clips.
      A name that exists is never taken for a glob.
    * A **list** (.csv, .tsv, .txt, .jsonl, .parquet) names clips, with prompts if it has a column for them (see
      ``read_list``). A row without a prompt takes ``prompt``; a bad row becomes a clip that fails with the row's number
      and the reason.
    * A **tar** holds clips and their prompts (see ``read_tar``); braces in its name stand for several:
      ``shard-{000..003}.tar``.

    A clip named twice with the same prompt is kept once, under the name given first.

    Args:
        repeated: keep every row of a list, also where it names a clip again.

    Raises:
        UsageError: no arguments, a URL, a glob that matches nothing, a list that cannot be read or has no ``path``
            column.
    """
    if not arguments:
        raise UsageError("No clips given. Name video files, folders, globs or a list (.csv, .jsonl, .parquet).")
    clips: dict[tuple[str, str | None, int], Source] = {}
    left_out: dict[tuple[str, str], None] = {}
    for argument in arguments:
        found = _expand(argument)
        left_out.update(dict.fromkeys(found.left_out))
        times: Counter[tuple[str, str | None]] = Counter()
        for source, own_prompt in found.clips:
            key = (location(source), own_prompt or prompt)
            clips.setdefault((*key, times[key]), source)
            times[key] += repeated
    return Inputs([(source, text) for (_, text, _), source in clips.items()], list(left_out))


def location(source: Source) -> str:
    """A clip's absolute path; of an argument that is no clip its message."""
    return str(source) if isinstance(source, UnreadableVideo) else os.path.abspath(source)  # noqa: PTH100 - Path.absolute keeps ".."


def refuse_url(name: str) -> None:
    """Refuse an address where a file is wanted.

    Raises:
        UsageError: it is one.
    """
    if is_url(name):
        raise UsageError(f"{name} is a URL, and clips are read from the disk. {DOWNLOAD_FIRST}")


def media_files(folder: Path) -> list[Path]:
    """The videos and images directly in ``folder``, in natural order; hidden ones are left out.

    Raises:
        OSError: the folder cannot be read.
    """
    found = [path for path in folder.iterdir() if _is_media(path.name) and not path.name.startswith(".")]
    return sorted((path for path in found if path.is_file()), key=lambda path: natural_key(path.name))


def _is_media(name: str) -> bool:
    return Path(name).suffix.lower() in IMAGE_SUFFIXES | VIDEO_SUFFIXES


def _expand(argument: str) -> Inputs:
    refuse_url(argument)
    place = Path(argument)
    try:
        if place.is_dir():
            tree = _Tree()
            tree.read(place)
            return Inputs([(path, None) for path in tree.clips or [argument]], tree.left_out)
        is_pattern = glob.has_magic(argument) and not place.exists()
    except OSError:  # no permission, or a name that is too long: it fails when it is read
        return Inputs([(argument, None)], [])
    if place.suffix.lower() == TAR and not is_pattern:
        return _expand_tar(argument)
    if is_pattern:
        return _expand_glob(argument)
    if place.suffix.lower() in LIST_SUFFIXES:
        from vqinsight.video.lists import read_list  # only for lists

        return Inputs(read_list(place), [])
    return Inputs([(argument, None)], [])


def _expand_tar(argument: str) -> Inputs:
    """The clips of a tar, or of several where braces in the name stand for them."""
    from vqinsight.video.tars import expand_shards, read_tar  # only for tars

    several = "{" in argument and not os.path.lexists(argument)
    inputs = Inputs([], [])
    for name in expand_shards(argument) if several else [argument]:
        clips, left_out = read_tar(name)
        inputs.clips.extend(clips)
        inputs.left_out.extend(left_out)
    return inputs


@dataclass
class _Tree:
    """The content of a folder and its sub-folders."""

    clips: list[str] = field(default_factory=list)
    frames: set[Path] = field(default_factory=set)  # folders that are clips
    left_out: list[tuple[str, str]] = field(default_factory=list)

    def read(self, folder: Path, above: frozenset[str] = frozenset()) -> None:
        """Add the content of ``folder``; ``above`` are the real paths of its parent folders."""
        real = os.path.realpath(folder)
        if real in above:
            self.left_out.append((str(folder), "a link to a folder it lies in"))
            return
        try:
            names = sorted(os.listdir(folder), key=natural_key)  # noqa: PTH208 - names are wanted
        except OSError as error:
            self.left_out.append((str(folder), f"cannot be read ({error.strerror or error})"))
            return
        places = [folder / name for name in names]
        reasons = {place: _no_clip(place) for place in places if not (place.is_dir() and place.name[0] != ".")}
        videos = any(reason is None and _is_video(place) for place, reason in reasons.items())
        if not videos and None in reasons.values():
            self.frames.add(folder)
            self.clips.append(str(folder))
        for place in places:
            if place not in reasons:
                self.read(place, above | {real})
            elif reason := reasons[place]:
                self.left_out.append((str(place), reason))
            elif videos:
                self.clips.append(str(place))


def _is_video(place: Path) -> bool:
    return place.suffix.lower() in VIDEO_SUFFIXES


def _no_clip(place: Path) -> str | None:
    """Why an entry of a folder is no clip; ``None`` for a video or an image."""
    if place.name.startswith("."):
        return "hidden"
    if not place.exists():
        return "a link to nothing"
    if not _is_media(place.name):
        return NO_MEDIA
    return None if place.is_file() else "not a regular file"


def _expand_glob(pattern: str) -> Inputs:
    # The glob module supports absolute patterns, which pathlib in Python 3.11 does not.
    matches = sorted(glob.glob(pattern, recursive=True), key=natural_key)  # noqa: PTH207
    trees = {match: _Tree() for match in matches if Path(match).is_dir()}
    for match, tree in trees.items():
        tree.read(Path(match))
    of_frames = {folder for tree in trees.values() for folder in tree.frames}
    named = Path(pattern).suffix.lower()
    found: list[tuple[Source, str | None]] = []
    left_out: list[tuple[str, str]] = []
    for match in matches:
        place = Path(match)
        if match in trees:
            found += [(clip, None) for clip in trees[match].clips]
            left_out += trees[match].left_out
        elif place.suffix.lower() == TAR == named:
            tar = _expand_tar(match)
            found += tar.clips
            left_out += tar.left_out
        elif (reason := _no_clip(place)) and not (reason == NO_MEDIA and place.suffix.lower() == named != ""):
            left_out.append((match, reason))
        elif place.suffix.lower() not in IMAGE_SUFFIXES or place.parent not in of_frames:
            found.append((match, None))
    if not found:
        what = f"only files that are no videos or images ({len(matches)})" if matches else "nothing"
        raise UsageError(f"The pattern {pattern!r} matches {what}. Check the folder and the suffix.")
    return Inputs(found, left_out)
