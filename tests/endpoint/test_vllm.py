"""vLLM itself, in an environment of its own: ``make test-vllm VLLM=DIR MODEL=DIR``."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.performance import engine_vllm
from vqinsight.inference.endpoint.judge import connect

pytestmark = pytest.mark.full


@pytest.fixture(scope="module")
def model() -> Path:
    """The folder of the model that is served."""
    return Path(os.environ.get("VLLM_MODEL", ""))


@pytest.fixture(scope="module")
def address(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """vLLM on a free port, serving the model of the environment variable."""
    program = Path(os.environ.get("VLLM_PROGRAM", ""))
    if not program.is_file() or not model.is_dir():
        pytest.skip("vLLM is not installed: make test-vllm VLLM=DIR MODEL=DIR")
    pytest.importorskip("openai", reason="the extra endpoint is not installed")
    with engine_vllm.serving(program, model, tmp_path_factory.mktemp("vllm") / "log.txt") as url:
        yield url


def test_five_clips_through_vllm(address: str, shared: Path) -> None:
    """An untaught model says nothing usable; what counts is that every clip is looked at and every answer counted."""
    clips = sorted((shared / "clips").rglob("*.mp4"))[:5]
    judge = connect(address, max_pixels=12_544, deadline=300)
    found = list(judge.score_all((str(clip), None) for clip in clips))
    assert [score.path for score in found] == [str(clip) for clip in clips]
    assert {score.provenance.sent for score in found} == {"PNG frames as one video with times"}
    for score in found:
        print(Path(score.path).name, score.status, score.replies[0].tokens, repr(score.replies[0].text[:40]))
        assert score.status in ("ok", "missing") and score.replies[0].text and score.input is not None
        tokens, (width, height) = score.replies[0].tokens, score.input.size
        visual = -(-len(score.input.times) // 2) * (width // 28) * (height // 28)
        assert tokens is not None and visual < tokens.prompt < visual + 400  # as many as a loaded model gives them


def test_prompts_and_probabilities_are_those_of_a_loaded_model(address: str, model: Path, shared: Path) -> None:
    """The same token ids, and nearer probabilities with the clip's times than without."""
    clips = [str(clip) for clip in sorted((shared / "clips").rglob("*.mp4"))[::40]]
    found = engine_vllm.probabilities(address, model, clips, "bfloat16", "standard")
    assert found["same"]["prompt_tokens"] == len(clips)
    shifts = found["largest_log_prob_difference"]
    assert shifts["PNG, times told; here float32"] < shifts["PNG, times told; here float32, 2 s a patch"]
