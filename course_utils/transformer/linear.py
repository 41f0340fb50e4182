"""A matrix that multiplies in the dtype of what it is given."""

import torch.nn.functional as F
from torch import Tensor, nn


class Linear(nn.Linear):
    """`nn.Linear` without bias; a weight that is narrower than its input is widened for the product."""

    def __init__(self, d_in: int, d_out: int):
        super().__init__(d_in, d_out, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, self.weight.to(x.dtype))  # (..., d_in) -> (..., d_out)
