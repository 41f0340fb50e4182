"""Scaling laws: the loss as a sum of powers, fitted to runs, with what they predict and how sure that is."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import Tensor

from course_utils.checks import whole_number
from course_utils.scaling.counting import FLOPS_PER_PARAMETER_AND_TOKEN
from course_utils.scaling.fitting import Fit, fit_powers, tensors

Numbers = Sequence[float] | Tensor
Law = TypeVar("Law")


@dataclass(frozen=True)
class PowerLaw:
    """L(x) = floor + coefficient * x^-exponent, in nats per token."""

    floor: float
    coefficient: float
    exponent: float

    def __call__(self, x: float) -> float:
        """Return the predicted loss at x."""
        return self.floor + self.coefficient * x**-self.exponent


@dataclass(frozen=True)
class Chinchilla:
    """L(N, D) = E + A / N^alpha + B / D^beta, in nats per token, of N parameters and D tokens."""

    E: float
    A: float
    B: float
    alpha: float
    beta: float

    def __call__(self, n_params: float, n_tokens: float) -> float:
        """Return the predicted loss of a model of n_params that has read n_tokens."""
        return self.E + self.A / n_params**self.alpha + self.B / n_tokens**self.beta

    def compute_optimal(self, flops: float) -> tuple[float, float]:
        """Return parameters N and tokens D with the lowest loss that 6 N D = flops can buy.

        Raises:
            ValueError: flops or an exponent isn't above 0.

        Source: Hoffmann et al. (2022), "Training Compute-Optimal Large Language Models", section 3.3, equation 4.
        """
        if not 0 < flops < math.inf:
            raise ValueError(f"flops must be a finite number above 0, got {flops}")
        if not (self.alpha > 0 and self.beta > 0):
            raise ValueError(
                f"alpha={self.alpha} and beta={self.beta} must be above 0: else one of N and D is worthless"
            )
        products = flops / FLOPS_PER_PARAMETER_AND_TOKEN  # N D
        ratio = (self.alpha * self.A / (self.beta * self.B)) ** (1 / (self.alpha + self.beta))
        n_params = ratio * products ** (self.beta / (self.alpha + self.beta))
        return n_params, products / n_params


def fit_power_law(x: Numbers, loss: Numbers, floor: float | None = None) -> PowerLaw:
    """Fit loss = floor + coefficient * x^-exponent to runs.

    Args:
        x: (n,) parameters, tokens or FLOPs of each run.
        loss: (n,) in nats per token.
        floor: what no model can go below, if it is known; None fits it too.

    Raises:
        ValueError: fewer runs, or fewer different x, than numbers to fit; a value that isn't finite and above 0; a loss
            at or below the floor.

    Sources: Kaplan et al. (2020), "Scaling Laws for Neural Language Models", section 1.2; with a floor, Henighan et al.
    (2020), "Scaling Laws for Autoregressive Generative Modeling", equation 1.1. The objective is Hoffmann et al.'s.
    """
    xs, losses = tensors(("x", "loss"), x, loss)
    _refuse_too_few("x", xs, needed=2 if floor is not None else 3)
    if floor is None:
        return _power_laws(fit_powers(xs[:, None], losses))[0]
    if not 0 <= floor < math.inf:
        raise ValueError(f"floor must be a finite number of at least 0, got {floor}")
    if (losses <= floor).any():
        raise ValueError(f"loss {losses.min().item()} isn't above floor={floor}: no model can be there; check both")
    slope, start = _line(xs.log(), (losses - floor).log())
    return PowerLaw(floor, math.exp(start), -slope)


def fit_chinchilla(n_params: Numbers, n_tokens: Numbers, loss: Numbers) -> Chinchilla:
    """Fit loss = E + A / N^alpha + B / D^beta to runs: the least Huber loss of ln loss, from many starts.

    Args:
        n_params: (n,) parameters of each run's model, N.
        n_tokens: (n,) tokens that it has read, D.
        loss: (n,) in nats per token.

    Raises:
        ValueError: fewer than five runs, or than three different N or D; a value that isn't finite and above 0.

    Source: Hoffmann et al. (2022), "Training Compute-Optimal Large Language Models", section 3.3 and appendix D.3.
    """
    sizes, losses = _checked(n_params, n_tokens, loss)
    return _chinchillas(fit_powers(sizes, losses))[0]


def bootstrap_chinchilla(
    n_params: Numbers, n_tokens: Numbers, loss: Numbers, n_resamples: int = 200, seed: int = 0
) -> list[Chinchilla]:
    """Fit the law to runs drawn with replacement, again and again: how much it depends on the runs that were made.

    Runs of the same N and D are drawn together: whatever the law misses there, all of them share.

    Args:
        n_params, n_tokens, loss: as for `fit_chinchilla`.
        n_resamples: number of fits.
        seed: of the draws.

    Raises:
        ValueError: as `fit_chinchilla`; n_resamples is below 1.

    Source: Davison and Hinkley (1997), "Bootstrap Methods and their Application", section 3.8: groups are drawn whole.
    """
    n_resamples = whole_number("n_resamples", n_resamples, least=1)
    sizes, losses = _checked(n_params, n_tokens, loss)
    cells, cell = sizes.unique(dim=0, return_inverse=True)  # (M, 2) and (n,)
    drawn = torch.randint(len(cells), (n_resamples, len(cells)), generator=torch.Generator().manual_seed(seed))
    counts = torch.nn.functional.one_hot(drawn, len(cells)).sum(dim=1)[:, cell]  # (S, n)
    return _chinchillas(fit_powers(sizes, losses, counts, start=fit_powers(sizes, losses)))


def interval(laws: Sequence[Law], what: Callable[[Law], float], level: float = 0.95) -> tuple[float, float]:
    """Return the interval in which the middle `level` of some laws' answers lie, such as their predicted losses.

    Args:
        laws: of a bootstrap.
        what: from a law to a number.
        level: the share of the answers inside, above 0 and below 1.

    Raises:
        ValueError: a level out of range.
    """
    if not 0 < level < 1:
        raise ValueError(f"level must be above 0 and below 1, got {level}: 0.95 is usual")
    answers = torch.tensor([what(law) for law in laws], dtype=torch.float64)
    low, high = answers.quantile(torch.tensor([(1 - level) / 2, (1 + level) / 2], dtype=torch.float64)).tolist()
    return low, high


def _checked(n_params: Numbers, n_tokens: Numbers, loss: Numbers) -> tuple[Tensor, Tensor]:
    """Return N and D side by side, (n, 2), and the losses (n,)."""
    columns = tensors(("n_params", "n_tokens", "loss"), n_params, n_tokens, loss)
    if len(columns[0]) < 5:
        raise ValueError(f"the law has five numbers to fit, and there are {len(columns[0])} runs: make at least five")
    for name, column in zip(("n_params", "n_tokens"), columns, strict=False):
        _refuse_too_few(name, column, needed=3)
    return torch.stack(columns[:2], dim=1), columns[2]


def _refuse_too_few(name: str, values: Tensor, needed: int) -> None:
    if (different := len(values.unique())) < needed:
        raise ValueError(
            f"{name} has {different} different values, and a power with its floor needs {needed}: make more runs"
        )


def _power_laws(fit: Fit) -> list[PowerLaw]:
    columns = fit.floor, fit.logs[:, 0].exp(), fit.exponents[:, 0]
    return [PowerLaw(*row) for row in torch.stack(columns, dim=1).tolist()]


def _chinchillas(fit: Fit) -> list[Chinchilla]:
    rows = torch.cat([fit.floor[:, None], fit.logs.exp(), fit.exponents], dim=1).tolist()
    return [Chinchilla(*row) for row in rows]


def _line(x: Tensor, y: Tensor) -> tuple[float, float]:
    """Return slope and height at 0 of the least-squares line."""
    slope = ((x - x.mean()) * (y - y.mean())).sum() / ((x - x.mean()) ** 2).sum()
    return slope.item(), (y.mean() - slope * x.mean()).item()
