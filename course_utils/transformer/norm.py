"""RMSNorm: give every token vector the same length before a layer reads it."""

import torch
from torch import Tensor, nn


def rms_norm(x: Tensor, weight: Tensor, eps: float) -> Tensor:
    """Divide each vector by its root mean square, then scale each dimension.

    Args:
        x: (..., d).
        weight: (d,) learned scale.
        eps: added to the mean square, so that a zero vector stays finite.

    Returns:
        (..., d), computed in float32 at least, in the dtype of x.

    Source: Zhang and Sennrich (2019), "Root Mean Square Layer Normalization", equation 4.
    """
    wide = x.to(torch.promote_types(x.dtype, torch.float32))
    mean_square = wide.pow(2).mean(dim=-1, keepdim=True)  # (..., 1)
    return weight * (wide * torch.rsqrt(mean_square + eps)).to(x.dtype)


class RMSNorm(nn.Module):
    """`rms_norm` with its learned weight (d,), which starts at 1."""

    def __init__(self, d_model: int, eps: float):
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(d_model))

    def forward(self, x: Tensor) -> Tensor:
        return rms_norm(x, self.weight, self.eps)
