"""The compute frontier: its own optimum, what other sizes cost, and what the paper says of both."""

import math

import pytest

from course_utils import scaling
from course_utils.scaling import KAPLAN_FRONTIER, PF_DAY, Frontier, PowerLaw


@pytest.mark.parametrize("flops", [1e17, 3.14e23, 1e27])
def test_the_optimum_has_the_published_size_and_the_published_loss(flops):
    n, d = KAPLAN_FRONTIER.compute_optimal(flops)
    assert n == pytest.approx(1.3e9 * (flops / 8.64e19) ** 0.73)
    assert scaling.training_flops(n, d) == pytest.approx(flops)
    assert KAPLAN_FRONTIER(n, d) == pytest.approx(scaling.KAPLAN["PF-days"](flops / PF_DAY), rel=1e-12)


@pytest.mark.parametrize("flops", [1e17, 3.14e23, 1e27])
def test_another_size_is_worse_the_further_it_strays(flops):
    n, d = KAPLAN_FRONTIER.compute_optimal(flops)
    for direction in (1, -1):
        found = [KAPLAN_FRONTIER(n * r**direction, d / r**direction) for r in (1, 1.5, 3, 10, 30, 1000)]
        assert found == sorted(found)
        assert len(set(found)) == len(found)


def test_a_fifth_more_compute_does_for_sizes_from_0_6_to_2_2():
    """Kaplan et al. (2020), appendix B.4 and figure 12."""
    assert KAPLAN_FRONTIER.overhead(1) == 1
    for ratio in (0.6, 2.2):
        assert KAPLAN_FRONTIER.overhead(ratio) == pytest.approx(1.2, abs=0.05)
    assert KAPLAN_FRONTIER.overhead(0.28) == math.inf  # it would need infinitely many steps
    assert KAPLAN_FRONTIER.overhead(0.29) < math.inf


def test_the_loss_is_that_of_the_two_summands_where_the_exponents_agree():
    """With N(C) and L(C) that follow from L(N, S) itself, the loss off the optimum does too: equation B.3."""
    n_c, s_c, batch, a_n, a_s, a_b = 6.5e13, 2.1e3, 2.1e8, 0.077, 0.76, 0.21
    a_c = 1 / (1 / a_s + 1 / a_b + 1 / a_n)  # B.7
    c_c = 6 * n_c * batch * s_c * (1 + a_n / a_s) ** (1 / a_s + 1 / a_n) * (a_s / a_n) ** (1 / a_s) / PF_DAY  # B.8
    size = n_c * (1 + a_n / a_s) ** (1 / a_n) / c_c ** (a_c / a_n)  # B.9
    law = Frontier(PowerLaw(0, c_c**a_c, a_c), size, a_c / a_n, a_n, a_s)
    for n, d in ((1e9, 2e10), (1e8, 1e12), (1e11, 1e10)):
        loss = law(n, d)
        steps = d * loss ** (1 / a_b) / batch
        assert (n_c / n) ** a_n + (s_c / steps) ** a_s == pytest.approx(loss, rel=1e-9)


@pytest.mark.parametrize("bad", [0, -1.0, math.nan, math.inf])
def test_what_is_no_size_is_refused(bad):
    with pytest.raises(ValueError, match="flops must be a finite number above 0"):
        KAPLAN_FRONTIER.compute_optimal(bad)
    with pytest.raises(ValueError, match="ratio must be a finite number above 0"):
        KAPLAN_FRONTIER.overhead(bad)
    with pytest.raises(ValueError, match="n_params must be a finite number above 0"):
        KAPLAN_FRONTIER(bad, 1e9)
    with pytest.raises(ValueError, match="n_tokens must be a finite number above 0"):
        KAPLAN_FRONTIER(1e9, bad)
