"""The most main memory that this process takes."""

from __future__ import annotations

from pathlib import Path

_STATUS, _REFERENCES = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def reset_peak() -> None:
    """Begin to count anew, where the system can (Linux)."""
    try:
        _REFERENCES.write_text("5")
    except OSError:
        return


def peak_mib() -> int | None:
    """The most memory since ``reset_peak`` or the start, in MiB; ``None`` where it is unknown."""
    try:
        lines = _STATUS.read_text().splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) // 1024 for line in lines if line.startswith("VmHWM:")), None)
