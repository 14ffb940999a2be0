"""What a server takes from a client at most, checked before anything is held or decoded."""

from __future__ import annotations

from dataclasses import dataclass

_MIB = 1024 * 1024


@dataclass(frozen=True)
class Limits:
    """Limits of one request.

    Attributes:
        max_bytes: of a request's body, and of a file below an allowed folder.
        max_clips: of one request.
        max_frames: of one clip.
        max_pixels: width x height of a clip's frames, below ``video.bounds.MAX_PIXELS`` of the rest of the package.
        max_seconds: length of a clip.
        max_prompt: characters of a text.
        max_samples: answers drawn a question.
        head_seconds: until a request's headers have arrived, from the connection or its first byte.
        body_seconds: until the body has arrived.
        body_start: seconds after which the body must have come at ``body_rate``.
        body_rate: bytes a second.
        decode_seconds: of decoding one clip, on the clock and of CPU time.
        decode_memory: bytes that decoding one clip may allocate.
        queue: requests that are held at once; others wait outside.
        queue_wait: seconds that a request waits outside before it is refused.
    """

    max_bytes: int = 64 * _MIB
    max_clips: int = 64
    max_frames: int = 3600
    max_pixels: int = 4096 * 2304
    max_seconds: float = 300.0
    max_prompt: int = 8000
    max_samples: int = 16
    head_seconds: float = 10.0
    body_seconds: float = 60.0
    body_start: float = 10.0
    body_rate: int = 64 * 1024
    decode_seconds: int = 60
    decode_memory: int = 2048 * _MIB
    queue: int = 16
    queue_wait: float = 30.0
