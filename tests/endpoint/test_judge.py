"""A model behind a server: the same frames, prompts and results as a loaded one's."""

from __future__ import annotations

import gc
import io
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from helpers import endpoint, tiny
from helpers.endpoint import Server
from PIL import Image

import vqinsight
from vqinsight.errors import ModelError
from vqinsight.inference.api import VQInsight
from vqinsight.inference.batches import WINDOW
from vqinsight.inference.endpoint.frames import FileView
from vqinsight.inference.endpoint.judge import EndpointJudge
from vqinsight.results import Tokens
from vqinsight.video.preprocess import ProcessedClip
from vqinsight.video.record import ClipInput
from vqinsight.video.views import view

Connect = Callable[..., EndpointJudge]
Grey = Callable[..., str]
EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
NO_INPUT = ClipInput("video", 0, 0, 0, 0.0, 0.0, (), (), "", (0, 0), ())  # no record is made


def behind(model: VQInsight) -> Callable[[endpoint.Body], str]:
    """A loaded model answers what a server is asked, about the frames that the server is sent."""
    lock = threading.Lock()

    def answer(body: endpoint.Body) -> str:
        spec = model.assessor.loaded.spec
        shown = []
        for frames in endpoint.frames_of(body):
            pixels = torch.from_numpy(frames).permute(0, 3, 1, 2)
            kind = "video" if len(frames) > 1 else "image"
            seen = view(kind, pixels, spec, 1.0, tuple(range(len(frames))))
            shown.append(ProcessedClip("", "video", (seen,), NO_INPUT))
        places = iter(range(len(shown)))
        content = [
            part if part["type"] == "text" else {"type": "clip", "index": next(places)}
            for part in endpoint.parts_of(body)
        ]
        messages = [body["messages"][0], {"role": "user", "content": content}]
        with lock:
            [[said]] = model.assessor.complete([(messages, [model.assessor.encode(clip) for clip in shown])])
        return said

    return answer


def test_frames_and_prompt_reach_the_model_as_if_it_were_here(
    server: Server, judge: Connect, tmp_path: Path, encode: ModuleType
) -> None:
    """An untaught model, whose words depend on every pixel and token: greedy texts are equal, pairs included."""
    same: dict[str, Any] = {"frames": 4, "max_pixels": 4096}
    folder = tiny.save(
        tiny.qwen2_5_vl(), tmp_path / "m", template="brief", seconds_per_grid=1.0, max_new_tokens=16, min_pixels=784
    )
    here = vqinsight.load(str(folder), device="cpu", dtype="float32", **same)
    server.answer = behind(here)
    clips = [str(encode.video(tmp_path / f"{n}.mp4", 12 + n, size=(160, 120))) for n in range(2)]
    there = judge(template="brief", **same)
    scores = [(clip, prompt) for clip in clips for prompt in (None, "a board")]
    pairs = [(each.score(clip, prompt) for clip, prompt in scores) for each in (here, there)]
    for local, remote in zip(*pairs, strict=True):
        assert remote.replies[0].text == local.replies[0].text != ""
        assert (remote.status, remote.input, remote.task) == (local.status, local.input, local.task)
        assert remote.replies[0].missing == local.replies[0].missing
    local_pair, remote_pair = here.compare(*clips), there.compare(*clips)
    for orders in ("forward", "swapped"):
        assert getattr(remote_pair, orders)[0].text == getattr(local_pair, orders)[0].text != ""
    assert there.ask(clips[0], "Is it sharp?").replies[0].text == here.ask(clips[0], "Is it sharp?").replies[0].text
    assert len({body["temperature"] for body in server.questions}) == 1 and "seed" not in server.questions[0]


