"""A clip that makes decoder or model fail is a failed record; the others get the answers they would have got."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch

from vqinsight.assessor.clips import ClipLoader
from vqinsight.inference.api import VQInsight
from vqinsight.inference.batches import attempt

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
CAT, BAD_CAT, CIRCLES = (str(EXAMPLES / name) for name in ("cat.mp4", "cat_compressed.mp4", "circles.mp4"))
CLIPS = [(CAT, None), (BAD_CAT, None), (CIRCLES, None)]


@pytest.mark.parametrize(
    ("place", "error", "said"),
    [
        ("load", RuntimeError("decoder: bad frame\nat line 3"), "RuntimeError: decoder: bad frame"),
        ("load", MemoryError(), "out of memory (MemoryError)"),
        ("encode", torch.OutOfMemoryError("9 GiB"), "out of memory (OutOfMemoryError: 9 GiB)"),
        ("generate", torch.OutOfMemoryError("9 GiB"), "out of memory with 1 questions in a batch"),
    ],
)
def test_one_clip_fails_alone(
    nano: VQInsight, monkeypatch: pytest.MonkeyPatch, place: str, error: Exception, said: str
) -> None:
    expected = _cached(nano)
    _break(nano, monkeypatch, place, error)
    shares: list[float] = []
    found = list(nano.score_all(CLIPS, on_seconds=shares.append))
    assert [record.status for record in found] == ["ok", "failed", "ok"]
    assert [found[0].replies, found[2].replies] == expected
    assert found[1].scores is None and found[1].overall is None
    assert found[1].error is not None and found[1].error.startswith(f"{BAD_CAT}: {said}. ")
    assert len(shares) == 3 and min(shares) > 0
    if place == "load":
        answers = list(nano.ask_all(CLIPS[1:2], "Is the motion smooth?"))
        assert [(answer.status, answer.yes) for answer in answers] == [("failed", None)]
        assert nano.rank([CAT, BAD_CAT]).standings[-1].status == "failed"


def test_a_lost_device_ends_the_run() -> None:
    """Every clip after it would fail as well."""

    def lost() -> None:
        raise torch.AcceleratorError("device-side assert triggered")

    with pytest.raises(torch.AcceleratorError):
        attempt("a.mp4", lost)
    with pytest.raises(KeyboardInterrupt):
        attempt("a.mp4", lambda: (_ for _ in ()).throw(KeyboardInterrupt))


_EXPECTED: list[Any] = []


def _cached(nano: VQInsight) -> list[Any]:
    """The replies to the two clips that do not fail, asked once."""
    if not _EXPECTED:
        _EXPECTED.extend(record.replies for record in nano.score_all([CLIPS[0], CLIPS[2]]))
    return list(_EXPECTED)


def _break(nano: VQInsight, monkeypatch: pytest.MonkeyPatch, place: str, error: Exception) -> None:
    if place == "load":
        load = ClipLoader.load

        def loading(self: ClipLoader, path: str) -> Any:
            if path == BAD_CAT:
                raise error
            return load(self, path)

        monkeypatch.setattr(ClipLoader, "load", loading)
        return
    encode, generate = nano.assessor.encode, nano.assessor.generate
    digests: set[int] = set()

    def encoding(clip: Any) -> Any:
        if clip.path == BAD_CAT and place == "encode":
            raise error
        found = encode(clip)
        if clip.path == BAD_CAT:
            digests.update(id(view) for view in found.views)
        return found

    def generating(prompts: Any, encoded: Sequence[Sequence[Any]], *rest: Any, **named: Any) -> Any:
        if any(id(view) in digests for views in encoded for view in views):
            raise error
        return generate(prompts, encoded, *rest, **named)

    monkeypatch.setattr(nano.assessor, "encode", encoding)
    monkeypatch.setattr(nano.assessor, "generate", generating)
