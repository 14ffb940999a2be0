from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vqinsight.errors import UsageError
from vqinsight.evaluation.metrics.bootstrap import Bootstrap
from vqinsight.evaluation.metrics.pairwise import best_threshold, margins, pair_difference, score_pairs, side
from vqinsight.tasks.types import Missing, Preference

FEW = Bootstrap(resamples=60)
A, B, TIE = Preference("A"), Preference("B"), Preference("tie")


def test_tau_and_diff_by_hand():
    # No threshold: only the first is right, 1/4. From 0.1 on the third is, too: 2/4. 0.2 changes nothing: people chose
    # B and the margin was for A. From 0.3 on the last is right: 3/4. At 0.9 the first is lost: 2/4.
    found = score_pairs([0.9, 0.2, -0.1, 0.3], [1, -1, 0, 0], bootstrap=None)
    assert found.accuracy.value == 1 / 4
    assert (found.tau_deutsch.value, found.epsilon) == (3 / 4, 0.3)
    assert found.tau_va.value == 3 / 4
    assert found.diff.value == found.diff_model_decided.value == 1 / 2
    assert (found.n, found.human_ties, found.model_ties, found.missing) == (4, 2, 0, 0)


def test_a_model_tie_on_a_decided_pair_is_wrong_for_diff():
    found = score_pairs([1.0, 0.0, -1.0, 0.0], [1, 1, 1, 0], bootstrap=None)
    assert found.diff.value == 1 / 3
    assert found.diff_model_decided.value == 1 / 2
    assert found.accuracy.value == 2 / 4


def test_equal_margins_become_ties_together_and_the_walk_depends_on_the_rows():
    """The first pair as a tie is right, the second is right as it is: only the walk can have both."""
    first, second = score_pairs([0.5, 0.5], [0, 1], bootstrap=None), score_pairs([0.5, 0.5], [1, 0], bootstrap=None)
    assert first.tau_deutsch.value == second.tau_deutsch.value == 1 / 2
    assert (first.tau_va.value, second.tau_va.value) == (1.0, 1 / 2)


def test_the_walk_never_tries_no_tie():
    found = score_pairs([0.1, 0.2], [1, 1], bootstrap=None)
    assert (found.tau_deutsch.value, found.epsilon, found.tau_va.value) == (1.0, 0.0, 1 / 2)


def test_a_missing_answer_is_a_tie_and_is_counted():
    found = score_pairs([A, None, Missing("no answer"), float("nan"), B], [1, 1, 0, -1, -1], bootstrap=None)
    assert (found.missing, found.model_ties) == (3, 3)
    assert found.accuracy.value == 3 / 5  # the missing answer to the human tie is right
    assert found.diff.value == 2 / 4
    assert found.warnings == (
        "2 of 5 predictions are missing; a missing answer is a model tie",
        "1 of 5 predictions are NaN or infinite and count as missing (first at 3); a missing answer is a model tie",
    )


def test_verdicts_are_margins():
    assert [side(p) for p in (A, B, TIE)] == [1, -1, 0]
    humans = [1, 0, -1, 1]
    assert score_pairs([A, TIE, A, B], humans) == score_pairs([1.0, 0.0, 1.0, -1.0], humans)


def test_nothing_to_count_is_said():
    undecided = score_pairs([1.0, 0.0], [0, 0], bootstrap=FEW)
    assert undecided.diff.value is None and undecided.diff.interval is None
    assert undecided.warnings == ("people decided no pair: diff is undefined",)
    silent = score_pairs([None, None], [1, 0], bootstrap=None)
    assert (silent.diff.value, silent.diff_model_decided.value) == (0.0, None)
    assert "the model decided none" in silent.warnings[-1]


@pytest.mark.parametrize(
    ("answers", "humans", "message"),
    [
        ([], [], "no pairs"),
        ([1.0], [2], r"not 2"),
        ([1.0], [float("nan")], "not nan"),
        ([1.0], [1, 0], "1 predictions"),
    ],
)
def test_wrong_input(answers, humans, message):
    with pytest.raises(UsageError, match=message):
        score_pairs(answers, humans)


def test_equal_differences_of_scores_are_equal_margins():
    assert 0.9 - 0.8 != 0.8 - 0.7
    found = margins([0.9, 0.8, 0.3, None], [0.8, 0.7, 0.4, 0.1])
    assert found[0] == found[1] == -found[2] and found[3] is None
    assert margins([64.1, 0.0], [64.0, 0.1])[0] == -margins([64.1, 0.0], [64.0, 0.1])[1]
    assert margins([1e-20, 0.0], [0.0, 0.0]) == pytest.approx([1e-20, 0.0], rel=1e-11, abs=0)
    assert margins([1e-310], [0.0]) == [0.0]
    assert margins([0.0], [0.0]) == [0.0]
    assert margins([None], [1.0]) == [None]
    with pytest.raises(UsageError, match="join them by id"):
        margins([1.0], [1.0, 2.0])


