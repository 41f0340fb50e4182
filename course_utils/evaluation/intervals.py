"""How far a mean surprise can be trusted: intervals from a block bootstrap, for the tokens of a text hang together."""

import math
from collections.abc import Callable, Iterator, Sequence
from statistics import NormalDist
from typing import NamedTuple

import numpy as np
from torch import Tensor

from course_utils.checks import number, whole_number

Numbers = Tensor | np.ndarray | Sequence[float]
FEWEST_BLOCKS = 10  # with fewer, what is drawn differs too little from what is there
NUMBERS_AT_ONCE = 2**20  # bounds the memory of what is drawn


class Interval(NamedTuple):
    """An estimate between the two ends of its confidence interval."""

    low: float
    estimate: float
    high: float

    def map(self, function: Callable[[float], float]) -> "Interval":
        """Return the interval of an increasing function of the quantity: `math.exp` makes nats a perplexity.

        As `perplexity`, it is infinite where a float can hold no more.
        """

        def value(at: float) -> float:
            try:
                return function(at)
            except OverflowError:
                return math.inf

        return Interval(*map(value, self))


def bootstrap_interval(
    nats: Numbers,
    weights: Numbers | None = None,
    *,
    block: int,
    n_resamples: int = 1000,
    level: float = 0.95,
    seed: int = 0,
) -> Interval:
    """Return sum(nats) / sum(weights) in its confidence interval, by the circular block bootstrap.

    Neighbouring tokens are alike surprising: a name that is hard once is hard for the rest of a page. So whole blocks
    of neighbours are drawn, with replacement, until there are N tokens again; the first token follows the last. Each
    draw gives a ratio of sums, and the interval holds the middle of all ratios: the share `level` of them, and for few
    blocks a larger one (`share_to_keep`).

    A block must be longer than the stretch over which tokens hang together, yet the text hold many of them: try twice
    the length, and if the interval grows, it was too short. Where texts have nothing to do with each other, give each
    one's sum of nats and number of tokens (or bytes) as nats and weights, and block=1: a text is then a block.

    Args:
        nats: (N,) -ln p of each token in reading order, as from `text_surprises`, or sums of texts.
        weights: (N,) what each counts for, such as its bytes; None is 1, and the ratio is nats per token.
        block: tokens of a block.
        n_resamples: draws.
        level: the share of such intervals that shall hold the true value, between 0 and 1.
        seed: of the draws; the same seed gives the same interval.

    Returns:
        Nats per unit of weight. `.map(math.exp)` makes them a perplexity, `.map(lambda nats: nats / math.log(2))` bits.

    Raises:
        ValueError: nats or weights that aren't one row of finite numbers, of one length; weights below 0, or all 0;
            fewer than 10 blocks; a level or a number out of range.

    Sources: Künsch (1989), "The jackknife and the bootstrap for general stationary observations", for blocks; Politis
    and Romano (1992), "A circular block-resampling procedure for stationary data", for the circle.
    """
    values = as_finite_row("nats", nats)  # (N,)
    counts = np.ones_like(values) if weights is None else as_finite_row("weights", weights)  # (N,)
    if len(counts) != len(values):
        raise ValueError(f"weights must be as many as nats, {len(values)}, got {len(counts)}")
    if (counts < 0).any() or not counts.any():
        raise ValueError(f"weights must be at least 0 and not all 0, got {counts.min():g} .. {counts.max():g}")
    block = whole_number("block", block, least=1)
    n_resamples = whole_number("n_resamples", n_resamples, least=1)
    share = number("level", level)
    if not 0 < share < 1:
        raise ValueError(f"level must be between 0 and 1, got {level}: 0.95 is 95 %")
    if len(values) < FEWEST_BLOCKS * block:
        raise ValueError(
            f"block={block} leaves {len(values) / block:.3g} blocks of {len(values)} numbers, at least {FEWEST_BLOCKS} "
            "are needed: give shorter blocks or a longer text"
        )
    ratios = np.concatenate(list(drawn_ratios(values, counts, block, n_resamples, np.random.default_rng(seed))))
    kept = share_to_keep(share, len(values) / block)
    low, high = np.quantile(ratios, [(1 - kept) / 2, (1 + kept) / 2])  # of (n_resamples,)
    return Interval(float(low), float(values.sum() / counts.sum()), float(high))


