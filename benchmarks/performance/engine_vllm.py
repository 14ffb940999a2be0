"""vLLM against a model that is loaded here: prompts, probabilities and answers (``benchmarks.performance.engines``).

The model is nano, shown plain frames at their own times. It is not taught to be asked so, and answers all the same:
what counts is that both engines say the same. ``--layout`` adds untaught models in official layouts, whose answers are
noise; of them only prompts and probabilities are compared.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from vqinsight.assessor import generate
from vqinsight.inference.api import VQInsight, load
from vqinsight.inference.endpoint.chat import chat, video_options
from vqinsight.inference.endpoint.judge import EndpointJudge, connect
from vqinsight.tasks.types import Clip, Question
from vqinsight.weights import ASSESSOR

READY_WITHIN = 1800  # seconds; a minute on an idle machine
SETTINGS = ("--max-model-len", "4096", "--max-num-seqs", "4", "--enforce-eager", "--trust-request-mm-kwargs")
_QUESTION = "Is the motion smooth?"
_LOOK = {"frames": 8, "max_pixels": 12_544}
_TOKENS = 8  # whose probabilities are compared
_UNTOLD = 2.0  # seconds a temporal patch of two frames where vLLM is not told: it takes frames to be a second apart


@contextmanager
def serving(program: Path, model: Path, log: Path, dtype: str = "bfloat16", *more: str) -> Iterator[str]:
    """vLLM on a free port of this machine, serving a model under the name ``tiny``; its address.

    Raises:
        RuntimeError: it ends, or is not ready in time; with the end of its log.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [str(program), "serve", str(model), "--host", "127.0.0.1", "--port", str(port), "--dtype", dtype]
    command += ["--served-model-name", "tiny", *SETTINGS, *more]
    own = {"VLLM_CPU_KVCACHE_SPACE": "1", "VLLM_CPU_OMP_THREADS_BIND": "nobind", "OMP_NUM_THREADS": "1"}
    # A compiler would take longer than all the rest, and a busy machine is not a broken one.
    own |= {"TORCHDYNAMO_DISABLE": "1", "VLLM_EXECUTE_MODEL_TIMEOUT_SECONDS": str(READY_WITHIN)}
    quiet = {"HF_HUB_OFFLINE": "1", "VLLM_NO_USAGE_STATS": "1", "DO_NOT_TRACK": "1"}
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"} | own | quiet
    with log.open("wb") as output, subprocess.Popen(command, env=environment, stdout=output, stderr=output) as process:
        try:
            end = time.monotonic() + READY_WITHIN
            while not _healthy(port):
                if process.poll() is not None or time.monotonic() > end:
                    raise RuntimeError(f"vLLM is not ready: {log.read_text(errors='replace')[-2000:]}")
                time.sleep(1)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


def _healthy(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5):
            return True
    except (urllib.error.URLError, OSError):
        return False


def counted(values: Iterable[Any]) -> dict[str, int]:
    """How often each value occurs."""
    return {str(value): count for value, count in sorted(Counter(values).items(), key=str)}


def plain_nano(folder: Path) -> Path:
    """nano in a folder of its own, without what a server cannot show it: instruments, a fixed pace of time, and text
    behind a clip's frame, as only nano was trained."""
    shutil.copytree(ASSESSOR, folder, ignore=shutil.ignore_patterns("__pycache__", "*.py"))
    file = folder / "vqinsight.json"
    settings = json.loads(file.read_text(encoding="utf-8")) | {"instruments": None, "seconds_per_grid": None}
    file.write_text(json.dumps(settings), encoding="utf-8")
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    del config["text_behind_frame"]
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    return folder


