"""Choice of the device, the same for assessors, generators and baselines."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch

from vqinsight.errors import ModelError


def pick_device(name: str = "auto", on_message: Callable[[str], None] | None = None) -> torch.device:
    """The device of that name, checked to exist.

    Args:
        name: ``"auto"`` is CUDA (with several processes the device of ``LOCAL_RANK``), else the CPU. Other accelerators
            must be named (``mps``, ``xpu``).
        on_message: called with the choice of ``"auto"`` when it is not the CPU.

    Raises:
        ModelError: there is no such device.
    """
    if name == "auto":
        if not torch.cuda.is_available():
            return torch.device("cpu")
        device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))
        _check(device, f"device {str(device)!r} of LOCAL_RANK")
        if on_message is not None:
            on_message(f"Device: {device} ({torch.cuda.get_device_name(device)}). Another one: --device cpu.")
        return device
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise ModelError(f"device {name!r} is not known to torch. Try auto, cpu or cuda.") from error
    _check(device, f"device {name!r}")
    return device


def free_memory(device: torch.device) -> int | None:
    """Free bytes of a CUDA device or, for the CPU, of main memory; ``None`` where it is unknown."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    if device.type == "cpu" and "SC_AVPHYS_PAGES" in os.sysconf_names:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return None


def spare_threads() -> int | None:
    """1, the fastest for a model as small as nano; ``None`` where the user sets the number of threads.

    The user sets it by ``OMP_NUM_THREADS``, or by ``torch.set_num_threads`` with another number than torch's default,
    the number of cores.
    """
    cores = os.cpu_count() or 1
    chosen = "OMP_NUM_THREADS" in os.environ or torch.get_num_threads() not in (cores, cores // 2)
    return None if chosen else 1


@contextmanager
def cpu_threads(count: int | None) -> Iterator[None]:
    """A context in which torch uses ``count`` threads; ``None`` changes nothing."""
    before = torch.get_num_threads()
    if count is None or count == before:
        yield
        return
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _check(device: torch.device, source: str) -> None:
    """Refuse a device that cannot hold a tensor, before anything is loaded."""
    try:
        usable = torch.zeros(1, device=device).item() == 0
    except (RuntimeError, AssertionError, NotImplementedError):  # the errors of torch's backends
        usable = False
    if not usable:
        count = torch.cuda.device_count()
        raise ModelError(
            f"{source}: there is no such device here (CUDA devices: {count}; torch {torch.__version__}). "
            "Use --device auto or cpu."
        )
