"""Deinterlacing: a frame of two fields becomes the picture at the time of its first field."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import av.error
from av.filter import Graph

INTERLACED = "it is interlaced: each frame is shown at the time of its first field, the other field is interpolated"
# The field that a frame says is shown first is kept. Each picture depends on its frame and the two beside it only.
_BWDIF = "mode=send_frame:parity=auto:deint=all"


def with_neighbours(wanted: Iterable[int], total: int) -> list[int]:
    """The frames ``wanted`` and those before and after each, ascending."""
    return sorted({near for index in wanted for near in (index - 1, index, index + 1) if 0 <= near < total})


def deinterlaced_frames(
    wanted: Sequence[int], total: int, read: Callable[[Sequence[int]], Iterator[tuple[int, Any]]]
) -> Iterator[tuple[int, Any]]:
    """The frames ``wanted`` (ascending, distinct), deinterlaced where a frame is flagged as interlaced.

    Args:
        total: frames of the clip.
        read: yields ``(index, frame)`` of given frames in ascending order.
    """
    pending = deque(wanted)
    held: dict[int, Any] = {}
    for last, frame in read(with_neighbours(wanted, total)):
        held[last] = frame
        while pending and min(pending[0] + 1, total - 1) <= last:
            index = pending.popleft()
            near = [number for number in (index - 1, index, index + 1) if number in held]
            frame = held[index]
            if frame.interlaced_frame:
                frame = deinterlaced([held[number] for number in near], near.index(index))
            yield index, frame
            held = {number: each for number, each in held.items() if number >= index}


def deinterlaced(frames: Sequence[Any], position: int) -> Any:
    """The frame at ``position`` of two or three consecutive ones, deinterlaced by FFmpeg's bwdif."""
    first = frames[0]
    graph = Graph()
    source = graph.add_buffer(
        width=first.width, height=first.height, format=first.format.name, time_base=first.time_base
    )
    graph.link_nodes(source, graph.add("bwdif", _BWDIF), graph.add("buffersink")).configure()
    found: list[Any] = []
    for frame in (*frames, None):
        source.push(frame)
        while len(found) <= position:
            try:
                found.append(graph.vpull())
            except (av.error.BlockingIOError, av.error.EOFError):
                break
    return found[position]
