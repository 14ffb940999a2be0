"""Clips in local tar files, as webdataset lays them out.

A path may lead into a tar as if it were a folder: ``shards/000.tar/clip7.mp4``. A tar is read with the standard
``tarfile``, which seeks from header to header: 1,000 clips of 1 MB take 0.05 CPU seconds and 15 MB of memory. The
reader of the package ``webdataset`` takes 2.1 CPU seconds for them, as it reads every member into memory whatever its
size, does not tell where a member lies, which a run that goes on has to know, and imports torch.
"""

from __future__ import annotations

import json
import os
import posixpath
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path, PurePosixPath

from vqinsight.common.extras import needed
from vqinsight.errors import UnreadableVideo
from vqinsight.video.info import COPY_AGAIN, VIDEO_SUFFIXES, inside_tar

MOST_BYTES = 2 << 30  # of a clip in a tar
MOST_TEXT = 1 << 20  # bytes of a prompt beside it
PICKLED = frozenset({".pickle", ".pkl", ".pyd"})
_CHUNK = 1 << 20
_BLOCK = 512  # bytes; a tar ends with blocks of zeros
_PROMPT_KEYS = ("prompt", "caption")

Clips = list[tuple[str | UnreadableVideo, str | None]]


@dataclass(frozen=True)
class _Member:
    name: str
    offset: int
    size: int


@dataclass
class _Index:
    """What a tar holds.

    Attributes:
        clips: videos in the order of the tar, and in place of one why it cannot be used.
        by_name: the first video of each name.
        texts: by key and suffix, what may hold a prompt.
        left_out: (name, reason) of all else.
        damage: what is wrong with the tar itself.
    """

    clips: list[_Member | UnreadableVideo] = field(default_factory=list)
    by_name: dict[str, _Member] = field(default_factory=dict)
    texts: dict[tuple[str, str], _Member] = field(default_factory=dict)
    left_out: list[tuple[str, str]] = field(default_factory=list)
    damage: UnreadableVideo | None = None


def expand_shards(pattern: str) -> list[str]:
    """The names that a pattern with braces stands for: ``shard-{000..003}.tar`` are four.

    Raises:
        ModelError: the package that reads braces is not installed.
    """
    names: list[str] = list(needed("braceexpand", "webdataset").braceexpand(pattern))
    return names


def read_tar(tar: str) -> tuple[Clips, list[tuple[str, str]]]:
    """The clips of a tar, each with its prompt or ``None``, and (path, reason) of what is left out.

    A clip is a member with the suffix of a video. Its prompt is the text of the member with the same name up to the
    first dot and the suffix ``.txt``, or ``prompt`` or ``caption`` of the one with ``.json``. Pickled members are never
    read. In place of a clip stands an ``UnreadableVideo`` where its name leads out of the tar or comes a second time,
    where it is larger than ``MOST_BYTES``, or its prompt cannot be read; and after the last one where the tar is cut
    off, damaged, or holds no clip.
    """
    if os.path.exists(tar) and not os.path.isfile(tar):  # noqa: PTH110, PTH113 - a pipe would be waited for
        return [(UnreadableVideo(tar, "not a regular file", "Name a tar file."), None)], []
    try:
        index = _index(tar, _stamp(tar))
        with open(tar, "rb") as file:  # noqa: PTH123 - long names
            clips: Clips = [
                (each, None) if isinstance(each, UnreadableVideo) else _with_prompt(tar, each, index, file.fileno())
                for each in index.clips
            ]
    except FileNotFoundError:
        return [(UnreadableVideo(tar, "no such file", "Check the path."), None)], []
    except OSError as error:
        return [(UnreadableVideo(tar, f"cannot be read ({error.strerror or error})", "Check the path."), None)], []
    if index.damage is not None:
        clips.append((index.damage, None))
    elif not clips:
        clips.append((UnreadableVideo(tar, "no videos in it", "Name a tar with videos."), None))
    return clips, [(f"{tar}/{name}", reason) for name, reason in index.left_out]


@contextmanager
def member_file(path: str) -> Iterator[str]:
    """A temporary file with the content of a clip in a tar; errors of reading it name the clip.

    Raises:
        UnreadableVideo: the tar cannot be read, or has no such clip.
    """
    inside = inside_tar(path)
    if inside is None:
        raise UnreadableVideo(path, "no such file", "Check the path.")
    tar, name = inside
    try:
        member = _index(tar, _stamp(tar)).by_name.get(name)
        if member is None:
            raise UnreadableVideo(path, f"{tar} has no such video", "Check the name, as tar --list shows it.")
        with tempfile.TemporaryDirectory(prefix="vqinsight-") as folder:
            copy = Path(folder, f"clip{PurePosixPath(name).suffix}")
            with open(tar, "rb") as source, copy.open("wb") as target:  # noqa: PTH123 - long names
                source.seek(member.offset)
                for start in range(0, member.size, _CHUNK):
                    target.write(source.read(min(_CHUNK, member.size - start)))
            yield str(copy)
    except UnreadableVideo as error:
        raise UnreadableVideo(path, error.reason, error.remedy) from error