def test_intervals_hold_the_value_and_follow_the_seed():
    generator = np.random.default_rng(0)
    humans = generator.integers(-1, 2, 400).tolist()
    answers = (np.array(humans) + generator.normal(0, 1, 400)).tolist()
    found = score_pairs(answers, humans, bootstrap=FEW)
    for measure in (found.accuracy, found.tau_deutsch, found.tau_va, found.diff, found.diff_model_decided):
        assert measure.interval.low <= measure.value <= measure.interval.high
        assert 0.03 < measure.interval.high - measure.interval.low < 0.2
    assert found == score_pairs(answers, humans, bootstrap=FEW)
    grouped = score_pairs(answers, humans, clusters=[i // 2 for i in range(400)], bootstrap=FEW)
    assert grouped.tau_va.interval != found.tau_va.interval


def test_two_systems_on_the_same_pairs():
    generator = np.random.default_rng(0)
    humans = generator.integers(-1, 2, 300).tolist()
    good = (np.array(humans) + generator.normal(0, 0.5, 300)).tolist()
    bad = generator.normal(0, 1, 300).tolist()
    for metric in ("tau_deutsch", "tau_va", "diff", "accuracy"):
        found = pair_difference(good, bad, humans, metric=metric, bootstrap=FEW)
        assert found.difference.value == pytest.approx(found.first - found.second)
        assert found.difference.interval.low > 0
        assert found.first == getattr(score_pairs(good, humans, bootstrap=None), metric).value
    holed = pair_difference([None, *good[1:]], bad, humans, bootstrap=None)
    assert (holed.n, holed.missing) == (300, 1)
    assert holed.warnings == ("first: 1 of 300 predictions are missing; a missing answer is a model tie",)
    undefined = pair_difference([1.0], [1.0], [0], metric="diff", bootstrap=None)
    assert undefined.difference.value is None and undefined.warnings


PAIRS = st.lists(st.tuples(st.integers(-1, 1), st.integers(-4, 4)), min_size=1, max_size=30)


def accuracy_at(h: np.ndarray, m: np.ndarray, epsilon: float) -> float:
    """(C + Thm) / all, straight from the definition."""
    verdict = np.where(np.abs(m) <= epsilon, 0, np.sign(m))
    return float((verdict == h).mean())


@settings(max_examples=150, deadline=None)
@given(PAIRS)
def test_tau_deutsch_is_the_best_of_all_thresholds(pairs):
    h, m = (np.array(column) for column in zip(*pairs, strict=True))
    tried = {epsilon: accuracy_at(h, m, epsilon) for epsilon in [0, *np.abs(m).tolist()]}
    value, epsilon = best_threshold(h, m)
    assert value == pytest.approx(max(tried.values()))
    assert tried[epsilon] == pytest.approx(value)
    assert value >= accuracy_at(h, m, 0)
    assert value >= (h == 0).mean()  # everything a tie


@settings(max_examples=150, deadline=None)
@given(PAIRS)
def test_tau_va_is_the_best_step_of_the_walk(pairs):
    h, m = (np.array(column) for column in zip(*pairs, strict=True))
    verdict, steps = np.sign(m), []
    for row in sorted(range(len(m)), key=lambda row: abs(m[row])):
        verdict[row] = 0
        steps.append((verdict == h).mean())
    assert score_pairs(m.tolist(), h.tolist(), bootstrap=None).tau_va.value == pytest.approx(max(steps))


@settings(max_examples=100, deadline=None)
@given(PAIRS)
def test_showing_the_clips_in_the_other_order_changes_nothing(pairs):
    h, m = (list(column) for column in zip(*pairs, strict=True))
    swapped = score_pairs([-v for v in m], [-v for v in h], bootstrap=Bootstrap(resamples=5))
    assert swapped == score_pairs(m, h, bootstrap=Bootstrap(resamples=5))


@settings(max_examples=100, deadline=None)
@given(PAIRS, st.data())
def test_counts_equal_pairs_written_out(pairs, data):
    """Each figure of a resample is that of the pairs written out, rows in order."""
    from vqinsight.evaluation.metrics.pairwise import _STATISTICS

    h, m = (np.array(column) for column in zip(*pairs, strict=True))
    drawn = data.draw(st.lists(st.integers(0, 3), min_size=len(h), max_size=len(h)).filter(any))
    rows = np.repeat(np.arange(len(h)), drawn)
    plain = score_pairs(m[rows].tolist(), h[rows].tolist(), bootstrap=None)
    for name, build in _STATISTICS.items():
        found = float(build(h, m)(np.array(drawn, float)[:, None])[0])
        expected = getattr(plain, name).value
        assert np.isnan(found) if expected is None else found == pytest.approx(expected), name
