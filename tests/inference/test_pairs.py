"""Pairs prompt by prompt: each clip is decoded and encoded once, and a failure is that of its own pairs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from vqinsight.assessor.clips import ClipLoader
from vqinsight.errors import ModelError, UnreadableVideo
from vqinsight.inference.api import VQInsight
from vqinsight.inference.endpoint.judge import EndpointJudge
from vqinsight.ranking import standings
from vqinsight.results import ClipComparison, read_record, without_previews
from vqinsight.video.entries import PairGroup

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
CAT, BAD_CAT, CIRCLES = (str(EXAMPLES / name) for name in ("cat.mp4", "cat_compressed.mp4", "circles.mp4"))
ROW = UnreadableVideo("row 3 of list.csv", "no path", "Fill it in.")
FIRST = PairGroup("a cat", (CAT, BAD_CAT, ROW), ((0, 1), (2, 0), (1, 2)))
SECOND = PairGroup(None, (CIRCLES, CAT), ((0, 1),))


@pytest.fixture(scope="module")
def plain(nano: VQInsight) -> list[ClipComparison]:
    """Each pair by itself."""
    return [nano.compare(CAT, BAD_CAT, "a cat"), nano.compare(CIRCLES, CAT)]


def test_groups_are_as_single_comparisons_with_each_clip_loaded_once(
    nano: VQInsight, plain: list[ClipComparison], monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded: list[str] = []
    load = ClipLoader.load
    monkeypatch.setattr(ClipLoader, "load", lambda self, path: (loaded.append(path), load(self, path))[1])
    before, shares = nano.assessor.tower.clips_encoded, list[float]()
    found = list(nano.compare_all([FIRST, SECOND], on_seconds=shares.append))
    assert [found[0], found[3]] == plain and len(shares) == 4 and min(shares) > 0
    assert sorted(loaded) == sorted([CAT, BAD_CAT, CIRCLES, CAT]) and nano.assessor.tower.clips_encoded - before == 4
    for record, sides in ((found[1], (None, CAT)), (found[2], (BAD_CAT, None))):
        assert (record.status, record.verdict, record.error) == ("unreadable", None, str(ROW))
        assert [record.input_a is None, record.input_b is None] == [side is None for side in sides]
    for record in found:
        assert read_record(record.as_dict()) == without_previews(record)


@pytest.mark.parametrize("place", ["encode", "ask"])
def test_one_clip_fails_alone(
    nano: VQInsight, plain: list[ClipComparison], monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    work = getattr(nano.assessor, place)

    def failing(given: Any, **options: Any) -> Any:
        paths = [given.path] if place == "encode" else [clip.path for question, _ in given for clip in question.clips]
        if BAD_CAT in paths:
            raise torch.OutOfMemoryError("9 GiB")
        return work(given, **options)

    monkeypatch.setattr(nano.assessor, place, failing)
    group = PairGroup(None, (CIRCLES, BAD_CAT, CAT), ((0, 1), (0, 2), (1, 2)))
    found = list(nano.compare_all([group]))
    assert [record.status for record in found] == ["failed", "ok", "failed"] and found[1] == plain[1]
    name = BAD_CAT if place == "encode" else f"{CIRCLES} against {BAD_CAT}"
    assert found[0].error is not None and found[0].error.startswith(f"{name}: out of memory (OutOfMemoryError: 9 GiB)")
    ranking = standings.ranking(None, found, found[0].provenance)
    placed = [(clip.path, clip.status) for clip in ranking.standings]
    if place == "encode":
        assert placed[-1] == (BAD_CAT, "failed") and len(ranking.comparisons) == 1 and ranking.clips_encoded == 2
    else:  # it was shown, and nothing was answered
        assert {status for _, status in placed} == {"ok"}
        assert [pair.status for pair in ranking.comparisons] == ["failed", "ok", "failed"]


def test_a_server_that_refuses_ends_the_run(nano: VQInsight, monkeypatch: pytest.MonkeyPatch) -> None:
    """What no pair would survive is no failure of each of a hundred thousand pairs."""

    def refuses(*_: Any, **__: Any) -> Any:
        raise ModelError("the server refuses access")

    monkeypatch.setattr(nano.assessor, "ask", refuses)
    judge = EndpointJudge(nano.assessor, "remote")  # type: ignore[arg-type]
    monkeypatch.setattr(judge, "provenance", nano.provenance)
    with pytest.raises(ModelError, match="refuses access"):
        list(judge.compare_all([SECOND]))
