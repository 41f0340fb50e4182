"""A matrix that multiplies in the dtype of what it is given, and several that multiply the same vectors at once."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

PIECE = 2**20  # numbers widened at a time: they stay in the processor's cache, and no whole wide copy is ever made
FEW = 4  # vectors at most for which a processor takes longer to read the matrix than to calculate
LARGE = 2**16  # numbers in a matrix for which that matters
BANDS = 8  # of the matrix's rows, for the threads to share


def product(x: Tensor, weight: Tensor) -> Tensor:
    """Return x weight^T in the dtype of x; a narrower weight is widened for it, piece by piece.

    A single vector's product takes as long as its matrix takes to be read. torch's plain one keeps one thread at it,
    its batched one all of them: the matrix's rows, in bands, are the batch.

    Args:
        x: (..., d_in).
        weight: (d_out, d_in).

    Returns:
        (..., d_out).
    """
    if weight.dtype.itemsize >= x.dtype.itemsize:
        return in_bands(x, weight) if waits_for_memory(x, weight) else F.linear(x, weight)
    pieces = weight.split(max(1, PIECE // weight.shape[1]))  # each (some of d_out, d_in)
    return torch.cat([F.linear(x, piece.to(x.dtype)) for piece in pieces], dim=-1)


def waits_for_memory(x: Tensor, weight: Tensor) -> bool:
    """Say whether `in_bands` is the faster product: a large float32 matrix on a CPU, and few vectors for it."""
    d_out, d_in = weight.shape
    few = x.numel() <= FEW * d_in
    return few and weight.numel() >= LARGE and d_out % BANDS == 0 and x.device.type == "cpu" and x.dtype == torch.float32


def in_bands(x: Tensor, weight: Tensor) -> Tensor:
    """Return x (..., d_in) times weight^T, (d_out, d_in), as one product for each band of d_out / BANDS rows."""
    columns = x.reshape(-1, x.shape[-1]).T.expand(BANDS, -1, -1)  # (BANDS, d_in, vectors), the same for all bands
    bands = torch.bmm(weight.unflatten(0, (BANDS, -1)), columns)  # (BANDS, d_out / BANDS, vectors)
    return bands.flatten(0, 1).T.reshape(*x.shape[:-1], -1)  # (..., d_out)


class Linear(nn.Linear):
    """`nn.Linear` without bias, whose weight may be narrower than its input."""

    def __init__(self, d_in: int, d_out: int):
        super().__init__(d_in, d_out, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return product(x, self.weight)


class Rows(nn.Module):
    """What a `Linear` is in a quantised model: some rows of a matrix that several layers of the same input share.

    Args:
        stack: maps x (..., d_in) to (..., sum of all d_out).
        first: number of the first row.
        out_features: number of rows, d_out.
    """

    def __init__(self, stack: nn.Module, first: int, out_features: int):
        super().__init__()
        self.stack, self.first, self.out_features = stack, first, out_features

    def forward(self, x: Tensor) -> Tensor:
        return self.stack(x)[..., self.first : self.first + self.out_features]


def products(x: Tensor, layers: Sequence[nn.Module]) -> list[Tensor]:
    """Return layer(x) of each layer, by a single product if they are all the rows of one stack, in their order.

    Args:
        x: (..., d_in).
        layers: that map it to (..., d_out) each.
    """
    place, stack = 0, getattr(layers[0], "stack", None)
    for layer in layers:
        if not (isinstance(layer, Rows) and layer.stack is stack and layer.first == place):
            return [layer(x) for layer in layers]
        place += layer.out_features
    return list(layers[0].stack(x).split([layer.out_features for layer in layers], dim=-1))  # type: ignore[operator]
