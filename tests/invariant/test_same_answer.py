"""The embedded model on real files: neighbours, order and threads change nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from vqinsight.inference.api import VQInsight
from vqinsight.weights import ASSESSOR

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
CLIPS = [str(path) for path in sorted(EXAMPLES.glob("*.mp4"))]


def test_alone_and_in_a_batch_of_eight(nano: VQInsight) -> None:
    """Eight questions in one batch: the five examples, three of them again with a text; then each alone."""
    asked: list[tuple[str, str | None]] = [(path, None) for path in CLIPS]
    asked += [(path, "two red circles moving left") for path in CLIPS[:3]]
    assert len(asked) == 8
    together = list(nano.score_all(asked))
    alone = [nano.score(path, prompt) for path, prompt in asked]
    assert [r.replies for r in together] == [r.replies for r in alone]
    assert [r.scores for r in together] == [r.scores for r in alone]


def test_samples_do_not_depend_on_neighbours(nano: VQInsight) -> None:
    together = list(nano.score_all([(path, None) for path in CLIPS], samples=3, seed=7))
    alone = nano.score(CLIPS[2], samples=3, seed=7)
    assert together[2].replies == alone.replies


@pytest.mark.full
def test_a_pair_in_a_ranking_is_the_pair_alone(nano: VQInsight) -> None:
    ranking = nano.rank(CLIPS[:4])
    for pair in ranking.comparisons:
        assert nano.compare(pair.a, pair.b).as_dict() == pair.as_dict()


def test_each_clip_passes_the_vision_tower_once(nano: VQInsight) -> None:
    before = nano.assessor.tower.clips_encoded
    ranking = nano.rank(CLIPS)
    assert nano.assessor.tower.clips_encoded - before == ranking.clips_encoded == len(CLIPS)
    assert len(ranking.comparisons) == len(CLIPS) * (len(CLIPS) - 1) / 2


def test_transformers_own_classes_load_the_shipped_folder() -> None:
    """The weights are an ordinary Qwen2.5-VL: nothing of ours is needed to read them."""
    from transformers import AutoModelForImageTextToText, AutoTokenizer

    model = AutoModelForImageTextToText.from_pretrained(ASSESSOR)
    assert model.config.model_type == "qwen2_5_vl"
    assert sum(parameter.numel() for parameter in model.parameters()) < 5_000_000
    text = "<think>It runs smoothly.</think><answer>yes</answer>"
    tokenizer = AutoTokenizer.from_pretrained(ASSESSOR)
    assert tokenizer.decode(tokenizer(text)["input_ids"]) == text
    assert sum(file.stat().st_size for file in ASSESSOR.iterdir()) < 12_000_000