def test_nano_behind_a_server_gives_the_same_statuses(server: Server, judge: Connect, nano: VQInsight) -> None:
    server.answer = behind(nano)
    cat, bad = (str(EXAMPLES / f"{name}.mp4") for name in ("cat", "cat_compressed"))
    there = judge(template="brief", max_pixels=112 * 84)
    assert there.score(cat).status == nano.score(cat).status == "ok"
    assert there.compare(cat, bad).status == nano.compare(cat, bad).status
    assert there.ask(cat, "Is the motion smooth?").status == nano.ask(cat, "Is the motion smooth?").status


def brighter(body: endpoint.Body) -> str:
    first, second = endpoint.brightness(body)
    return f"<answer>Video {'A' if first > second else 'B'}</answer>"


def test_pairs_are_asked_in_both_orders(server: Server, judge: Connect, grey: Grey) -> None:
    server.answer = brighter
    ranking = judge().rank([grey(40), grey(200), grey(120)], "grey")
    assert [Path(place.path).stem for place in ranking.standings] == ["200", "120", "40"]
    assert len(server.questions) == 6 and all(pair.consistent for pair in ranking.comparisons)
    assert ranking.order_bias == 0.0 and ranking.cycles == ()
    assert all("grey" in " ".join(endpoint.texts_of(body)) for body in server.questions)
    server.answer = lambda _: "<answer>Video A</answer>"
    pair = judge().compare(grey(40), grey(200))
    assert (pair.verdict, pair.consistent, pair.order_bias) == ("tie", False, 0.5)


PNG, JPEG = "PNG frames", "JPEG frames (quality 95, 4:4:4)"


@pytest.mark.parametrize(
    ("refused", "sent"),
    [
        (set(), f"{PNG} as one video without times"),
        ({"png"}, f"{JPEG} as one video without times"),
        ({"video_url"}, f"{PNG} as images with times"),
        ({"video_url", "png"}, f"{JPEG} as images with times"),
    ],
)
def test_how_frames_are_sent_is_found_out_once(
    server: Server, judge: Connect, grey: Grey, refused: set[str], sent: str
) -> None:
    server.refused, server.answer = refused, lambda body: f"<answer>{endpoint.brightness(body)[0] / 2.55:.2f}</answer>"
    asked = judge()
    trials = len(server.trials)
    found = [asked.score(grey(value)) for value in (51, 204)]
    assert [score.provenance.sent for score in found] == [sent] * 2 and len(server.trials) == trials
    assert [score.overall for score in found] == pytest.approx([20.0, 80.0], abs=2.0)
    assert (found[0].provenance.engine, found[0].provenance.host) == ("endpoint", server.host)
    assert (found[0].provenance.model, found[0].provenance.model_hash) == ("tiny", "0123456789ab")
    [body] = server.questions[:1]
    with Image.open(io.BytesIO(endpoint.files_of(body)[0][0])) as image:
        if "png" in refused:
            assert image.format == "JPEG" and max(image.quantization[0]) <= 12  # the standard's is 121
            assert [layer[1:3] for layer in image.layer] == [(1, 1)] * 3  # type: ignore[attr-defined]
        else:
            assert image.format == "PNG"
    times = [text for text in endpoint.texts_of(body) if text.startswith("frame at")]
    assert times == (
        ["frame at 0 s:", "frame at 0.08 s:", "frame at 0.21 s:", "frame at 0.29 s:"] if "video_url" in refused else []
    )


