"""Where a server may listen: imports nothing, so that wrong usage is said at once."""

from __future__ import annotations

import ipaddress

from vqinsight.errors import UsageError


def check_place(host: str, key: str | None) -> None:
    """Refuse to be reached from other machines without a key.

    Raises:
        UsageError: the address is no loopback address and there is no key, or the key is too short to be one.
    """
    if key is not None and (len(key) < 8 or not key.isascii() or not key.isprintable() or " " in key):
        raise UsageError("The key needs at least 8 letters, digits or signs of ASCII, without spaces.")
    if key is None and not _is_loopback(host):
        raise UsageError(
            f"{host} can be reached from other machines. Give a key with --api-key or VQINSIGHT_API_KEY, "
            "or leave --host at 127.0.0.1."
        )


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
