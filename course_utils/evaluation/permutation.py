"""A permutation test: could chance alone have put the larger numbers on one side?"""

import functools
import math
from collections.abc import Sequence
from itertools import combinations
from typing import NamedTuple

import numpy as np

from course_utils.checks import whole_number

SAME = 1e-9  # of the largest number: two differences closer than that are equal, but for rounding


class PermutationResult(NamedTuple):
    """The difference of two means, its two-sided p-value, and from how many relabellings that comes."""

    difference: float
    p_value: float
    n_relabellings: int


def permutation_test(
    first: Sequence[float], second: Sequence[float], seed: int, n_relabellings: int = 20_000
) -> PermutationResult:
    """Test whether two groups of numbers have the same mean, by dealing the labels "first" and "second" anew.

    If the labels mean nothing, every way of dealing them was as likely. The p-value is the share of ways whose means
    lie at least as far apart, in either direction, as those that were observed.

    Args:
        first, second: (N,) and (M,) numbers, in any one unit.
        seed: of the relabellings, where they are drawn.
        n_relabellings: the most to look at. If there are no more in all, (N + M)! / (N! M!), each is looked at once;
            the observed one is among them, so p is exact and never 0. Otherwise so many are drawn, and
            p = (1 + those as far apart) / (1 + n_relabellings): the observed one is as likely as each that was drawn.

    Returns:
        The mean of the first less that of the second, the two-sided p-value, and how many relabellings were looked at.

    Raises:
        ValueError: a group is empty or holds what is no finite number; seed < 0 or n_relabellings < 1.

    Sources: Fisher (1935), "The Design of Experiments", chapter 3; Phipson and Smyth (2010), "Permutation P-values
    should never be zero", for the 1 that is added.
    """
    seed = whole_number("seed", seed, least=0)
    n_relabellings = whole_number("n_relabellings", n_relabellings, least=1)
    groups = [_numbers("first", first), _numbers("second", second)]
    values, n_first = np.concatenate(groups), len(groups[0])
    observed = float(groups[0].mean() - groups[1].mean())
    exact = math.comb(len(values), n_first) <= n_relabellings
    if exact:
        chosen = _all_choices(len(values), n_first)  # (relabellings, N)
    else:
        rng = np.random.default_rng(seed)
        chosen = np.array([rng.permutation(len(values))[:n_first] for _ in range(n_relabellings)])
    sums = values[chosen].sum(axis=1)  # (relabellings,)
    differences = sums / n_first - (values.sum() - sums) / (len(values) - n_first)
    as_far = int((np.abs(differences) >= abs(observed) - SAME * np.abs(values).max()).sum())
    p_value = as_far / len(chosen) if exact else (1 + as_far) / (1 + len(chosen))
    return PermutationResult(observed, p_value, len(chosen))


@functools.lru_cache(maxsize=1)
def _all_choices(n: int, size: int) -> np.ndarray:
    """Return all ways to choose `size` of the numbers 0 .. n - 1, (ways, size); kept, for tests come in series."""
    return np.array(list(combinations(range(n), size)))


def _numbers(name: str, values: Sequence[float]) -> np.ndarray:
    try:
        row = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise ValueError(f"{name} must be a row of numbers, got {values!r:.80}") from None
    if row.ndim != 1 or len(row) == 0 or not np.isfinite(row).all():
        raise ValueError(f"{name} must be a row of one finite number or more, got {values!r:.80}")
    return row