def test_a_server_that_trusts_its_clients_is_told_the_times(
    server: Server, judge: Connect, tmp_path: Path, encode: ModuleType
) -> None:
    """As vLLM reads the options: a frame is shown at index / fps, and the clip has frames / total * fps a second."""
    server.obeys, server.most = True, 2
    first, second = (str(encode.video(tmp_path / f"{n}.mp4", n, size=(64, 48))) for n in (3, 50))
    told: list[str] = []
    asked = judge(on_message=told.append)
    score = asked.score(second)
    assert score.provenance.sent == f"{PNG} as one video with times" and score.input is not None
    assert not any("a second apart" in line or "leaves out" in line for line in told)
    [options] = [body["media_io_kwargs"]["video"] for body in server.questions]
    fps, indices, total = (options[key] for key in ("fps", "frames_indices", "total_num_frames"))
    assert [index / fps for index in indices] == pytest.approx(score.input.times, abs=1e-4)
    assert len(indices) / total * fps == pytest.approx(4 / score.input.duration) and options["num_frames"] == -1
    asked.score(first)  # its frames repeat
    assert server.questions[-1]["media_io_kwargs"]["video"]["total_num_frames"] >= 4
    asked.compare(first, second)
    durations = [each.input.duration for each in (asked.score(first), score) if each.input is not None]
    rates = [4 / duration for duration in durations]
    assert server.questions[3]["media_io_kwargs"] == {"video": {"num_frames": -1, "fps": pytest.approx(sum(rates) / 2)}}
    judge(template="released").score(second)  # was taught with one second a temporal patch of two frames
    assert server.questions[-1]["media_io_kwargs"] == {"video": {"num_frames": -1, "fps": 2.0}}


def test_frames_have_the_patches_of_the_model_behind_another_name(
    server: Server, judge: Connect, tmp_path: Path, encode: ModuleType
) -> None:
    """Else the server resizes once more: 112 pixels a side of Qwen2.5-VL become 128 for Qwen3-VL."""
    clip = str(encode.video(tmp_path / "a.mp4", 8, size=(240, 240)))
    sizes = []
    for root in (None, 7, "/models/Qwen2.5-VL-7B-Instruct", "/models/Qwen3-VL-4B-Instruct"):
        server.models = [{"id": "tiny", "root": root}]
        shown = judge(max_pixels=12_544).score(clip).input
        assert shown is not None
        sizes.append(shown.size)
    assert sizes == [(112, 112)] * 3 + [(96, 96)]


def test_a_server_that_does_not_take_times_or_leaves_out_frames_is_named(
    server: Server, judge: Connect, grey: Grey
) -> None:
    server.refused, server.most, told = {"media_io_kwargs"}, 2, list[str]()
    score = judge(on_message=told.append).score(grey(9))
    assert score.provenance.sent == f"{PNG} as one video without times, of which the server leaves some out"
    assert "leaves out frames of a clip of 4" in told[0] and "--trust-request-mm-kwargs" in told[1]
    assert "media_io_kwargs" not in server.questions[0]
    server.most = 4
    assert "leaves some out" not in str(judge().assessor.form)


def test_probabilities_are_the_models_own_where_the_server_lets_them(
    server: Server, judge: Connect, grey: Grey
) -> None:
    judge().score(grey(9))
    plain = {"top_p": 1.0, "top_k": -1, "min_p": 0.0, "repetition_penalty": 1.0}
    assert {name: server.questions[0][name] for name in plain} == plain
    for refused, silent, left in (({"min_p"}, False, set(plain) - {"min_p"}), ({"min_p"}, True, set())):
        server.refused, server.silent = refused, silent
        assert judge().score(grey(9)).status == "ok"
        assert server.questions[-1].keys() & plain.keys() == left


def test_a_server_that_does_not_look_is_noticed(server: Server, judge: Connect) -> None:
    server.trial_tokens = 20  # the text alone
    with pytest.raises(ModelError, match=r"takes no frames for tiny.*taken, but not shown.*Name a model that sees"):
        judge()
    assert len(server.trials) == 4


