"""Muon: step along a matrix with all its singular values near 1, so that no direction of a layer is left behind."""

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import torch
from torch import Tensor, nn

from course_utils.device import compute_dtype
from course_utils.training.distributed import distribute_like, full_tensor

LARGEST_STACK = 2**24  # numbers; larger products gain nothing from being stacked, and copies of them would need memory


def orthogonalise(matrices: Tensor, coefficients: tuple[float, float, float], steps: int, eps: float) -> Tensor:
    """Bring all singular values near 1 and leave the singular vectors as they are (Newton-Schulz iteration).

    One iteration maps every singular value s to a s + b s^3 + c s^5, by matrix products alone.

    Args:
        matrices: (n, rows, columns), rows <= columns.
        coefficients: a, b, c.
        steps: number of iterations.
        eps: the smallest norm to divide by.

    Returns:
        (n, rows, columns), in the dtype of Muon's products: bfloat16, or float32 where the processor only emulates it.

    Source: Jordan et al. (2024), "Muon: An optimizer for hidden layers in neural networks".
    """
    a, b, c = coefficients
    x = matrices.to(compute_dtype(torch.bfloat16, matrices.device))
    x = x / x.norm(dim=(-2, -1), keepdim=True).clamp(min=eps)  # no singular value exceeds the norm
    for _ in range(steps):
        gram = x @ x.mT  # (n, rows, rows)
        x = torch.baddbmm(x, torch.baddbmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)  # (n, rows, columns)
    return x


class StackedMuon(torch.optim.Muon):
    """`torch.optim.Muon`, with matrices of one shape moved together: the same step in few large products.

    Tall matrices are transposed meanwhile. The step has the size that AdamW's would have ("match_rms_adamw").

    A step depends on all singular values of a matrix, which no shard knows. So of sharded matrices one stack at a time
    is gathered, made orthogonal by every process, and cut again: every process takes the step that one alone would.
    """

    def __init__(
        self, parameters: Iterable[nn.Parameter], lr: float = 1e-3, weight_decay: float = 0.1, momentum: float = 0.95
    ):
        super().__init__(parameters, lr, weight_decay, momentum, nesterov=True, adjust_lr_fn="match_rms_adamw")

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Move every matrix that has a gradient; return the loss if a closure computes it."""
        with torch.enable_grad():
            loss = None if closure is None else closure()
        for group in self.param_groups:
            settings = (group["ns_coefficients"], group["ns_steps"], group["eps"])
            for parameters in stacks([parameter for parameter in group["params"] if parameter.grad is not None]):
                directions = [full_tensor(self._direction(parameter, group["momentum"])) for parameter in parameters]
                orthogonal = orthogonalise(torch.stack([wide(direction) for direction in directions]), *settings)
                for parameter, direction in zip(parameters, orthogonal, strict=True):
                    if direction.shape != parameter.shape:
                        direction = direction.mT
                    parameter.mul_(1 - group["lr"] * group["weight_decay"])
                    size = 0.2 * math.sqrt(max(parameter.shape)) * group["lr"]
                    parameter.add_(distribute_like(direction, parameter), alpha=-size)
        return loss

    def _direction(self, parameter: nn.Parameter, momentum: float) -> Tensor:
        """Return Nesterov's mean of this gradient and those before, in the dtype of Muon's products."""
        gradient, state = parameter.grad, self.state[parameter]
        assert gradient is not None  # `step` leaves all others out
        if "momentum_buffer" not in state:
            state["momentum_buffer"] = torch.zeros_like(gradient)
        mean = state["momentum_buffer"].lerp_(gradient, 1 - momentum)
        return gradient.lerp(mean, momentum).to(compute_dtype(torch.bfloat16, parameter.device))


def stacks(parameters: list[nn.Parameter]) -> Iterator[list[nn.Parameter]]:
    """Yield matrices of one shape, wide or tall, as many at a time as LARGEST_STACK allows, at least one."""
    shapes: dict[tuple[int, ...], list[nn.Parameter]] = defaultdict(list)
    for parameter in parameters:
        shapes[tuple(sorted(parameter.shape))].append(parameter)
    for alike in shapes.values():
        at_a_time = max(1, LARGEST_STACK // alike[0].numel())
        for start in range(0, len(alike), at_a_time):
            yield alike[start : start + at_a_time]


def wide(matrix: Tensor) -> Tensor:
    """Return a view of a matrix with at least as many columns as rows."""
    return matrix.mT if matrix.shape[0] > matrix.shape[1] else matrix