@lru_cache(maxsize=16)
def _index(tar: str, stamp: str) -> _Index:  # noqa: ARG001 - a changed tar is read again
    index = _Index()
    size = os.stat(tar).st_size  # noqa: PTH116 - long names
    texts: dict[tuple[str, str], _Member] = {}
    try:
        with tarfile.open(tar, "r:") as file:
            for member in file:
                end = member.offset_data + member.size
                if member.size < 0 or (member.isreg() and end > size):
                    index.damage = _damage(tar, index, f"in {member.name!r}")
                    break
                _add(tar, member, index, texts)
            else:
                with open(tar, "rb") as blocks:  # noqa: PTH123 - long names
                    blocks.seek(file.offset)
                    # tarfile takes a damaged header for the end
                    if blocks.read(_BLOCK) != bytes(_BLOCK):
                        index.damage = _damage(tar, index, f"at byte {file.offset:,}")
    except tarfile.TarError as error:
        known = "a compressed tar" if _is_compressed(tar) else f"no tar ({error})"
        remedy = "Uncompress it first." if _is_compressed(tar) else COPY_AGAIN
        index.damage = UnreadableVideo(tar, known, remedy) if not index.clips else _damage(tar, index, str(error))
    keys = {_key(name)[0] for name in index.by_name}
    index.texts = {(key, suffix): member for (key, suffix), member in texts.items() if key in keys}
    index.left_out += [(member.name, "no video") for (key, _), member in texts.items() if key not in keys]
    return index


def _add(tar: str, member: tarfile.TarInfo, index: _Index, texts: dict[tuple[str, str], _Member]) -> None:
    if member.isdir():
        return
    name = posixpath.normpath(member.name)
    key, suffix = _key(name)
    video = PurePosixPath(name).suffix.lower() in VIDEO_SUFFIXES
    found = _Member(name, member.offset_data, member.size)
    if PurePosixPath(name).name.startswith("."):
        index.left_out.append((name, "hidden"))
    elif not member.isreg() or member.issparse():
        index.left_out.append((name, "not a regular file"))
    elif PurePosixPath(name).suffix.lower() in PICKLED:
        index.left_out.append((name, "pickled, which is never read"))
    elif video and (name.startswith("/") or name.split("/")[0] == ".."):
        index.clips.append(UnreadableVideo(f"{name} in {tar}", "its name leads out of the tar", "Give it another."))
    elif video and name in index.by_name:
        index.clips.append(UnreadableVideo(f"{tar}/{name}", "a second clip of that name", "Give each its own."))
    elif video and member.size > MOST_BYTES:
        reason = f"{member.size:,} bytes, and a clip in a tar has at most {MOST_BYTES:,}"
        index.clips.append(UnreadableVideo(f"{tar}/{name}", reason, "Unpack it."))
    elif video:
        index.clips.append(found)
        index.by_name[name] = found
    elif suffix in ("txt", "json"):
        texts[key, suffix] = found
    else:
        index.left_out.append((name, "no video"))


def _key(name: str) -> tuple[str, str]:
    """What the members of one sample share, and the rest in lower case: webdataset's ``base_plus_ext``."""
    folder, base = posixpath.split(name)
    key, _, suffix = base.partition(".")
    return posixpath.join(folder, key), suffix.lower()


def _damage(tar: str, index: _Index, where: str) -> UnreadableVideo:
    """Where a tar is cut off or damaged; the clips before it count."""
    return UnreadableVideo(tar, f"cut off or damaged {where}, after {len(index.clips)} clips", COPY_AGAIN)


def _is_compressed(tar: str) -> bool:
    with open(tar, "rb") as file:  # noqa: PTH123 - long names
        return file.read(6).startswith((b"\x1f\x8b", b"BZh", b"\xfd7zXZ\0", b"\x28\xb5\x2f\xfd"))


def _with_prompt(tar: str, member: _Member, index: _Index, descriptor: int) -> tuple[str | UnreadableVideo, str | None]:
    path, key = f"{tar}/{member.name}", _key(member.name)[0]
    for suffix in ("txt", "json"):
        text = index.texts.get((key, suffix))
        if text is None:
            continue
        try:
            if text.size > MOST_TEXT:
                raise ValueError(f"{text.size:,} bytes, and at most {MOST_TEXT:,} are read")
            content = os.pread(descriptor, text.size, text.offset).decode("utf-8-sig")
            prompt = content.strip() if suffix == "txt" else _described(content)
        except (ValueError, RecursionError) as error:  # UnicodeDecodeError is a ValueError
            return UnreadableVideo(path, f"its prompt {text.name} cannot be read ({error})", "Check that file."), None
        if prompt:
            return path, prompt
    return path, None


def _described(content: str) -> str | None:
    given = json.loads(content)
    found = next((given[key] for key in _PROMPT_KEYS if given.get(key)), None) if isinstance(given, dict) else None
    if found is not None and not isinstance(found, str):
        raise ValueError("its prompt is no text")
    return found and found.strip()


def _stamp(tar: str) -> str:
    found = os.stat(tar)  # noqa: PTH116 - long names
    return f"{found.st_size} {found.st_mtime_ns}"