def test_samples_come_in_one_response_or_one_by_one(server: Server, judge: Connect, grey: Grey) -> None:
    told: list[str] = []
    server.answer = lambda body: ["<answer>10</answer>", "<answer>20</answer>", "none"][: body.get("n", 1)]
    asked = judge(on_message=told.append)
    score = asked.score(grey(90), samples=3, seed=7, temperature=0.5)
    [body] = server.questions
    assert (body["n"], body["seed"], body["temperature"]) == (3, 7, 0.5)
    assert score.scores == {"quality": 15.0} and [reply.value is None for reply in score.replies] == [
        False,
        False,
        True,
    ]
    assert [reply.tokens for reply in score.replies] == [Tokens(100, 30), None, None]
    trials = sum(server.counted(body) for body in server.trials)
    assert told[-1].startswith(f"{server.host} counted {trials + 100:,} prompt and 60 completion tokens")

    server.refused, server.questions = {"n", "seed"}, []
    server.answer = lambda _: "<answer>30</answer>"
    score = asked.score(grey(90), samples=3)
    assert len(score.replies) == 3 and score.scores == {"quality": 30.0}
    assert [("n" in body, "seed" in body) for body in server.questions][-3:] == [(False, False)] * 3
    assert sum("takes no seed" in line for line in told) == 1

    server.refused, server.questions = set(), []
    asked = judge()
    score = asked.score(grey(90), samples=3)  # a server that ignores n
    assert [(body["n"], body["seed"]) for body in server.questions[:2]] == [(3, 0), (2, 1)] and len(score.replies) == 3


def test_servers_that_take_other_fields(server: Server, judge: Connect, grey: Grey) -> None:
    server.refused = {"max_tokens"}
    assert judge().score(grey(90)).status == "ok"
    assert server.questions[0]["max_completion_tokens"] == 1024
    server.refused = {"temperature"}
    with pytest.raises(ModelError, match=r"most likely answer.*--samples 5 --temperature 1"):
        judge()


def test_reasoning_that_is_kept_apart_is_kept(server: Server, judge: Connect, grey: Grey) -> None:
    message = {"content": "<answer>40</answer>", "reasoning_content": "I weigh <answer>90</answer>"}
    server.script.append(endpoint.says({"choices": [{"message": message}]}))
    score = judge().score(grey(90))
    assert score.scores == {"quality": 40.0} and score.reasoning == "I weigh <answer>90</answer>"
    assert score.replies[0].tokens is None


def test_images_and_files_that_cannot_be_read(server: Server, judge: Connect, grey: Grey, tmp_path: Path) -> None:
    still = tmp_path / "still.png"
    Image.fromarray(np.full((100, 100, 3), 77, np.uint8)).save(still)
    (tmp_path / "empty.mp4").touch()
    bad, image, clip = judge().score_all([(str(tmp_path / "empty.mp4"), None), (str(still), None), (grey(9), None)])
    assert (bad.status, image.status, clip.status) == ("unreadable", "ok", "ok") and image.task == "image"
    [pixels] = endpoint.frames_of(next(body for body in server.questions if "image" in endpoint.texts_of(body)[-1]))
    assert pixels.shape == (1, 112, 112, 3) and set(np.unique(pixels)) == {77}


def test_what_is_under_way_is_bounded(server: Server, judge: Connect, grey: Grey) -> None:
    """Two questions at a time; a slow first clip keeps neither the others waiting nor their frames in memory."""
    release = threading.Event()
    held: list[int] = []

    def slow(handler: Any, body: endpoint.Body) -> None:
        release.wait(60)
        handler.complete("<answer>1</answer>")

    def answer(body: endpoint.Body) -> str:
        if len(server.questions) == 6:
            time.sleep(1.5)  # what is decoded ahead is decoded by then
            held.append(sum(type(thing) is FileView for thing in gc.get_objects()))
        if len(server.questions) == 12:
            release.set()
        time.sleep(0.01)
        return "<answer>2</answer>"

    server.script.append(slow)
    server.answer = answer
    clip = grey(90)
    before = sum(type(thing) is FileView for thing in gc.get_objects())
    found = list(judge(concurrency=2, deadline=240).score_all([(clip, None)] * 40))
    assert sorted(score.overall or 0 for score in found) == [1.0, *[2.0] * 39] and found[2].overall == 2.0
    assert server.busiest == 2 and held[0] - before <= 2 + WINDOW + 2  # asked, decoded ahead, on the way between
