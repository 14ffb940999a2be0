"""Texts that are about other things."""

from __future__ import annotations

import re

import numpy as np

from vqinsight.synthetic.captions import COLOURS, SHAPES
from vqinsight.synthetic.foreign_prompts import draw_outside


def test_texts_are_of_every_length_and_none_asks_for_the_shapes_of_this_world() -> None:
    texts = [draw_outside(np.random.default_rng(seed)) for seed in range(600)]
    words = [len(text.split()) for text in texts]
    assert min(words) == 1 and max(words) > 25
    assert sum(count <= 2 for count in words) > 40  # bare labels such as "scene b"
    assert all(text and not text.isspace() and "#" not in text for text in texts)
    assert len(set(texts)) > 500
    asked = re.compile(rf"\b({'|'.join(COLOURS)}) ({'|'.join(SHAPES)})s?\b", re.IGNORECASE)
    assert not any(asked.search(text) for text in texts)


def test_the_same_seed_is_the_same_text() -> None:
    assert draw_outside(np.random.default_rng(5)) == draw_outside(np.random.default_rng(5))
