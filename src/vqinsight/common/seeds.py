"""Seeds that a text fixes, the same on every machine."""

from __future__ import annotations

import hashlib


def seed_of(text: str) -> int:
    """A seed in [0, 2^63) that a text fixes on every machine."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big") >> 1
