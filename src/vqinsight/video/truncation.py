"""Detects truncated and damaged files by the lengths and checksums in the file itself, without decoding."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO
from zlib import crc32

BOXES = frozenset({b"ftyp", b"moov", b"moof", b"mdat", b"free", b"skip", b"wide", b"styp", b"sidx", b"pnot"})
PNG = b"\x89PNG"
EBML = b"\x1a\x45\xdf\xa3"
MATROSKA_SEGMENT = b"\x18\x53\x80\x67"


def is_container(path: str) -> bool:
    """Whether the file begins like a video file."""
    with Path(path).open("rb") as file:
        start = file.read(12)
    return start[4:8] in BOXES or start[:4] in (EBML, b"RIFF", b"GIF8") or start[:3] == b"FLV"


def ends_early(path: str) -> bool | None:
    """Whether a file ends inside a part that gives its own length; ``None`` where its structure does not tell.

    Supports mp4 and mov (boxes), mkv and webm (the segment), avi and webp (RIFF), gif (blocks) and png (chunks).

    Raises:
        OSError: the file cannot be read.
    """
    size = Path(path).stat().st_size
    with Path(path).open("rb") as file:
        start = file.read(12)
        if start[4:8] in BOXES:
            return _boxes_end_early(file, size)
        if start[:4] == EBML:
            return _segment_ends_early(file, size)
        if start[:4] == b"RIFF":
            return size < 8 + int.from_bytes(start[4:8], "little")
        if start[:4] == b"GIF8":
            return _gif_ends_early(file)
        if start[:4] == PNG:
            return _png_ends_early(file, size)
    return None


def _boxes_end_early(file: BinaryIO, size: int) -> bool | None:
    position = 0
    while position + 8 <= size:
        file.seek(position)
        length, name = int.from_bytes(file.read(4)), file.read(4)
        if length == 1:
            length = int.from_bytes(file.read(8))
        if length == 0 and name == b"mdat":  # "until the end of the file"
            return None
        if length < 8 or not name.isalnum():  # padding or other bytes after the last box
            return False
        position += length
    return position > size


def _segment_ends_early(file: BinaryIO, size: int) -> bool | None:
    file.seek(4)
    header = _ebml_length(file)
    if header is None:
        return None
    file.seek(header, 1)
    if file.read(4) != MATROSKA_SEGMENT:
        return None
    segment = _ebml_length(file)
    return None if segment is None else file.tell() + segment > size


def _ebml_length(file: BinaryIO) -> int | None:
    """A length whose leading zero bits count its bytes; all ones mean that it is unknown."""
    first = file.read(1)
    if not first or first[0] == 0:
        return None
    count = 9 - first[0].bit_length()
    value = int.from_bytes(first + file.read(count - 1)) - (1 << 7 * count)
    return None if value == (1 << 7 * count) - 1 else value


def _gif_ends_early(file: BinaryIO) -> bool:
    """Whether a gif ends inside a block; one that only lacks the end mark counts as complete."""
    file.seek(0)
    data = file.read()  # blocks are at most 255 bytes: a read for each is slow
    full = b"\xff" * 16
    size = len(data)
    position = 13 + (_palette(data[10]) if size > 10 else 0)
    while position < size:
        mark = data[position]
        if mark == 0x21:
            position += 2
        elif mark == 0x2C:
            if position + 10 > size:
                return True
            position += 11 + _palette(data[position + 9])
        else:  # the end mark, or other bytes after a picture
            return False
        while position < size and (length := data[position]):
            position += 256 * len(full) if data[position : position + 256 * len(full) : 256] == full else 1 + length
        if position >= size:
            return True
        position += 1
    return False


def _png_ends_early(file: BinaryIO, size: int) -> bool:
    position, name = 8, b""
    while position + 12 <= size and name != b"IEND":
        file.seek(position)
        length, name = int.from_bytes(file.read(4)), file.read(4)
        position += 12 + length
    return name != b"IEND" or position > size


def bad_chunk(path: str) -> str | None:
    """The name of the first chunk of a png whose checksum does not fit; ``None`` for none."""
    with Path(path).open("rb") as file:
        file.seek(8)
        while len(head := file.read(8)) == 8:
            length, left, checksum = int.from_bytes(head[:4]), int.from_bytes(head[:4]), crc32(head[4:])
            while left and (content := file.read(min(left, 1 << 20))):
                checksum, left = crc32(content, checksum), left - len(content)
            if left or int.from_bytes(file.read(4)) != checksum:
                return f"{head[4:].decode('latin-1')!a} of {length} bytes"
            if head[4:] == b"IEND":
                break
    return None


def _palette(flags: int) -> int:
    return 3 << (flags & 7) + 1 if flags & 0x80 else 0
