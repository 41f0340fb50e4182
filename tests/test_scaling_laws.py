"""Scaling laws: known constants are found again, the bootstrap covers them, and bad runs are refused by name."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from course_utils import scaling
from course_utils.scaling import Chinchilla, PowerLaw

SIZES = [6e3, 2.5e4, 8e4, 2e5, 4.5e5]
TOKENS = [2.0**power for power in range(17, 22)]
GRID = [(n, d) for n in SIZES for d in TOKENS]
N, D = ([point[place] for point in GRID] for place in (0, 1))
TRUE = Chinchilla(E=0.6, A=60.0, B=2000.0, alpha=0.5, beta=0.6)


def losses(law=TRUE, noise=0.0, seed=0):
    exact = torch.tensor([law(n, d) for n, d in GRID], dtype=torch.float64)
    return exact * (1 + noise * torch.randn(len(exact), generator=torch.Generator().manual_seed(seed)))


@settings(max_examples=6)
@given(
    floor=st.floats(0.3, 1.5),
    at_a=st.floats(0.3, 1.0),
    at_b=st.floats(0.3, 1.0),
    alpha=st.floats(0.25, 0.8),
    beta=st.floats(0.25, 0.8),
)
def test_constants_are_found_again_from_losses_without_noise(floor, at_a, at_b, alpha, beta):
    law = Chinchilla(floor, at_a * 5e4**alpha, at_b * 5e5**beta, alpha, beta)
    found = scaling.fit_chinchilla(N, D, losses(law))
    for name, value in vars(law).items():
        assert getattr(found, name) == pytest.approx(value, rel=1e-3), name


def test_a_little_noise_moves_the_constants_a_little():
    found = scaling.fit_chinchilla(N, D, losses(noise=0.003))
    assert pytest.approx(TRUE.E, rel=0.03) == found.E
    assert found.alpha == pytest.approx(TRUE.alpha, rel=0.1)
    assert found.beta == pytest.approx(TRUE.beta, rel=0.1)


def test_an_outlier_counts_little():
    spoiled = losses(noise=0.001)
    spoiled[7] *= 1.5
    clean, found = (scaling.fit_chinchilla(N, D, each) for each in (losses(noise=0.001), spoiled))
    assert found(1e6, 4e6) == pytest.approx(clean(1e6, 4e6), rel=0.005)


def test_the_order_of_the_runs_does_not_matter():
    order = torch.randperm(len(N), generator=torch.Generator().manual_seed(0))
    shuffled = [torch.tensor(column)[order] for column in (N, D)]
    one, other = (
        scaling.fit_chinchilla(N, D, losses(noise=0.01)),
        scaling.fit_chinchilla(*shuffled, losses(noise=0.01)[order]),
    )
    assert vars(one) == pytest.approx(vars(other), rel=1e-4)


@pytest.mark.slow
def test_intervals_of_the_bootstrap_cover_the_truth_about_as_often_as_they_say():
    target = (1e6, 8e6)
    covered = 0
    for seed in range(40):
        laws = scaling.bootstrap_chinchilla(N, D, losses(noise=0.005, seed=seed), n_resamples=100, seed=seed)
        low, high = scaling.interval(laws, lambda law: law(*target), level=0.9)
        covered += low <= TRUE(*target) <= high
    assert covered >= 28  # of 40; at 90 % that is missed once in 10,000 times, and pairs cover a little less


def test_the_bootstrap_repeats_itself_and_its_interval_grows_with_the_level():
    laws, again = (scaling.bootstrap_chinchilla(N, D, losses(noise=0.01), n_resamples=20, seed=3) for _ in range(2))
    assert laws == again
    (low, high), (lower, higher) = (scaling.interval(laws, lambda law: law.E, level) for level in (0.5, 0.9))
    assert lower < low < high < higher


def test_compute_optimal_is_where_no_other_split_is_better():
    flops = 1e12
    n, d = TRUE.compute_optimal(flops)
    assert scaling.training_flops(n, d) == pytest.approx(flops)
    for factor in (0.9, 1.1):
        assert TRUE(n * factor, d / factor) > TRUE(n, d)


def test_published_laws_say_what_their_papers_say():
    assert scaling.CHINCHILLA(280e9, 300e9) == pytest.approx(1.993, abs=0.002)  # Gopher
    assert scaling.CHINCHILLA(70e9, 1.4e12) == pytest.approx(1.936, abs=0.002)  # Chinchilla
    assert scaling.KAPLAN["parameters"](8.8e13) == pytest.approx(1)
    n, d = scaling.CHINCHILLA_REFITTED.compute_optimal(5.76e23)
    assert 15 < d / n < 30  # about twenty tokens a parameter


@given(st.floats(0.2, 2), st.floats(0.5, 5), st.floats(0.1, 0.9))
def test_a_single_power_is_found_again_with_its_floor_or_given_it(floor, coefficient, exponent):
    x = [10.0**power for power in (0, 0.5, 1, 1.5, 2, 2.5, 3)]
    law = PowerLaw(floor, coefficient, exponent)
    for found in (scaling.fit_power_law(x, [*map(law, x)]), scaling.fit_power_law(x, [*map(law, x)], floor=floor)):
        assert [found(each) for each in (1, 1e4)] == pytest.approx([law(each) for each in (1, 1e4)], rel=2e-3)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([1, 2], [3, 2]), r"x has 2 different values, and a power with its floor needs 3"),
        (([5, 5, 5, 5], [3, 2, 2, 1]), r"x has 1 different values"),
        (([1, 2, 3], [3, math.nan, 1]), r"loss must be finite and above 0, got nan at place 1"),
        (([1, 2, 0], [3, 2, 1]), r"x must be finite and above 0, got 0.0 at place 2"),
        (([1, 2, 3], [3, 2]), r"got x 3, loss 2"),
        (([[1, 2, 3]], [3, 2, 1]), r"x must be one row of numbers"),
        (([1, 2, 3], [3, 2, 1], 1.5), r"loss 1.0 isn't above floor=1.5"),
        (([1, 2, 3], [3, 2, 1], math.nan), r"floor must be a finite number of at least 0, got nan"),
    ],
)
def test_runs_that_say_nothing_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        scaling.fit_power_law(*arguments)


@pytest.mark.parametrize(
    ("n", "d", "message"),
    [
        (N[:4], D[:4], r"five numbers to fit, and there are 4 runs"),
        ([1e5] * 6, D[:6], r"n_params has 1 different values"),
        (N[::5] * 2, [1e6] * 10, r"n_tokens has 1 different values"),
    ],
)
def test_the_joint_law_needs_runs_of_several_sizes_and_texts(n, d, message):
    with pytest.raises(ValueError, match=message):
        scaling.fit_chinchilla(n, d, [2.0] * len(n))


def test_a_law_without_a_way_to_spend_refuses():
    with pytest.raises(ValueError, match=r"alpha=0\.0 and beta=0\.3 must be above 0"):
        Chinchilla(1, 1, 1, 0.0, 0.3).compute_optimal(1e9)
    with pytest.raises(ValueError, match="flops must be a finite number above 0, got 0"):
        TRUE.compute_optimal(0)
    with pytest.raises(ValueError, match="level must be above 0 and below 1, got 95"):
        scaling.interval([TRUE], lambda law: law.E, 95)
