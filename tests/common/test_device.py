"""Which device ``auto`` is, and how many threads nano takes; CUDA is a stand-in."""

from __future__ import annotations

import os

import pytest
import torch

from vqinsight.common import device as devices
from vqinsight.common.device import cpu_threads, pick_device, spare_threads
from vqinsight.errors import ModelError


@pytest.fixture
def two_cards(monkeypatch: pytest.MonkeyPatch) -> list[torch.device]:
    """Two cards, and the devices that were tried."""
    tried: list[torch.device] = []
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: f"Card {device.index}")
    monkeypatch.setattr(devices, "_check", lambda device, _: tried.append(device))
    return tried


def test_auto_is_the_cpu_without_cuda_whatever_else_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.accelerator, "current_accelerator", lambda: torch.device("mps"))
    said: list[str] = []
    assert pick_device("auto", said.append) == torch.device("cpu") and not said


def test_auto_takes_the_card_of_this_process_and_says_so(
    two_cards: list[torch.device], monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    monkeypatch.delenv("LOCAL_RANK", raising=False)
    assert pick_device("auto", said.append) == torch.device("cuda", 0)
    monkeypatch.setenv("LOCAL_RANK", "1")
    assert pick_device("auto", said.append) == torch.device("cuda", 1) == two_cards[-1]
    assert ["cuda:0 (Card 0)" in said[0], "cuda:1 (Card 1)" in said[1]] == [True, True] and len(said) == 2


@pytest.mark.parametrize("name", ["gpu", "cuda:99", "mps", "meta"])
def test_a_device_that_is_not_there_is_a_plain_error(name: str) -> None:
    with pytest.raises(ModelError, match=f"device '{name}'"):
        pick_device(name)


def test_a_device_by_name_is_not_announced() -> None:
    said: list[str] = []
    assert pick_device("cpu", said.append) == torch.device("cpu") and not said


def test_the_users_number_of_threads_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    cores = os.cpu_count() or 1
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr(torch, "get_num_threads", lambda: cores)
    assert spare_threads() == 1
    monkeypatch.setattr(torch, "get_num_threads", lambda: cores + 3)
    assert spare_threads() is None
    monkeypatch.setattr(torch, "get_num_threads", lambda: cores)
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    assert spare_threads() is None


def test_threads_are_limited_inside_only() -> None:
    before = torch.get_num_threads()
    with cpu_threads(before + 1):
        assert torch.get_num_threads() == before + 1
    assert torch.get_num_threads() == before
    with pytest.raises(ZeroDivisionError), cpu_threads(before + 1):
        raise ZeroDivisionError
    assert torch.get_num_threads() == before
