"""What a clip shows, its caption, and how far a caption is from the truth."""

from __future__ import annotations

import re
from itertools import combinations, product

import numpy as np
import pytest

from vqinsight.synthetic.captions import CHOICES, FACT_NAMES, Facts, caption, draw_facts, mismatches, mutate

EVERYTHING = [Facts(*values) for values in product(*CHOICES.values())]
SUBSETS = [names for size in range(5) for names in combinations(FACT_NAMES, size)]


def test_all_facts_are_drawn_about_equally_often():
    rng = np.random.default_rng(0)
    drawn = [draw_facts(rng) for _ in range(2400)]
    for name, choices in CHOICES.items():
        seen = [getattr(facts, name) for facts in drawn]
        for choice in choices:
            assert seen.count(choice) == pytest.approx(2400 / len(choices), rel=0.2)


def test_the_same_seed_draws_the_same_facts():
    assert draw_facts(np.random.default_rng(5)) == draw_facts(np.random.default_rng(5))


@pytest.mark.parametrize("names", SUBSETS)
def test_mutate_changes_exactly_the_named_facts(names):
    rng = np.random.default_rng(0)
    for facts in EVERYTHING[::7]:
        changed = mutate(facts, names, rng)
        assert mismatches(changed, facts) == mismatches(facts, changed) == names
        assert all(getattr(changed, name) in CHOICES[name] for name in FACT_NAMES)


def test_mutate_reaches_every_other_value():
    rng = np.random.default_rng(0)
    facts = Facts(2, "green", "star", "up")
    for name, choices in CHOICES.items():
        reached = {getattr(mutate(facts, (name,), rng), name) for _ in range(100)}
        assert reached == set(choices) - {getattr(facts, name)}


@pytest.mark.parametrize("facts", EVERYTHING[::5], ids=lambda facts: f"{facts.count} {facts.colour} {facts.shape}")
def test_a_caption_states_the_four_facts_and_no_other(facts):
    rng = np.random.default_rng(0)
    number = {1: "one", 2: "two", 3: "three"}[facts.count]
    noun = facts.shape + ("s" if facts.count > 1 else "")
    verbs = {"moving", "going"} | ({"move"} if facts.count > 1 else {"moves"})
    filler = {"a", "video", "of", "that", "them"}
    for _ in range(20):
        words = re.findall(r"\w+", caption(facts, rng))
        assert {number, facts.colour, noun, facts.direction} <= set(words)
        assert set(words) <= {number, facts.colour, noun, facts.direction} | verbs | filler


@pytest.mark.parametrize(("count", "wordings"), [(1, 3), (2, 4), (3, 4)])
def test_captions_are_worded_in_several_ways(count, wordings):
    rng = np.random.default_rng(0)
    assert len({caption(Facts(count, "red", "square", "left"), rng) for _ in range(200)}) == wordings
