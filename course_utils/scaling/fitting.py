"""Sums of powers, fitted to losses: many starting points side by side, and outliers that count less."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

HUBER = 1e-3  # of a residual of ln loss: from there on an error counts in proportion, not squared
STEPS = 300  # at most
SMALLEST, LARGEST = 0.0, 5.0  # exponents
FIRST_EXPONENTS = (0.1, 0.3, 0.6, 1.0)  # where the search begins, in every combination
FIRST_FLOORS = (0.2, 0.6, 0.9)  # shares of the lowest loss


class Fit(NamedTuple):
    """Parameters of a sum of powers, floor + sum over j of exp(logs[j]) x_j^-exponents[j], one row for each sample."""

    floor: Tensor  # (S,)
    logs: Tensor  # (S, J) ln of the coefficients
    exponents: Tensor  # (S, J)
    objective: Tensor  # (S,) mean Huber loss of the residuals


def fit_powers(x: Tensor, loss: Tensor, weights: Tensor | None = None, start: Fit | None = None) -> Fit:
    """Fit loss = E + sum over j of A_j x_j^-alpha_j by the least Huber loss of ln loss, from many starts.

    Args:
        x: (n, J), positive.
        loss: (n,), positive.
        weights: (S, n) how often each point counts in each of S samples; None is one sample of all points once.
        start: where to begin, of one sample; None tries many starts and keeps each sample's best.

    Returns:
        One row for each of the S samples.

    Source: Hoffmann et al. (2022), "Training Compute-Optimal Large Language Models", section 3.3, equation 3, for the
    objective. The search is a damped Gauss-Newton method with weights: Huber (1981), "Robust Statistics", section 7.8.
    """
    x, loss = x.double(), loss.double()
    weights = torch.ones(1, len(loss), dtype=torch.float64) if weights is None else weights.double()
    logs = x.log()  # (n, J)
    starts = _starts(logs, loss) if start is None else _parameters(start)  # (K, 1 + 2 J)
    samples, k = len(weights), len(starts)
    found, objective = _minimised(
        starts.repeat(samples, 1), logs, loss.log(), weights.repeat_interleave(k, dim=0)
    )  # (S K, 1 + 2 J) and (S K,)
    best = objective.view(samples, k).argmin(dim=1) + k * torch.arange(samples)  # (S,)
    found, n_powers = found[best], x.shape[1]
    return Fit(found[:, 0].exp(), found[:, 1 : 1 + n_powers], found[:, 1 + n_powers :], objective[best])


def predicted_log(parameters: Tensor, logs: Tensor) -> tuple[Tensor, Tensor]:
    """Return ln of the predicted loss, (S, n), and its derivative by each parameter, (S, n, 1 + 2 J).

    Args:
        parameters: (S, 1 + 2 J): ln E, ln A_j, alpha_j.
        logs: (n, J) ln x.
    """
    n_powers = logs.shape[1]
    terms = parameters[:, None, 1 : 1 + n_powers] - parameters[:, None, 1 + n_powers :] * logs  # (S, n, J)
    terms = torch.cat([parameters[:, None, :1].expand(-1, len(logs), 1), terms], dim=2)  # (S, n, 1 + J)
    shares = terms.softmax(dim=2)  # of each term in the predicted loss
    return terms.logsumexp(dim=2), torch.cat([shares, -shares[:, :, 1:] * logs], dim=2)


def _minimised(parameters: Tensor, logs: Tensor, log_loss: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
    """Move parameters (S, P) downhill; return them and the mean Huber loss there, (S,)."""
    damping = torch.full((len(parameters), 1), 1e-3, dtype=torch.float64)
    predicted, slopes = predicted_log(parameters, logs)
    value = _huber(predicted - log_loss, weights)
    for _ in range(STEPS):
        residuals = predicted - log_loss  # (S, n)
        pull = weights * (HUBER / residuals.abs().clamp(min=HUBER))  # far points pull as hard as near ones
        gradient = torch.einsum("sn,snp->sp", pull * residuals, slopes)
        curvature = torch.einsum("sn,snp,snq->spq", pull, slopes, slopes)
        scale = curvature.diagonal(dim1=1, dim2=2) + 1e-12  # (S, P)
        step = torch.linalg.solve(curvature + torch.diag_embed(damping * scale), gradient)
        tried = parameters - step.clamp(-1, 1)
        tried[:, 1 + logs.shape[1] :].clamp_(SMALLEST, LARGEST)
        new_predicted, new_slopes = predicted_log(tried, logs)
        new_value = _huber(new_predicted - log_loss, weights)
        better = new_value < value
        gained = torch.where(better, value - new_value, 0.0)
        parameters = torch.where(better[:, None], tried, parameters)
        predicted = torch.where(better[:, None], new_predicted, predicted)
        slopes = torch.where(better[:, None, None], new_slopes, slopes)
        damping = (damping * torch.where(better, 0.3, 4.0)[:, None]).clamp(1e-12, 1e12)
        if (gained <= 1e-13 * value).all() and (better | (damping[:, 0] > 1e6)).all():
            break
        value = torch.where(better, new_value, value)
    return parameters, value


def _huber(residuals: Tensor, weights: Tensor) -> Tensor:
    size = residuals.abs()  # (S, n)
    each = torch.where(size <= HUBER, residuals**2 / 2, HUBER * (size - HUBER / 2))
    return (weights * each).sum(dim=1) / weights.sum(dim=1)


def _starts(logs: Tensor, loss: Tensor) -> Tensor:
    """Return starting points (K, 1 + 2 J): every floor with all exponents, the terms alike at the median run."""
    n_powers = logs.shape[1]
    exponents = torch.cartesian_prod(*[torch.tensor(FIRST_EXPONENTS, dtype=torch.float64)] * n_powers)
    exponents = exponents.view(-1, n_powers)  # (K', J)
    points: list[Tensor] = []
    for share in FIRST_FLOORS:
        floor = share * loss.min()
        rest = ((loss.median() - floor) / n_powers).log()
        coefficients = rest + exponents * logs.median(dim=0).values  # (K', J)
        points.append(torch.cat([floor.log().expand(len(exponents), 1), coefficients, exponents], dim=1))
    return torch.cat(points)


def _parameters(fit: Fit) -> Tensor:
    return torch.cat([fit.floor[:, None].log(), fit.logs, fit.exponents], dim=1)


def tensors(names: Sequence[str], *columns: object) -> list[Tensor]:
    """Return columns of numbers as float64 tensors (n,) of equal length.

    Raises:
        ValueError: a column that isn't one row of finite numbers above 0, or columns of different lengths; named.
    """
    found = []
    for name, column in zip(names, columns, strict=True):
        values = torch.as_tensor(column, dtype=torch.float64).cpu()
        if values.dim() != 1:
            raise ValueError(f"{name} must be one row of numbers, (n,), got shape {tuple(values.shape)}")
        wrong = (~(values.isfinite() & (values > 0))).nonzero().flatten().tolist()
        if wrong:
            raise ValueError(
                f"{name} must be finite and above 0, got {values[wrong[0]].item()} at place {wrong[0]}: "
                "leave that run out"
            )
        found.append(values)
    if len({len(values) for values in found}) > 1:
        lengths = ", ".join(f"{name} {len(values)}" for name, values in zip(names, found, strict=True))
        raise ValueError(f"a value of each is needed for every run, got {lengths}")
    return found
