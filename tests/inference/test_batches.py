"""A clip that makes decoder or model fail is a failed record; the others get the answers they would have got."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from vqinsight.assessor.clips import ClipLoader
from vqinsight.errors import UnreadableVideo
from vqinsight.inference.api import VQInsight
from vqinsight.inference.batches import BATCH, WINDOW, Answered, Seen, answer, attempt, prefetch
from vqinsight.results import Reply
from vqinsight.tasks.types import Clip, Question
from vqinsight.video.preprocess import ProcessedClip
from vqinsight.video.views import View

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


def _sized(number: int, patches: int) -> ProcessedClip:
    shown = View("video", torch.zeros(patches, 1), (1, 1, patches), 1.0, ())
    return ProcessedClip(str(number), "video", (shown,), None)  # type: ignore[arg-type]


def test_clips_of_a_window_are_asked_in_even_batches_and_come_in_order() -> None:
    sizes = [(7 * number) % WINDOW + 1 for number in range(WINDOW)] + [3, 1]
    seen: list[Seen] = [(str(number), None, _sized(number, size)) for number, size in enumerate(sizes)]
    seen.insert(2, ("bad", None, UnreadableVideo("bad", "it is cut", "Get it again.")))
    asked: list[list[int]] = []

    def ask(batch: Sequence[tuple[Question, ProcessedClip]]) -> list[tuple[Reply, ...]]:
        asked.append([len(clip.views[0].patches) for _, clip in batch])
        return [(Reply(clip.path, "", None, None),) for _, clip in batch]

    outcomes = list(answer(seen, lambda path, prompt, _: Question("natural", (Clip(path, prompt),)), ask))
    assert [path for path, _, _ in outcomes] == [path for path, _, _ in seen]
    assert all(found.replies[0].text == path for path, _, found in outcomes if isinstance(found, Answered))
    assert [len(sizes) for sizes in asked] == [BATCH, BATCH - 1, 3]  # the bad clip's place in the window stays empty
    assert all(sizes == sorted(sizes) for sizes in asked) and max(asked[0]) <= min(asked[1])


def test_the_next_batch_is_decoded_while_the_model_answers() -> None:
    """The model, here, waits for a batch beyond the window that it was given."""
    loaded: set[str] = set()
    enough = threading.Event()

    def load(self: ClipLoader, path: Any) -> ProcessedClip:
        loaded.add(path)
        if len(loaded) >= WINDOW + BATCH:
            enough.set()
        return _sized(int(path), 1)

    def ask(batch: Sequence[tuple[Question, ProcessedClip]]) -> list[tuple[Reply, ...]]:
        if not enough.wait(20):
            pytest.fail(f"only {len(loaded)} clips are decoded")  # no Exception, which would be a failed clip
        return [(Reply("", "", None, None),) for _ in batch]

    class Loader(ClipLoader):
        try_load = load

    assessor = SimpleNamespace(clips=Loader(None, None, None))  # type: ignore[arg-type]
    clips = prefetch(assessor, ((str(number), None) for number in range(4 * WINDOW)))  # type: ignore[arg-type]
    question = Question("natural", (Clip("0"),))
    assert isinstance(next(answer(clips, lambda *_: question, ask))[2], Answered)


def test_several_questions_about_one_clip_decode_and_encode_it_once(
    nano: VQInsight, monkeypatch: pytest.MonkeyPatch
) -> None:
    questions = ["Is the motion smooth?", "Is the clip sharp?", "Is there flicker?"]
    alone = [nano.ask(CAT, text) for text in questions]
    load, loaded, before = ClipLoader.load, [], nano.assessor.tower.clips_encoded

    def loading(self: ClipLoader, path: str) -> Any:
        loaded.append(path)
        return load(self, path)

    monkeypatch.setattr(ClipLoader, "load", loading)
    together = nano.ask_about(CAT, questions)
    assert together == alone
    assert loaded == [CAT] and nano.assessor.tower.clips_encoded == before + 1
    _break(nano, monkeypatch, "encode", MemoryError())
    assert [answer.status for answer in nano.ask_about(BAD_CAT, questions)] == ["failed"] * 3