def measure(clips: list[str], given: argparse.Namespace) -> dict[str, Any]:
    """Answers about all clips, and prompts and probabilities of a few."""
    program = given.vllm / "bin" / "vllm"
    version = subprocess.run([program, "--version"], check=True, capture_output=True, text=True).stdout.split()[-1]
    found: dict[str, Any] = {"version": version, "layouts": {}}
    with tempfile.TemporaryDirectory() as scratch:
        log, model = Path(scratch, "log"), plain_nano(Path(scratch, "nano"))
        with serving(program, model, log, "float32") as url:
            found["answers"] = answers(url, model, clips, Path(scratch))
            found["nano"] = probabilities(url, model, clips[:: max(1, len(clips) // 4)][:4], "float32", "brief")
        for layout in given.layout:
            with serving(program, layout, log) as url:
                found["layouts"][layout.name] = probabilities(url, layout, clips[:4], "bfloat16", "standard")
    return found


def answers(url: str, model: Path, clips: Sequence[str], scratch: Path) -> dict[str, Any]:
    """Scores and verdicts of the command line, with vLLM and with the model loaded here, row by row."""
    look = ["--frames", str(_LOOK["frames"]), "--max-pixels", str(_LOOK["max_pixels"]), "--template", "brief"]
    engines = {
        "vllm": [*look, "--engine", "endpoint", "--url", url, "--concurrency", "4", "--deadline", "3600"],
        "local": [*look, "--model", str(model), "--dtype", "float32"],
    }
    found: dict[str, Any] = {"dtype": "float32", "clips": len(clips), "seconds": {}}
    for verb, question in (("score", []), ("ask", [_QUESTION])):
        rows = {}
        for engine, options in engines.items():
            begun = time.monotonic()
            rows[engine] = _rows([verb, *clips, *question, *options, "--out", str(scratch / f"{verb}_{engine}"), "-q"])
            found["seconds"][f"{verb} {engine}"] = round(time.monotonic() - begun)
        found[verb] = _agreement(rows["local"], rows["vllm"], "overall" if verb == "score" else "yes")
        print(verb, json.dumps(found[verb]))
    return found


def _rows(arguments: list[str]) -> list[dict[str, Any]]:
    """The rows that a command leaves in the folder it is given."""
    from vqinsight.cli.main import app
    from vqinsight.report.store import read_results

    try:
        app(arguments)
    except SystemExit as end:
        if end.code not in (0, 1, None):  # 1: a clip that cannot be read
            raise
    rows: list[dict[str, Any]] = read_results(arguments[arguments.index("--out") + 1]).to_pylist()
    return rows


def _agreement(here: Sequence[dict[str, Any]], there: Sequence[dict[str, Any]], value: str) -> dict[str, Any]:
    pairs = list(zip(here, there, strict=True))
    both = [(a, b) for a, b in pairs if a["status"] == b["status"] == "ok"]
    differing = [(a, b) for a, b in both if a[value] != b[value]]
    found = {
        "same_id": sum(a["id"] == b["id"] for a, b in pairs),
        "same_status": sum(a["status"] == b["status"] for a, b in pairs),
        "statuses": counted(a["status"] for a in here),
        "both_answered": len(both),
        f"same_{value}": len(both) - len(differing),
        "same_text": sum(a["replies"][0]["text"] == b["replies"][0]["text"] for a, b in both),
        "differing": [{"clip": Path(a["path"]).name, "local": a[value], "vllm": b[value]} for a, b in differing],
    }
    if value == "overall":
        found["largest_difference"] = max((abs(a[value] - b[value]) for a, b in both), default=0.0)
    return found


def probabilities(url: str, folder: Path, clips: Sequence[str], dtype: str, template: str) -> dict[str, Any]:
    """Prompt tokens, and the largest difference of the log-probabilities of an answer's first tokens.

    vLLM's tokens are given to the model here, and the 20 likeliest of each place are compared.
    """
    told: list[str] = []
    judge = connect(url, template=template, on_message=told.append, deadline=3600, **_LOOK)  # type: ignore[arg-type]
    found: dict[str, Any] = {"dtype": dtype, "sent": str(judge.assessor.form), "clips": len(clips)}
    same: Counter[str] = Counter()
    largest: dict[str, float] = {}
    for number in dict.fromkeys((dtype, "float32")):
        here = load(str(folder), template=template, device="cpu", dtype=number, **_LOOK)  # type: ignore[arg-type]
        for path in clips:
            sent = {name: _asked(judge, path, *how) for name, how in _SENT.items()}
            ids, tokens, _ = sent["PNG, times told"]
            for seconds in (None, _UNTOLD):
                own_ids, own_tokens, logp_TV = _here(here, path, tokens, seconds)
                if seconds is None and number == dtype:
                    same["prompt_tokens"] += own_ids == ids
                    same["answer_tokens"] += own_tokens == tokens
                for name, (_, said, likely) in sent.items():
                    if said == tokens:  # else another answer, with other probabilities
                        key = f"{name}; here {number}" + f", {_UNTOLD:g} s a patch" * (seconds is not None)
                        shift = max(abs(logp_TV[t][i] - logp) for t, each in enumerate(likely) for i, logp in each)
                        largest[key] = max(largest.get(key, 0.0), round(float(shift), 4))
            if number == dtype:
                same["answer_tokens_without_times"] += sent["PNG, times not told"][1] == tokens
                same["answer_tokens_as_jpeg"] += sent["JPEG, times told"][1] == tokens
                same["answer_tokens_as_the_folder_samples"] += sent["sampled as the folder says"][1] == tokens
    return {**found, "same": dict(same), "largest_log_prob_difference": largest}


# codec, whether times are told, whether probabilities are to be the model's own
_SENT = {
    "PNG, times told": ("png", True, True),
    "PNG, times not told": ("png", False, True),
    "JPEG, times told": ("jpeg", True, True),
    "sampled as the folder says": ("png", True, False),
}
_Likely = list[list[tuple[int, float]]]


def _asked(judge: EndpointJudge, path: str, codec: Any, times: bool, plain: bool) -> tuple[Any, list[int], _Likely]:
    """Prompt tokens, answer tokens, and for each of these the likeliest with their log-probabilities, of vLLM."""
    assessor = judge.assessor
    loader = replace(assessor.clips, views=type(assessor.clips.views)(codec))  # type: ignore[call-arg]
    views = [loader.load(path).views]
    messages = chat(assessor.prompt_set.messages(_question(path)), views, replace(assessor.form, codec=codec))
    body: dict[str, Any] = {"model": "tiny", "messages": messages, "temperature": 0.0, "max_tokens": _TOKENS}
    body |= {"logprobs": True, "top_logprobs": 20, "return_token_ids": True, "return_tokens_as_token_ids": True}
    body |= {"media_io_kwargs": video_options(views, None)} if times else {}
    body |= {"repetition_penalty": 1.0} if plain else {}
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(
        f"{assessor.client.settings.url}/chat/completions", json.dumps(body).encode(), headers
    )
    with urllib.request.urlopen(request, timeout=3600) as response:
        answer = json.load(response)
    [choice] = answer["choices"]
    likely = [
        [(int(top["token"].removeprefix("token_id:")), top["logprob"]) for top in place["top_logprobs"]]
        for place in choice["logprobs"]["content"]
    ]
    return answer["prompt_token_ids"], choice["token_ids"], likely


@torch.no_grad()
def _here(
    model: VQInsight, path: str, tokens: Sequence[int], seconds: float | None
) -> tuple[list[int], list[int], torch.Tensor]:
    """Prompt tokens, the likeliest token of each place after ``tokens``, and its (T, V) log-probabilities."""
    assessor = model.assessor
    clip = assessor.clips.load(path)
    if seconds is not None:
        clip = replace(clip, views=tuple(replace(view, seconds_per_grid=seconds) for view in clip.views))
    encoded = assessor.encode(clip)
    prompt = assessor.build(assessor.prompt_set.messages(_question(path)), [encoded])
    pad = assessor.loaded.tokenizer.pad_token_id
    arguments = ([prompt], [list(encoded.views)], [1], assessor.output_type, pad, len(tokens))
    decoder = generate.Decoder(assessor.loaded.model, *arguments)
    logits_TV = [decoder.logits_RV[0], *(decoder.step(torch.tensor([token]))[0] for token in tokens[:-1])]
    logp_TV = torch.stack(logits_TV).float().log_softmax(-1)
    return list(prompt.ids), logp_TV.argmax(-1).tolist(), logp_TV


def _question(path: str) -> Question:
    return Question("natural", (Clip(path, None),))
