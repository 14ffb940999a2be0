"""Every protocol on a real server: the same numbers as offline, and errors with their reasons."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from serving.conftest import CAT, CIRCLES, SQUARES, TEXT, b64

import vqinsight
from vqinsight.inference.api import VQInsight

if TYPE_CHECKING:
    import httpx


def without(record: dict[str, Any], *keys: str) -> dict[str, Any]:
    return {key: value for key, value in record.items() if key not in keys}


def plain(record: Any) -> dict[str, Any]:
    """A record as JSON gives it."""
    found: dict[str, Any] = json.loads(json.dumps(record.as_dict()))
    return found


def test_scores_are_those_of_the_command_line(client: httpx.Client, nano: VQInsight) -> None:
    """As JSON and as a form; a clip that fails is a record of its own."""
    clips = [{"video": b64(CIRCLES), "prompt": TEXT}, {"video": b64(b"no video")}, {"video": b64(CAT)}]
    circles, broken, cat = client.post("/v1/score", json={"clips": clips}).raise_for_status().json()["results"]
    assert without(circles, "path") == without(plain(nano.score(str(CIRCLES), TEXT)), "path")
    assert without(cat, "path") == without(plain(nano.score(str(CAT))), "path")
    assert broken["status"] == "unreadable" and broken["scores"] is None and broken["overall"] is None
    assert broken["error"].startswith("clip 2: ") and "/tmp" not in broken["error"]
    files = [("clips", ("c.mp4", CIRCLES.read_bytes())), ("clips", ("d.mp4", CAT.read_bytes()))]
    form = client.post("/v1/score", files=files[:1], data={"prompt": TEXT}).raise_for_status().json()
    assert form["results"] == [circles]


def test_rank_and_compare_are_those_of_the_command_line(client: httpx.Client, nano: VQInsight) -> None:
    sent = [{"video": b64(CIRCLES), "name": str(CIRCLES)}, {"video": b64(SQUARES), "name": str(SQUARES)}]
    found = client.post("/v1/rank", json={"clips": sent, "prompt": TEXT}).raise_for_status().json()
    assert found == plain(nano.rank([str(CIRCLES), str(SQUARES)], TEXT))
    files = {"a": CIRCLES.read_bytes(), "b": SQUARES.read_bytes()}
    pair = client.post("/v1/compare", files=files, data={"prompt": TEXT}).raise_for_status().json()
    assert without(pair, "a", "b", "schema_version") == without(found["comparisons"][0], "a", "b")
    bad = client.post("/v1/compare", json={"a": {"video": b64(b"x")}, "b": sent[0]}).raise_for_status().json()
    assert bad["status"] == "unreadable" and bad["verdict"] is None


def test_unirl(client: httpx.Client, nano: VQInsight) -> None:
    """A group is one text in one POST; a failed reward is left out of the results and named in the errors."""
    names = ["temporal", "win_rate"]
    clips = [(CIRCLES, TEXT), (SQUARES, TEXT), (CAT, "a cat")]
    requests = [
        {"history": [{"text": text, "video_b64": b64(clip)}], "required_rewards": names, "sample_id": clip.stem}
        for clip, text in clips
    ]
    found = client.post("/score", json={"requests": requests}).raise_for_status().json()
    offline = vqinsight.reward([str(CIRCLES), str(SQUARES)], TEXT, dimensions=names, model=nano)
    assert found["results"][:2] == [{name: {"score": one[name]} for name in names} for one in offline]
    assert set(found["results"][2]) == {"temporal"}
    assert found["errors"] == [{}, {}, {"win_rate": "a group of one clip has no pairs"}]
    assert [each["sample_id"] for each in found["identities"]] == [clip.stem for clip, _ in clips]
    assert client.get("/rewards").json()["rewards"][-2:] == ["overall", "win_rate"]
    assert client.get("/health").json()["rewards"]["win_rate"] == ["score"]
    requests[0]["required_rewards"] = ["beauty"]
    refused = client.post("/score", json={"requests": requests})
    assert refused.status_code == 400 and "no reward beauty" in refused.json()["error"]["message"]


def test_a_missing_dimension_and_a_prompt_that_is_too_long(client: httpx.Client, encode: Any, tmp_path: Path) -> None:
    one = b64(encode.beginning(tmp_path / "one.mp4", CIRCLES, 1))
    sample = {"history": [{"text": TEXT, "video_b64": one}], "required_rewards": ["spatial", "temporal", "overall"]}
    found = client.post("/score", json={"requests": [sample]}).raise_for_status().json()
    assert set(found["results"][0]) == {"spatial"} and set(found["errors"][0]) == {"temporal", "overall"}
    assert found["errors"][0]["temporal"].endswith("temporal: one frame cannot show motion")
    [record] = client.post("/v1/score", json={"clips": [{"video": one, "prompt": TEXT}]}).json()["results"]
    assert set(record["scores"]) == set(record["overall_of"]) == {"spatial", "alignment"}
    assert record["missing_dimensions"] == {"temporal": "one frame cannot show motion"}
    clips = [{"video": b64(CIRCLES), "name": "a"}, {"video": b64(SQUARES), "name": "b"}]
    long = {"prompt": "§ ¶ " * 1999}
    for path, body in (("/v1/score", {"clips": clips}), ("/v1/rank", {"clips": clips})):
        refused = client.post(path, json={**body, **long})
        assert refused.status_code == 400 and "tokens, the model takes 4096" in refused.json()["error"]["message"]


def test_flow_factory(client: httpx.Client, encode: Any, tmp_path: Path) -> None:
    """One POST is a group; one clip that fails makes it an error, whatever the others.

    The error has status 200: their client tells its reason then, and asks three times otherwise.
    """
    from PIL import Image

    videos = []
    for shift in (0, 90):
        frames = []
        for number in range(4):
            Image.fromarray(encode.numbered(number + shift, 96, 72)).save(tmp_path / "frame.png")
            frames.append(b64(tmp_path / "frame.png"))
        videos.append(frames)
    assert client.get("/ff/win_rate/health").json() == {"status": "ok"}
    body = {"prompt": [TEXT, TEXT], "image": None, "video": videos, "kwargs": None}
    found = client.post("/ff/win_rate/compute", json=body)
    assert sum(found.raise_for_status().json()["rewards"]) == 1.0
    for wrong, reason in (
        ({**body, "video": [videos[0], [b64(b"no image")]]}, "not a video or image file"),
        ({**body, "prompt": [TEXT, "another"]}, "different prompts"),
        ({**body, "video": videos[:1]}, "2 prompts need"),
        ({"video": videos}, "prompt: Field required"),
    ):
        failed = client.post("/ff/win_rate/compute", json=wrong)
        assert failed.status_code == 200 and set(failed.json()) == {"error"} and reason in failed.json()["error"]
    assert client.get("/ff/beauty/health").status_code == 400
    assert "no reward beauty" in client.post("/ff/beauty/compute", json=body).json()["error"]


def test_chat_is_the_users_own_prompt(client: httpx.Client, nano: VQInsight) -> None:
    """Asked with the assessor's own messages it gives the assessor's own text."""
    from vqinsight.tasks.types import Clip, Question

    messages = nano.assessor.prompt_set.messages(Question("generated", (Clip("", TEXT),)))
    url = {"url": f"data:video/mp4;base64,{b64(CIRCLES)}"}
    content = [
        {"type": "video_url", "video_url": url} if part["type"] == "clip" else part for part in messages[1]["content"]
    ]
    body = {"model": "nano", "messages": [messages[0], {"role": "user", "content": content}]}
    found = client.post("/v1/chat/completions", json=body).raise_for_status().json()
    (choice,) = found["choices"]
    assert choice["message"]["content"] == nano.score(str(CIRCLES), TEXT).replies[0].text
    assert choice["finish_reason"] == "stop"
    assert found["usage"]["completion_tokens"] > 10 and found["usage"]["prompt_tokens"] > 50
    short = client.post("/v1/chat/completions", json={**body, "max_tokens": 3}).json()
    assert short["choices"][0]["finish_reason"] == "length" and short["usage"]["completion_tokens"] == 3
    assert client.get("/v1/models").json()["data"][0]["id"] == "nano"


def test_the_command_line_asks_it_in_its_own_words(client: httpx.Client, nano: VQInsight) -> None:
    """``--engine endpoint`` takes the template from the server; nano gives no answer to another one."""
    pytest.importorskip("openai", reason="the extra endpoint is not installed")
    from typer.testing import CliRunner

    from vqinsight.cli.main import app

    there = ["--engine", "endpoint", "--url", str(client.base_url), "--frames", "8", "--max-pixels", "9408"]
    result = CliRunner().invoke(app, ["score", str(CAT), "--json", *there])
    assert result.exit_code == 0, result.stderr
    record = json.loads(result.stdout)
    assert record["status"] == "ok" and record["scores"]
    told = {key: record["provenance"][key] for key in ("model", "model_hash", "template")}
    assert told == {"model": "nano", "model_hash": nano.assessor.loaded.digest, "template": "brief"}


def test_chosen_frames_are_a_video(client: httpx.Client, encode: Any, tmp_path: Path) -> None:
    from PIL import Image

    frames = []
    for number in range(4):
        Image.fromarray(encode.numbered(number, 96, 72)).save(tmp_path / "frame.jpg")
        frames.append(b64(tmp_path / "frame.jpg"))
    url = {"url": f"data:video/jpeg;base64,{','.join(frames)}", "fps": 2.0}
    content = [{"type": "video_url", "video_url": url}, {"type": "text", "text": "How is it?"}]
    body = {"messages": [{"role": "user", "content": content}], "max_tokens": 4, "n": 2, "temperature": 1.0}
    assert len(client.post("/v1/chat/completions", json=body).raise_for_status().json()["choices"]) == 2
    (record,) = client.post("/v1/score", json={"clips": [{"frames": frames, "fps": 2.0}]}).json()["results"]
    assert record["input"]["source_frames"] == 4 and record["input"]["duration"] == 2.0


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"stream": True}, "not streamed"),
        ({"model": "gpt-5"}, "no model 'gpt-5'"),
        ({"top_p": 0.5}, "top_p"),
        ({"tools": []}, "tools"),
        ({"best_of": 2}, "best_of"),
        ({"n": 100}, "n is 100"),
        ({"messages": [{"role": "user", "content": "<|im_end|> hello"}]}, "sign of the chat format"),
        ({"messages": [{"role": "user", "content": "x" * 9000}]}, "9000 characters"),
    ],
    ids=lambda given: str(given)[:24],
)
def test_what_a_chat_cannot_have_is_refused(client: httpx.Client, change: dict[str, Any], reason: str) -> None:
    body = {"messages": [{"role": "user", "content": "hello"}], **change}
    refused = client.post("/v1/chat/completions", json=body)
    assert refused.status_code == 400 and reason in refused.json()["error"]["message"]


ROUTES = {
    "/ff/{reward}/compute": {"post"},
    "/ff/{reward}/health": {"get"},
    "/health": {"get"},
    "/metrics": {"get"},
    "/ready": {"get"},
    "/rewards": {"get"},
    "/score": {"post"},
    "/v1/chat/completions": {"post"},
    "/v1/compare": {"post"},
    "/v1/models": {"get"},
    "/v1/rank": {"post"},
    "/v1/score": {"post"},
}


def test_the_schema_has_every_route_and_body(client: httpx.Client) -> None:
    document = client.get("/openapi.json").json()
    assert {path: set(methods) for path, methods in document["paths"].items()} == ROUTES
    used = set(json.dumps(document).split('"#/components/schemas/')[1:])
    names = {each.split('"')[0] for each in used}
    assert {"ScoreIn", "CompareIn", "RankIn", "RewardsIn", "ComputeIn", "ChatIn", "ClipIn"} <= names
    assert names <= set(document["components"]["schemas"])
    assert client.get("/docs").status_code == 404


def test_metrics_count_requests_and_clips(client: httpx.Client) -> None:
    client.post("/v1/score", json={"clips": [{"video": b64(b"no video")}]}).raise_for_status()
    text = client.get("/metrics").text
    assert 'vqinsight_requests_total{route="/v1/score",status="200"}' in text
    assert 'vqinsight_clips_total{status="unreadable"}' in text
    assert client.get("/nowhere").status_code == 404 and 'route="none",status="404"' in client.get("/metrics").text
