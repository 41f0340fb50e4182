"""A matrix that multiplies in the dtype of what it is given, and several that multiply the same vectors at once."""

from collections.abc import Sequence
from typing import Any, Protocol

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


class Stack(Protocol):
    """The weights of several layers of the same input, one behind another, as one matrix."""

    def __call__(self, x: Tensor) -> Tensor:
        """Map x (..., d_in) to (..., sum of d_out)."""
        ...

    def holds(self, layers: Sequence[nn.Module]) -> bool:
        """Say whether these layers' weights are its rows, in this order."""
        ...


class Linear(nn.Linear):
    """`nn.Linear` without bias, whose weight may be narrower than its input.

    `stack` is the matrix of which its weight is the first rows, once `packing.pack` has made one.
    """

    stack: Stack | None = None

    def __init__(self, d_in: int, d_out: int):
        super().__init__(d_in, d_out, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return product(x, self.weight)

    def _apply(self, *args: Any, **keywords: Any) -> "Linear":
        self.stack = None  # weights that are moved, or get another dtype, leave it
        return super()._apply(*args, **keywords)


class FloatStack:
    """Weights one behind another in memory; each is still its own layer's parameter, to be trained, saved or replaced.

    Args:
        layers: whose weights to put there, of the same input and dtype.
    """

    def __init__(self, layers: Sequence[Linear]):
        self.weight = torch.cat([layer.weight.data for layer in layers])  # (sum of d_out, d_in)
        for layer, rows in zip(layers, self.weight.split([layer.out_features for layer in layers]), strict=True):
            layer.weight.data = rows

    def __call__(self, x: Tensor) -> Tensor:
        return product(x, self.weight)

    def holds(self, layers: Sequence[nn.Module]) -> bool:
        place = self.weight.data_ptr()
        for layer in layers:
            if type(layer) is not Linear or layer.weight.data_ptr() != place:
                return False
            place += layer.weight.nbytes
        return True


def products(x: Tensor, layers: Sequence[nn.Module]) -> list[Tensor]:
    """Return layer(x) of each layer, by a single product if their weights are stacked.

    A processor that multiplies one vector does little but read the weights and start to; one product of 960 rows starts
    once. With gradients, or if a layer has been replaced since, each multiplies by itself.

    Args:
        x: (..., d_in).
        layers: that map it to (..., d_out) each.
    """
    stack = getattr(layers[0], "stack", None)
    if stack is None or torch.is_grad_enabled() or not stack.holds(layers):
        return [layer(x) for layer in layers]
    return list(stack(x).split([layer.out_features for layer in layers], dim=-1))
