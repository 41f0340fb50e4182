"""Confidence intervals: how many hold the truth on numbers that hang together, and what they are in closed form."""

import math
from statistics import NormalDist

import numpy as np
import pytest
import torch

from course_utils import evaluation
from course_utils.evaluation import Interval, bootstrap_difference, bootstrap_interval

N, PHI = 2000, 0.8
Z = NormalDist().inv_cdf(0.975)


def chain(n_texts, seed):
    """Simulated surprises (n_texts, N) with a mean of 3, each 0.8 of the one before and noise (an AR(1) process)."""
    generator = np.random.default_rng(seed)
    noise = generator.normal(size=(n_texts, N))
    noise[:, 0] /= math.sqrt(1 - PHI**2)
    for place in range(1, N):
        noise[:, place] += PHI * noise[:, place - 1]
    return 3 + noise


@pytest.fixture(scope="module")
def texts():
    return chain(300, seed=0)


def share_that_holds(texts, truth, **settings):
    found = [bootstrap_interval(text, n_resamples=300, seed=seed, **settings) for seed, text in enumerate(texts)]
    return sum(interval.low <= truth <= interval.high for interval in found) / len(found)


def test_long_blocks_hold_the_truth_as_often_as_they_say(texts):
    """Of 300 texts 95 % have a standard deviation of 1.3 %: beyond these borders it is a false alarm once in 1,000."""
    assert 0.90 <= share_that_holds(texts, 3, block=100) <= 0.99
    assert 0.73 <= share_that_holds(texts, 3, block=100, level=0.8) <= 0.88


def test_single_tokens_hold_it_far_too_seldom(texts):
    """The mean's variance is (1 + 0.8) / (1 - 0.8) = 9 times as large as if no token knew of the others."""
    expected = 2 * NormalDist().cdf(Z / 3) - 1
    assert expected == pytest.approx(0.49, abs=0.01)
    assert share_that_holds(texts, 3, block=1) == pytest.approx(expected, abs=0.09)


def test_few_texts_hold_it_too():
    few = np.random.default_rng(1).normal(3, 1, size=(600, 10))
    assert share_that_holds(few, 3, block=1) == pytest.approx(0.94, abs=0.03)  # it would be 0.88 to 0.9 as it is drawn


def test_independent_numbers_give_the_normal_interval():
    nats = np.random.default_rng(0).normal(3, 2, 3000)
    low, estimate, high = bootstrap_interval(nats, block=1, n_resamples=4000)
    half = Z * nats.std() / math.sqrt(3000)
    assert estimate == pytest.approx(nats.mean())
    assert (estimate - low, high - estimate) == (pytest.approx(half, rel=0.08), pytest.approx(half, rel=0.08))


def test_weights_make_it_a_ratio_of_sums():
    """Its standard error is sqrt(sum (x - r w)^2) / sum w, to first order: a long text weighs more than a short one."""
    generator = np.random.default_rng(0)
    tokens = generator.integers(1, 200, 1000)  # of each text
    nats = tokens * generator.normal(3, 0.5, 1000)
    low, ratio, high = bootstrap_interval(nats, tokens, block=1, n_resamples=4000)
    half = Z * math.sqrt(((nats - ratio * tokens) ** 2).sum()) / tokens.sum()
    assert ratio == pytest.approx(nats.sum() / tokens.sum())
    assert high - low == pytest.approx(2 * half, rel=0.06)
    assert abs(ratio - (nats / tokens).mean()) > 1e-4  # a mean of means is another number


def test_blocks_of_whole_periods_all_have_the_same_mean():
    """A row that repeats after 7 numbers: a block of 21 holds each three times, wherever it begins."""
    nats = torch.arange(7.0).repeat(31)  # 10 blocks and a third of one
    assert bootstrap_interval(nats, block=21) == pytest.approx((3.0, 3.0, 3.0))
    assert bootstrap_interval(nats, block=20).low < 3


@pytest.mark.parametrize("seed", range(3))
def test_a_draw_is_as_long_as_the_text(seed):
    """Its last block is cut: the mean of 109 whole numbers is a multiple of 1 / 109."""
    low, _, high = bootstrap_interval(np.arange(109) ** 2, block=10, n_resamples=1, seed=seed)
    assert low == high
    assert low * 109 == pytest.approx(round(low * 109), abs=1e-6)


def test_every_number_is_drawn_as_often_as_another():
    nats = np.zeros(100)
    nats[0] = 100.0  # at the very beginning, where a block that may not wrap seldom falls
    draws = bootstrap_interval(nats, block=10, n_resamples=20_000, level=0.5)
    seldom = np.roll(nats, 50)
    assert draws == bootstrap_interval(nats, block=10, n_resamples=20_000, level=0.5)
    assert draws == pytest.approx(bootstrap_interval(seldom, block=10, n_resamples=20_000, level=0.5), abs=0.01)


