"""lmms-eval's model without lmms-eval: the served model says what the loaded one does, and failures are none of it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from serving.conftest import CIRCLES, SQUARES, TEXT

from vqinsight.errors import UsageError
from vqinsight.inference.api import VQInsight
from vqinsight.lmms_eval.asking import Asker
from vqinsight.lmms_eval.figures import UNREADABLE
from vqinsight.lmms_eval.questions import TEMPLATE, messages
from vqinsight.serving.client import RewardError

if TYPE_CHECKING:
    import httpx


def row(task: str, *paths: Path, prompt: str | None = None, label: str = '"A"') -> dict[str, object]:
    scale = (0.0, 100.0) if task != "compare" else (None, None)
    low, high = scale
    kept = {"id": "1", "order": "", "group": None, "source": None, "low": low, "high": high}
    return {**kept, "task": task, "paths": [str(path) for path in paths], "prompt": prompt, "label": label}


def test_answers_are_those_of_the_model(
    client: httpx.Client, nano: VQInsight, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(TEMPLATE, "")
    asker = Asker(str(client.base_url))
    asker.take_template()
    assert os.environ[TEMPLATE] == "brief"
    (tmp_path / "empty.mp4").touch()
    (tmp_path / "noise.mp4").write_bytes(b"noise")
    questions = [
        row("generated", CIRCLES, prompt=TEXT, label="{}"),
        row("generated", tmp_path / "empty.mp4", prompt=TEXT, label="{}"),
        row("natural", tmp_path / "noise.mp4", label="{}"),
        row("compare", SQUARES, CIRCLES, prompt=TEXT),
        row("natural", tmp_path / "gone.mp4", label="{}"),
    ]
    score, empty, noise, pair, gone = asker.answers([lambda doc=doc: messages(doc) for doc in questions])
    assert score == nano.score(str(CIRCLES), TEXT).replies[0].text
    assert pair == nano.compare(str(SQUARES), str(CIRCLES), TEXT).forward[0].text
    assert all(answer.startswith(UNREADABLE) for answer in (empty, noise, gone))
    assert "no such file" in gone.lower() and "{" not in noise


def test_a_failure_is_no_answer(client: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(TEMPLATE, "brief")
    asker = Asker(str(client.base_url))
    monkeypatch.setattr(asker._client, "post", lambda *_: {"choices": []})
    with pytest.raises(RewardError, match="no text"):
        next(asker.answers([list]))
    with pytest.raises(UsageError, match="no audio"):
        asker.answer([{"role": "user", "content": [{"type": "audio", "url": "a.wav"}]}])

    def failing(*_: object) -> None:
        raise RewardError("/v1/chat/completions answered 500: answered 400: {}", 500, "answered 400: {}")

    monkeypatch.setattr(asker._client, "post", failing)
    with pytest.raises(RewardError, match="answered 500"):
        asker.answer([])
    monkeypatch.setattr(asker._client, "get", lambda *_: {"data": [{"id": "x", "template": "mine-0123"}]})
    monkeypatch.setenv(TEMPLATE, "")
    with pytest.raises(UsageError, match="VQINSIGHT_TEMPLATE to its file"):
        asker.take_template()
