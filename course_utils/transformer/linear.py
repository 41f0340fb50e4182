"""A matrix that multiplies in the dtype of what it is given, and several that multiply the same vectors at once."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from course_utils.device import processor_is_from_amd
from course_utils.transformer import onednn

PIECE = 2**20  # numbers widened at a time: they stay in the processor's cache, and no whole wide copy is ever made
FEW = 4  # vectors at most for which a processor takes longer to read a matrix than to calculate
LARGE = 2**16  # numbers in a matrix for which that matters
BANDS = 8  # of a matrix's rows, for the threads to share


def product(x: Tensor, weight: Tensor) -> Tensor:
    """Return x weight^T in the dtype of x; a narrower weight is widened for it, piece by piece.

    A single vector that meets a large matrix in bfloat16 is rounded to it instead, and so is the result: widening the
    matrix would take several times as long as the product. Layers in eight and four bits do the same.

    Args:
        x: (..., d_in).
        weight: (d_out, d_in).

    Returns:
        (..., d_out).
    """
    vectors = x.numel() // max(1, x.shape[-1])
    may_choose = x.device.type == "cpu" and not torch.compiler.is_compiling()
    large = may_choose and weight.numel() >= LARGE
    if large and vectors == 1 and weight.dtype == torch.bfloat16 and x.dtype in (torch.bfloat16, torch.float32):
        return as_it_lies(x.to(weight.dtype), weight).to(x.dtype)
    if weight.dtype.itemsize < x.dtype.itemsize:
        pieces = weight.split(max(1, PIECE // weight.shape[1]))  # each (some of d_out, d_in)
        return torch.cat([F.linear(x, piece.to(x.dtype)) for piece in pieces], dim=-1)
    if large and vectors <= FEW and x.dtype == torch.float32 and len(weight) % BANDS == 0 and processor_is_from_amd():
        return in_bands(x, weight)
    if may_choose and vectors > FEW and onednn.pays(x, weight):
        return onednn.product(x, weight)
    return F.linear(x, weight)


def in_bands(x: Tensor, weight: Tensor) -> Tensor:
    """Return x (..., d_in) times weight^T (d_in, d_out), as one product for each band of d_out / BANDS rows.

    A few vectors' product takes as long as the matrix takes to be read. On an EPYC processor (AMD) torch's plain
    product took as long with two threads as with one, its batched product a third of that. On a Xeon (Intel) the plain
    one reads as fast as the memory goes, and the batched one took three times as long.
    """
    columns = x.reshape(-1, x.shape[-1]).contiguous().T.expand(BANDS, -1, -1)  # (BANDS, d_in, vectors)
    bands = torch.bmm(weight.unflatten(0, (BANDS, -1)), columns)  # (BANDS, d_out / BANDS, vectors)
    return bands.flatten(0, 1).T.contiguous().view(*x.shape[:-1], len(weight))  # (..., d_out)


def as_it_lies(x: Tensor, weight: Tensor) -> Tensor:
    """Return x (..., d_in) times weight^T (d_in, d_out) by torch's own kernel, without the library oneDNN.

    For a single vector in bfloat16 that is the quicker one: a step of SmolLM2 took 13 ms in place of 22 on an EPYC
    processor, 37 in place of 42 on a Xeon, both of which have instructions for bfloat16.
    """
    enabled = torch._C._get_mkldnn_enabled()  # the public switch warns of graphics cards
    torch._C._set_mkldnn_enabled(False)
    try:
        return F.linear(x, weight)
    finally:
        torch._C._set_mkldnn_enabled(enabled)


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


class Adapted(nn.Module):
    """A layer with something beside it that is added to what it says.

    Args:
        base: maps x (..., d_in) to h (..., d_out).
    """

    def __init__(self, base: nn.Module):
        super().__init__()
        self.base = base

    def forward(self, x: Tensor) -> Tensor:
        return self.adapt(x, self.base(x))

    def adapt(self, x: Tensor, h: Tensor) -> Tensor:
        """Return the layer's output (..., d_out), given what the base alone makes of x, h (..., d_out)."""
        raise NotImplementedError


def products(x: Tensor, layers: Sequence[nn.Module]) -> list[Tensor]:
    """Return layer(x) of each layer, by a single product if they, or their bases, are the rows of one stack in order.

    Args:
        x: (..., d_in).
        layers: that map it to (..., d_out) each.
    """
    bases = [layer.base if isinstance(layer, Adapted) else layer for layer in layers]
    place, stack = 0, getattr(bases[0], "stack", None)
    for base in bases:
        if not (isinstance(base, Rows) and base.stack is stack and base.first == place):
            return [layer(x) for layer in layers]
        place += base.out_features
    parts = bases[0].stack(x).split([base.out_features for base in bases], dim=-1)  # type: ignore[operator]
    return [
        layer.adapt(x, part) if isinstance(layer, Adapted) else part for layer, part in zip(layers, parts, strict=True)
    ]
