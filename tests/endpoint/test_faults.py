"""What a server and the network can do: a missing answer with its reason, or one line that says what to do."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from helpers import endpoint
from helpers.endpoint import Body, Handler, Server, drops, fails, hangs, says, serving

from vqinsight.errors import ModelError, UsageError
from vqinsight.inference.endpoint.client import Client
from vqinsight.inference.endpoint.judge import EndpointJudge, connect
from vqinsight.settings.endpoint import EndpointSettings

Connect = Callable[..., EndpointJudge]
Grey = Callable[..., str]
Fault = Callable[[Handler, Body], None]
GOOD = {"choices": [{"message": {"content": "<answer>50</answer>"}}]}


@pytest.mark.parametrize(
    ("faults", "wait"),
    [
        ([fails(500), fails(503)], 0.0),
        ([fails(429, retry_after="2.5")], 2.5),
        ([fails(503, retry_after=format_datetime(datetime.now(UTC) - timedelta(hours=1), usegmt=True))], 0.0),
        ([drops, drops], 0.0),
        ([hangs(5.0)], 3.0),  # half the deadline
    ],
    ids=["500", "429", "date", "dropped", "timeout"],
)
def test_what_passes_is_tried_again(
    server: Server, judge: Connect, grey: Grey, faults: list[Fault], wait: float
) -> None:
    asked, clip = judge(deadline=6.0), grey(90)
    server.script.extend(faults)
    assert asked.score(clip).scores == {"quality": 50.0}
    assert len(server.questions) == len(faults) + 1 and server.times[1] - server.times[0] >= wait


@pytest.mark.parametrize(
    ("fault", "reason", "tries"),
    [
        (says(b"<html>it works</html>"), "the response is no complete JSON", 1),
        (says(json.dumps(GOOD).encode()[:40]), "the response is no complete JSON", 1),
        (says(b"[" * 100_000), "the response is no complete JSON", 1),
        (says(b"\xff\xfe\x00"), "the response is no complete JSON", 1),
        (says([1, 2]), "the response has no choices", 1),
        (says({"choices": [], "error": {"message": "no card free"}}), "the response has no choices: no card free", 1),
        (says({"choices": [{"message": {"content": None}}]}), "the answer has no text", 1),
        (says({"choices": [{"message": {"content": 71.5}}]}), "the answer has no text", 1),
        (
            says({"choices": [{"message": {"content": " "}, "finish_reason": "length"}]}),
            "within the limit of tokens",
            1,
        ),
        (says({"choices": ["<answer>50</answer>"]}), "a choice without a message", 1),
        (says({"choices": [{"message": {"content": "It is good."}}]}), "no <answer>", 1),
        (fails(400, "too many tokens"), "refuses the question (400: too many tokens)", 1),
        (fails(413), "refuses the question (413", 1),
        (fails(429, retry_after="600"), "no answer from the server within 3 s (429 overloaded; tried 1 times)", 1),
        (hangs(4), "no answer from the server within 3 s (no response in time", 2),
        (drops, "no answer from the server within 3 s (the connection failed", 2),
    ],
)
def test_what_stays_is_a_missing_answer_and_nothing_else(
    server: Server, judge: Connect, grey: Grey, fault: Fault, reason: str, tries: int
) -> None:
    asked, clips = judge(deadline=3.0, concurrency=1), [(grey(60), None), (grey(160), None)]

    def again(handler: Handler, body: Body) -> None:
        """Whenever it is the first clip's turn."""
        if endpoint.brightness(body)[0] > 100:
            handler.complete("<answer>50</answer>")
        else:
            fault(handler, body)

    server.script.extend([again] * 20)
    first, second = asked.score_all(clips)
    assert (first.status, first.scores, first.overall) == ("missing", None, None)
    assert first.error is not None and reason in first.error and clips[0][0] in first.error
    assert second.scores == {"quality": 50.0}
    assert len(server.questions) - 1 >= tries and (tries > 1 or len(server.questions) == 2)


def test_a_fault_in_one_order_leaves_a_pair_without_a_verdict(server: Server, judge: Connect, grey: Grey) -> None:
    server.script.append(says(b"{"))
    server.answer = lambda _: "<answer>Video A</answer>"
    pair = judge(concurrency=1).compare(grey(40), grey(200))
    assert (pair.status, pair.verdict, pair.consistent) == ("missing", None, None)
    assert pair.error is not None and "no complete JSON" in pair.error and pair.swapped[0].value == "A"


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (401, "refuses access (401: who?).*name the variable: --api-key-env NAME"),
        (403, "refuses access"),
        (404, "knows no such address or model (404: who?).*Check --url"),
    ],
)
def test_what_no_question_would_survive_stops_at_once(
    server: Server, judge: Connect, grey: Grey, status: int, message: str
) -> None:
    asked = judge(concurrency=1)
    server.script.extend([says(GOOD), fails(status, "who?"), says(GOOD), says(GOOD)])
    scores = asked.score_all([(grey(90), None)] * 4)
    assert next(scores).status == "ok"
    with pytest.raises(ModelError, match=message.replace("(", r"\(").replace("?)", r"\?\)")):
        list(scores)
    assert len(server.questions) <= 3


