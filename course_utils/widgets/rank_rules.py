"""What is left of an update that is cut down to a rank; browser/rank/rules.js does the same.

The best approximation of rank r keeps the r largest singular values (Eckart and Young, 1936, "The approximation of one
matrix by another of lower rank"): no LoRA of rank r comes closer to the update.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike

from course_utils.checks import whole_number

MOST_OF_IT = 0.9  # of the squared length: what the table asks a rank for


@dataclass(frozen=True, eq=False)
class Spectrum:
    """The singular values of a layer's update, and those of a random matrix of the same shape and size as its control.

    Args:
        shape: (d_out, d_in) of the matrix, as nn.Linear stores it.
        update: min(d_out, d_in) singular values, the largest first.
        control: the same of the random matrix.

    Raises:
        ValueError: shape isn't two positive whole numbers; or update or control aren't such values, or are all 0.
    """

    shape: tuple[int, int]
    update: np.ndarray
    control: np.ndarray

    def __init__(self, shape: tuple[int, int], update: ArrayLike, control: ArrayLike):
        try:
            d_out, d_in = shape
        except (TypeError, ValueError):
            raise ValueError(f"shape must be (d_out, d_in), got {shape!r}: give the shape of the matrix") from None
        shape = whole_number("d_out", d_out, least=1), whole_number("d_in", d_in, least=1)
        object.__setattr__(self, "shape", shape)
        object.__setattr__(self, "update", _singular_values("update", update, shape))
        object.__setattr__(self, "control", _singular_values("control", control, shape))

    @property
    def full_rank(self) -> int:
        """How many singular values there are."""
        return min(self.shape)


@dataclass(frozen=True)
class Losses:
    """What a model's loss is with its updates cut down to a rank, in nats per token.

    Args:
        base: of the model without the updates.
        finetuned: of the model with the whole updates.
        at_rank: rank -> loss, wherever it was measured.
    """

    base: float
    finetuned: float
    at_rank: Mapping[int, float]


def share_kept(values: np.ndarray, rank: int) -> float:
    """Return which share of a matrix's squared length, the sum of its squared entries, its best cut to a rank keeps.

    Args:
        values: (n,) its singular values, the largest first.
        rank: 0 to n.

    Raises:
        ValueError: rank is something else.
    """
    rank = whole_number("rank", rank, least=0, most=len(values))
    sums = np.cumsum(values * values)  # one after another, as the browser adds them: to the same last bit
    return float(sums[rank - 1] / sums[-1]) if rank else 0.0


def relative_error(values: np.ndarray, rank: int) -> float:
    """Return the length of what is cut away, as a share of the matrix's length: sqrt(1 - share_kept).

    Args, Raises: as for `share_kept`.
    """
    rank = whole_number("rank", rank, least=0, most=len(values))
    rest = np.cumsum((values * values)[::-1])  # the smallest first: a difference would lose the digits of a small rest
    return math.sqrt(rest[len(values) - rank - 1] / rest[-1]) if rank < len(values) else 0.0


def rank_for(values: np.ndarray, share: float = MOST_OF_IT) -> int:
    """Return the smallest rank that keeps at least a share of the squared length.

    Args:
        values: (n,) singular values, the largest first.
        share: above 0, at most 1.

    Raises:
        ValueError: share is something else.
    """
    if not 0 < share <= 1:
        raise ValueError(f"share must be above 0 and at most 1, got {share}")
    sums = np.cumsum(values * values)
    return int(np.argmax(sums / sums[-1] >= share)) + 1


def words(spectrum: Spectrum, rank: int, losses: Losses | None = None) -> str:
    """Say what a rank keeps and what it costs, in two sentences; a third one says what the loss is there.

    Args:
        spectrum: of the matrix.
        rank: at least 0; one above the full rank keeps all there is.
        losses: None says nothing of them.

    Raises:
        ValueError: rank is negative, or no whole number.
    """
    asked, (d_out, d_in), full = whole_number("rank", rank, least=0), spectrum.shape, spectrum.full_rank
    rank = min(asked, full)
    kept = percent(share_kept(spectrum.update, rank))
    error = percent(relative_error(spectrum.update, rank))
    told = f"This matrix has no rank above {full:,}. " if asked > full else ""
    told += f"Rank {rank:,} of {full:,} keeps {kept} of the update’s squared length: a relative error of {error}. "
    cost = rank * (d_in + d_out)
    told += f"A and B hold {rank:,} × ({d_in:,} + {d_out:,}) = {cost:,} parameters, {percent(cost / (d_in * d_out))} "
    told += f"of the {d_in:,} × {d_out:,} = {d_in * d_out:,} of the whole matrix."
    if losses is None:
        return told
    found = f"is {_loss(losses.at_rank[asked])}" if asked in losses.at_rank else "wasn’t measured"
    ends = f"{_loss(losses.base)} for the base model, {_loss(losses.finetuned)} for the finetuned one"
    return f"{told} The loss at rank {asked:,} {found}; it is {ends}."


def percent(x: float) -> str:
    """Write a share in percent, never as 0 or 100 what is neither, and rounded as the browser rounds."""
    if x in (0, 1):
        return f"{100 * x:.0f} %"
    if x < 0.001:
        return "less than 0.1 %"
    if 0.999 < x < 1:
        return "more than 99.9 %"
    return f"{math.floor(1000 * x + 0.5) / 10:,.1f} %"


def _loss(x: float) -> str:
    return f"{math.floor(1000 * x + 0.5) / 1000:.3f}"


def _singular_values(name: str, values: ArrayLike, shape: tuple[int, int]) -> np.ndarray:
    try:
        found = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise ValueError(f"{name} must hold numbers, got {values!r}: give its singular values") from None
    if found.shape != (min(shape),):
        raise ValueError(
            f"{name} must hold min(d_out, d_in) = {min(shape)} singular values, got the shape {found.shape}: give all "
            "of them, as torch.linalg.svdvals does"
        )
    if not (np.isfinite(found).all() and (found >= 0).all()):
        raise ValueError(f"{name} must hold finite values of at least 0, got {found.min()} to {found.max()}")
    if any(before < after for before, after in pairwise(found)):
        raise ValueError(f"{name} must hold the largest singular value first, got {found[0]} first: sort them")
    if found[0] == 0:
        raise ValueError(f"{name} holds zeros only, so there is nothing to keep: leave out what was not trained")
    return found
