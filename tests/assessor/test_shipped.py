"""What the weights that ship have to be able to do, on a handful of clips; how well is for ``benchmarks/``."""

from __future__ import annotations

import numpy as np
import pytest

from vqinsight.inference.api import VQInsight
from vqinsight.synthetic.captions import FACT_NAMES, caption, mutate
from vqinsight.synthetic.clips import SIBLINGS, clip_name
from vqinsight.synthetic.describe import read
from vqinsight.synthetic.generate import draw_siblings
from vqinsight.tasks.types import Clip, Question


@pytest.mark.full
def test_the_verdict_on_a_text_follows_from_what_is_seen(nano: VQInsight) -> None:
    """Of all four facts: earlier weights never called a direction or a shape wrong, whatever they had seen."""
    assessor = nano.assessor
    rng = np.random.default_rng(0)
    claims, asked = [], []
    for seed in range(40):
        facts = draw_siblings(seed, SIBLINGS)[0].truth.facts
        if facts is None:
            continue
        claims.append(mutate(facts, (FACT_NAMES[seed % 4],), rng))
        question = Question("generated", (Clip(clip_name("train", seed), caption(claims[-1], rng)),))
        asked.append((question, [assessor.encode(assessor.clips.load(question.clips[0].path))]))
    contradicted = dict.fromkeys(FACT_NAMES, 0)
    follows = []
    for claim, (reply,) in zip(claims, assessor.ask(asked), strict=True):
        heard = read(reply.text)
        assert heard.wrong is not None, reply.text
        for name in FACT_NAMES:
            differs = getattr(heard, name) != getattr(claim, name)
            contradicted[name] += differs
            follows.append((name in heard.wrong) == differs)
    assert len(claims) >= 20 and min(contradicted.values()) >= 3
    assert np.mean(follows) > 0.9