def test_redirects_are_not_followed(server: Server, judge: Connect, grey: Grey) -> None:
    with serving() as other:
        asked = judge(api_key_env=None)
        server.script.append(fails(307, "moved", location=f"{other.url}/chat/completions"))
        score = asked.score(grey(90))
        assert score.status == "missing" and f"redirected to {other.host}, which is not followed" in str(score.error)
        assert (other.headers, other.questions) == ([], [])


def test_a_server_that_is_not_there(server: Server) -> None:
    server.shutdown()
    server.server_close()
    with pytest.raises(
        ModelError, match=f"{server.host} gives no answer .the connection failed.* Is the server running"
    ):
        connect(server.url, deadline=1.0)


def test_which_model_is_asked(server: Server, grey: Grey) -> None:
    server.models = [{"id": "a"}, {"id": "b"}]
    with pytest.raises(UsageError, match=r"serves 2 models. Name one: --model a \| b"):
        connect(server.url)
    named = connect(server.url, "b", frames=4)
    assert (named.score(grey(90)).provenance.model, server.questions[0]["model"]) == ("b", "b")
    assert named.provenance(1, 0, 1.0).model_hash == "remote"
    server.models = None
    with pytest.raises(ModelError, match=r"does not list its models .404: Not Found.*--model NAME"):
        connect(server.url)
    assert connect(server.url, "b").assessor.model == "b"


def test_a_template_that_is_not_known_here_is_said(server: Server) -> None:
    told: list[str] = []
    server.models = [{"id": "one", "template": "their own"}]
    assert connect(server.url, on_message=told.append).assessor.prompt_set.name == "standard"
    assert any("'their own'" in line and "--template" in line for line in told)
    server.models = [{"id": "one", "template": "brief"}]
    assert connect(server.url).assessor.prompt_set.name == "brief"
    assert connect(server.url, template="released").assessor.prompt_set.name == "released"


def test_the_key_comes_from_its_variable_and_goes_nowhere_else(
    server: Server, judge: Connect, grey: Grey, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    key = "sk-hidden-0123456789"
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-another-server")
    monkeypatch.setenv("OPENAI_ORG_ID", "org")
    told: list[str] = []
    judge(on_message=told.append).score(grey(90))
    assert all("authorization" not in {name.lower() for name in sent} for sent in server.headers)
    assert "org" not in {value for sent in server.headers for value in sent.values()}

    monkeypatch.setenv("MY_KEY", key)
    server.headers.clear()
    asked = judge(api_key_env="MY_KEY", on_message=told.append, concurrency=1)
    server.script.extend([fails(400, "x" * 190 + key), says({**GOOD, "error": key}), fails(401, f"bad key {key}")])
    caplog.set_level("DEBUG")
    server.answer = lambda _: f"<think>{key}</think><answer>50</answer>"
    first, second = asked.score_all([(grey(90), None), (grey(91), None)])
    with pytest.raises(ModelError) as stopped:
        asked.score(grey(92))
    echo = asked.score(grey(93))
    assert {sent["authorization"] for sent in map(_lower, server.headers)} == {f"Bearer {key}"}
    everything = json.dumps([each.as_dict() for each in (first, second, echo)]) + str(stopped.value) + "".join(told)
    assert key[:8] not in everything and "[key]" in everything and key not in caplog.text

    monkeypatch.setenv("MY_KEY", "")
    with pytest.raises(UsageError, match="--api-key-env MY_KEY: this environment variable is empty"):
        judge(api_key_env="MY_KEY")
    monkeypatch.setenv("MY_KEY", "a\nb")
    with pytest.raises(UsageError, match="holds no key"):
        judge(api_key_env="MY_KEY")


def _lower(headers: dict[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("http://localhost:8000", "http://localhost:8000/v1"),
        ("https://api.host/v1/", "https://api.host/v1"),
        ("https://api.host/openai/v1/chat/completions", "https://api.host/openai/v1"),
    ],
)
def test_addresses(url: str, address: str) -> None:
    assert EndpointSettings(url=url).url == address


@pytest.mark.parametrize(
    "url",
    ["localhost:8000", "file:///etc", "http://", "http://h:x/v1", "http://me:secret@h/v1", "http://h/v1?key=secret"],
)
def test_wrong_addresses_are_refused_without_their_secrets(url: str) -> None:
    with pytest.raises(UsageError) as error:
        connect(url)
    assert "secret" not in str(error.value) and str(error.value).startswith("--url: ")


def test_the_line_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "openai", None)
    with pytest.raises(ModelError, match=r"openai is not installed. Install it: pip install 'vqinsight\[endpoint\]'"):
        Client(EndpointSettings(url="http://localhost:1"))
