"""A matrix that multiplies in the dtype of what it is given."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

PIECE = 2**20  # numbers widened at a time: they stay in the processor's cache, and no whole wide copy is ever made


def product(x: Tensor, weight: Tensor) -> Tensor:
    """Return x weight^T in the dtype of x; a narrower weight is widened for it, piece by piece.

    Args:
        x: (..., d_in).
        weight: (d_out, d_in).

    Returns:
        (..., d_out).
    """
    if weight.dtype.itemsize >= x.dtype.itemsize:
        return F.linear(x, weight)
    pieces = weight.split(max(1, PIECE // weight.shape[1]))  # each (some of d_out, d_in)
    return torch.cat([F.linear(x, piece.to(x.dtype)) for piece in pieces], dim=-1)


class Linear(nn.Linear):
    """`nn.Linear` without bias, whose weight may be narrower than its input."""

    def __init__(self, d_in: int, d_out: int):
        super().__init__(d_in, d_out, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return product(x, self.weight)
