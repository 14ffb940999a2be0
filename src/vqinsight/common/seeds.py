"""Seeds derived from texts, the same on every machine."""

from __future__ import annotations

import hashlib


def seed_of(text: str) -> int:
    """A seed in [0, 2^63) derived from the text, the same on every machine."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big") >> 1
