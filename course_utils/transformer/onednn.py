"""Products of many vectors in float32 by the library oneDNN, where torch's own choice takes a slower way.

Torch multiplies float32 matrices on a CPU by Intel's MKL, which uses on AMD's processors no more than their AVX2. Those
of today have twice as wide instructions, and oneDNN, which comes with torch as well, uses them.
"""

import functools
import time
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import _len_torch_dispatch_stack

from course_utils.device import processor_is_from_amd

ENOUGH = 2**20  # multiplications of a product from which oneDNN's longer preparation pays
MARGIN = 1.3  # times as fast as torch's own product; on an EPYC with AVX-512 it was 2.2, under AVX2 alone 1.15
SIZES = 4  # numbers of rows between a power of two and the next, to which others are padded
TRIED, ROUNDS = 256, 7  # rows of the square matrices with which that is measured, and how often


def product(x: Tensor, weight: Tensor) -> Tensor:
    """Return x weight^T by oneDNN, and its gradients by oneDNN too.

    Args:
        x: (..., d_in), float32 on the CPU.
        weight: (d_out, d_in), likewise.

    Returns:
        (..., d_out).
    """
    if torch.is_grad_enabled() and (x.requires_grad or weight.requires_grad):
        return Product.apply(x, weight)
    rows = x.reshape(-1, x.shape[-1])  # (N, d_in)
    padded = _padded(rows)
    result = _multiply(padded, weight)  # (N and more, d_out)
    if len(padded) > len(rows):
        result = result[: len(rows)].clone()  # a view would keep the padding as long as the result
    return result.view(*x.shape[:-1], len(weight))


def pays(x: Tensor, weight: Tensor) -> bool:
    """Say whether x (..., d_in) times weight^T (d_in, d_out) had better be `product` than torch's own.

    Never under autocast, in a compiled function, for sharded or otherwise special tensors, or while something listens
    to torch's operations, such as a counter of FLOPs, which wouldn't know this one.
    """
    return (
        x.numel() * len(weight) >= ENOUGH
        and x.dtype == weight.dtype == torch.float32
        and x.device.type == weight.device.type == "cpu"
        and weight.dim() == 2
        and is_quicker()
        and not torch.is_autocast_enabled("cpu")
        and all(type(each) in (Tensor, torch.nn.Parameter) for each in (x, weight))
        and not any(torch._C._functorch.is_functorch_wrapped_tensor(each) for each in (x, weight))
        and not _len_torch_dispatch_stack()
    )


class Product(torch.autograd.Function):
    """x weight^T, (..., d_in) and (d_out, d_in) to (..., d_out)."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor) -> Tensor:
        for_x, for_weight = ctx.needs_input_grad
        ctx.save_for_backward(x if for_weight else None, weight if for_x else None)
        return product(x, weight)  # nothing is recorded in here

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, Tensor | None]:
        x, weight = ctx.saved_tensors
        (gradient,) = gradients  # (..., d_out)
        for_x = for_weight = None
        if weight is not None:
            for_x = product(gradient, weight.T)  # G W, (..., d_in)
        if x is not None:
            rows, inputs = (_padded(each.reshape(-1, each.shape[-1])) for each in (gradient, x))
            for_weight = product(rows.T, inputs.T)  # G^T X, (d_out, d_in)
        return for_x, for_weight


def _multiply(rows: Tensor, weight: Tensor) -> Tensor:
    return torch.ops.mkldnn._linear_pointwise(rows, weight, None, "none", [], "")


def _padded(rows: Tensor) -> Tensor:
    """Return rows (N, d) with so many rows of zeros below that N is one of `SIZES` numbers between powers of two.

    For each number of rows that it meets oneDNN makes a program, which takes it half a millisecond and half a megabyte
    and more, and keeps it. Batches of texts have any number of tokens.
    """
    step = max(1, 2 ** (len(rows).bit_length() - 1) // SIZES)
    missing = -len(rows) % step
    return torch.nn.functional.pad(rows, (0, 0, 0, missing)) if missing else rows


@functools.cache
def is_quicker() -> bool:
    """Say whether oneDNN multiplies clearly faster than torch's own choice here: on some of AMD's processors.

    It is measured, the first time a process asks: what oneDNN may use depends on settings such as ONEDNN_MAX_CPU_ISA.
    """
    if not (processor_is_from_amd() and torch.backends.mkldnn.is_available() and torch._C._get_mkldnn_enabled()):
        return False
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with torch.no_grad(), torch.autocast("cpu", enabled=False):
            matrix = torch.ones(TRIED, TRIED)
            rounds = [(_seconds(torch.nn.functional.linear, matrix), _seconds(product, matrix)) for _ in range(ROUNDS)]
    finally:
        torch.set_num_threads(threads)
    plain, ours = map(min, zip(*rounds, strict=True))
    return plain > MARGIN * ours


def _seconds(multiply: Any, matrix: Tensor) -> float:
    start = time.perf_counter()
    multiply(matrix, matrix)
    return time.perf_counter() - start