def bootstrap_difference(
    nats: Numbers,
    others: Numbers,
    weights: Numbers | None = None,
    *,
    block: int,
    n_resamples: int = 1000,
    level: float = 0.95,
    seed: int = 0,
) -> Interval:
    """Return how much more surprised one model is than another by the same text, in its confidence interval.

    Both are read at the same drawn places. A place that is hard for both then cancels, and the interval is far narrower
    than the two models' own, which may overlap although one model is surely better.

    Args:
        nats: (N,) -ln p of each token for the one model, in reading order.
        others: (N,) those of the other model for the same tokens; with other tokens, give sums over the same texts.
        weights, block, n_resamples, level, seed: as in `bootstrap_interval`.

    Returns:
        Nats per unit of weight, below 0 where the first model is better. `.map(math.exp)` gives the ratio of
        perplexities.

    Raises:
        ValueError: as `bootstrap_interval`; numbers of the two models that aren't of one length.

    Sources: as `bootstrap_interval`; Koehn (2004), "Statistical significance tests for machine translation
    evaluation", for pairs.
    """
    first, second = as_finite_row("nats", nats), as_finite_row("others", others)
    if len(first) != len(second):
        raise ValueError(
            f"others must be as many as nats, {len(first)}, got {len(second)}: give both models' numbers for the same "
            "tokens, or sums over the same texts"
        )
    return bootstrap_interval(first - second, weights, block=block, n_resamples=n_resamples, level=level, seed=seed)


def drawn_ratios(
    values: np.ndarray, counts: np.ndarray, block: int, n_resamples: int, generator: np.random.Generator
) -> Iterator[np.ndarray]:
    """Yield sum(values) / sum(counts) of circular resamples, n_resamples in all, some (R,) at a time.

    Every resample is as long as the row: its last block is cut.
    """
    n = len(values)
    lengths = np.full(-(-n // block), block)  # (K,)
    lengths[-1] = n - block * (len(lengths) - 1)
    sums = [np.cumsum(np.concatenate([[0.0], row, row[: block - 1]])) for row in (values, counts)]  # (N + block,) each
    at_once = max(1, NUMBERS_AT_ONCE // len(lengths))
    for begin in range(0, n_resamples, at_once):
        starts = generator.integers(n, size=(min(at_once, n_resamples - begin), len(lengths)))  # (R, K)
        of_values, of_counts = ((row[starts + lengths] - row[starts]).sum(axis=1) for row in sums)  # (R,) each
        if not of_counts.all():
            raise ValueError("weights are 0 in whole blocks, so that a draw has no weight at all: give longer blocks")
        yield of_values / of_counts


def share_to_keep(level: float, n_blocks: float) -> float:
    """Return which share of the ratios an interval of so many blocks must hold to be right in the share `level`.

    Draws from K blocks vary too little by the factor (K - 1) / K, and few blocks don't show how much they vary: in
    place of the normal distribution's z stands Student's t, here z + (z^3 + z) / (4 (K - 1)). For 10 blocks and 95 %
    it is 98 %, for 1000 it is 95 %.

    Source: Hesterberg (2015), "What teachers should know about the bootstrap", on the expanded percentile interval.
    """
    normal, others = NormalDist(), n_blocks - 1
    z = normal.inv_cdf((1 + level) / 2)
    t = z + (z**3 + z) / (4 * others)
    return 2 * normal.cdf(t * math.sqrt(n_blocks / others)) - 1


def as_finite_row(name: str, numbers: Numbers) -> np.ndarray:
    """Return numbers as one row (N,) of float64; raise ValueError if they aren't one, or one isn't finite."""
    try:
        row = numbers.detach().cpu().double().numpy() if isinstance(numbers, Tensor) else np.array(numbers, dtype=float)
    except (TypeError, ValueError):
        raise ValueError(f"{name} must be one row of numbers (N,), got a {type(numbers).__name__}") from None
    if row.ndim != 1 or not len(row):
        raise ValueError(f"{name} must be one row of numbers (N,), got {row.shape}")
    wrong = np.flatnonzero(~np.isfinite(row))
    if len(wrong):
        raise ValueError(
            f"{name} must be finite, got {row[wrong[0]]} at place {wrong[0]}: inf is a token of probability 0 (smooth "
            "the model), nan is no number"
        )
    return row