def test_the_seed_alone_decides(texts):
    one, again, other = (bootstrap_interval(texts[0], block=50, seed=seed) for seed in (1, 1, 2))
    state = np.random.get_state()[1].copy()  # noqa: NPY002
    assert one == again
    assert one != other
    assert one.estimate == other.estimate
    assert (np.random.get_state()[1] == state).all()  # noqa: NPY002


def test_draws_in_pieces_are_those_at_once(texts, monkeypatch):
    at_once = bootstrap_interval(texts[0], block=50)
    monkeypatch.setattr("course_utils.evaluation.intervals.NUMBERS_AT_ONCE", 120)  # three draws, and one at the end
    assert bootstrap_interval(texts[0], block=50) == at_once


def test_a_pair_is_compared_at_the_same_places(texts):
    worse = texts[0] + 0.05 + np.random.default_rng(1).normal(0, 0.1, N)
    apart = [bootstrap_interval(nats, block=50) for nats in (texts[0], worse)]
    assert apart[0].high > apart[1].low  # they overlap
    low, difference, high = bootstrap_difference(texts[0], worse, block=50)
    assert difference == pytest.approx(texts[0].mean() - worse.mean())
    assert high < 0
    assert high - low < 0.1 * (apart[0].high - apart[0].low)


def test_an_interval_becomes_one_of_perplexity_or_bits():
    assert Interval(0.0, math.log(2), 710.0).map(math.exp) == pytest.approx((1.0, 2.0, math.inf))
    assert Interval(0.0, math.log(2), math.log(4)).map(lambda nats: nats / math.log(2)) == pytest.approx((0, 1, 2))


def half_sure(ids):
    """A model that gives probability 1/2 to the token that it has just read, and shares the rest among 9."""
    return torch.full((*ids.shape, 10), 0.5 / 9).scatter(-1, ids[..., None], 0.5).log()


@pytest.mark.parametrize(("context_length", "stride"), [(7, None), (7, 3), (500, None)])
def test_surprises_come_in_reading_order_and_sum_to_all(context_length, stride):
    ids = torch.randint(10, (300,), generator=torch.Generator().manual_seed(0))
    nats = evaluation.text_surprises(half_sure, ids, context_length, stride)
    expected = torch.where(ids[1:] == ids[:-1], math.log(2), math.log(18))
    torch.testing.assert_close(nats, expected, check_dtype=False)
    assert nats.dtype == torch.float64
    total, tokens = evaluation.total_nats(half_sure, ids, context_length, stride)
    assert (float(nats.sum()), len(nats)) == (pytest.approx(total), tokens)


@pytest.mark.parametrize(
    ("arguments", "settings", "message"),
    [
        ([[1.0, math.nan] * 50], {}, "^nats must be finite, got nan at place 1"),
        ([[1.0] * 50 + [math.inf] * 50], {}, "^nats must be finite, got inf at place 50: inf is a token of prob"),
        ([[[1.0] * 100]], {}, r"^nats must be one row of numbers \(N,\), got \(1, 100\)"),
        ([[]], {}, r"^nats must be one row of numbers \(N,\), got \(0,\)"),
        (["nats"], {}, "^nats must be one row of numbers"),
        ([[1.0] * 100, [1.0] * 99], {}, "^weights must be as many as nats, 100, got 99"),
        ([[1.0] * 100, [-1.0] * 100], {}, "^weights must be at least 0"),
        ([[1.0] * 100, [0.0] * 100], {}, "^weights must be at least 0 and not all 0"),
        ([[1.0] * 100, [1.0] + [0.0] * 99], {}, "^weights are 0 in whole blocks"),
        ([[1.0] * 100], {"block": 11}, "^block=11 leaves 9.09 blocks of 100 numbers, at least 10"),
        ([[1.0] * 100], {"block": 0}, "^block must be at least 1"),
        ([[1.0] * 100], {"block": 2.5}, "^block must be a whole number"),
        ([[1.0] * 100], {"level": 95}, "^level must be between 0 and 1, got 95: 0.95 is 95 %"),
        ([[1.0] * 100], {"level": 1.0}, "^level must be between 0 and 1"),
        ([[1.0] * 100], {"level": math.nan}, "^level must be between 0 and 1"),
        ([[1.0] * 100], {"n_resamples": 0}, "^n_resamples must be at least 1"),
    ],
)
def test_bad_input_is_named(arguments, settings, message):
    with pytest.raises(ValueError, match=message):
        bootstrap_interval(*arguments, **({"block": 5} | settings))


def test_a_pair_of_two_lengths_is_refused():
    with pytest.raises(ValueError, match=r"^others must be as many as nats, 100, got 90"):
        bootstrap_difference([1.0] * 100, [1.0] * 90, block=5)
