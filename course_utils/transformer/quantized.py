"""Weights in sixteen, eight or four bits: a half, a quarter or an eighth of float32's bytes, scales not counted.

At inference one vector meets each weight once, so that reading them is what takes the time. Only matrices are rounded.
Vectors stay as wide as they are, but for a product's input, which the kernels for eight and four bits take in bfloat16.
Matrices can't be trained, but what stands before and beside them can: gradients pass through, as in Dettmers et al.
(2023), "QLoRA".
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from course_utils.transformer.linear import PIECE, Rows

GROUP = 32  # weights of a row that share a scale and an offset in four bits, as in llama.cpp's Q4_1
ROWS = 16  # torch's kernel for four bits takes matrices of so many rows, or a multiple
SMALLEST = torch.finfo(torch.bfloat16).tiny  # a scale that may be divided by


def eight_bits(weight: Tensor) -> tuple[Tensor, Tensor]:
    """Return a matrix as whole numbers -127 .. 127 times a scale for each row.

    Args:
        weight: (d_out, d_in).

    Returns:
        numbers (d_out, d_in) int8 and scales (d_out, 1) bfloat16.

    Source: Dettmers, Lewis, Belkada and Zettlemoyer (2022), "LLM.int8()", section 2.1.
    """
    wide = weight.float()
    scales = (wide.abs().amax(dim=1, keepdim=True) / 127).clamp(min=SMALLEST).to(torch.bfloat16)
    return (wide / scales.float()).round().clamp(-127, 127).to(torch.int8), scales


def four_bits(weight: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return a matrix as whole numbers 0 .. 15 times a scale plus an offset, both for each group of 32 in a row.

    The least and the largest weight of a group become 0 and 15, as in llama.cpp's Q4_1: a matrix that comes from such a
    file gets the file's whole numbers back.

    Args:
        weight: (d_out, d_in), d_in a multiple of 32.

    Returns:
        numbers (d_out, groups, 32) uint8, scales and offsets (d_out, groups, 1) float32.

    Source: llama.cpp, ggml/src/ggml-quants.c, quantize_row_q4_1_ref.
    """
    groups = weight.float().unflatten(1, (-1, GROUP))  # (d_out, groups, 32)
    least, largest = groups.aminmax(dim=-1, keepdim=True)  # (d_out, groups, 1)
    scales = (largest - least) / 15
    return ((groups - least) / scales.where(scales > 0, 1)).round().to(torch.uint8), scales, least


class Stack(nn.Module):
    """A matrix (d_out, d_in) of few bits."""

    def forward(self, x: Tensor) -> Tensor:
        """Map x (..., d_in) to x W^T (..., d_out) in the dtype of x."""
        return Through.apply(x, self) if torch.is_grad_enabled() and x.requires_grad else self.product(x)

    def product(self, x: Tensor) -> Tensor:
        """Return x W^T (..., d_out), without a gradient."""
        raise NotImplementedError

    def transposed(self, gradient: Tensor) -> Tensor:
        """Return the gradient with respect to x, (N, d_in), of that with respect to x W^T, (N, d_out): times W.

        W is widened for it: in eight and four bits piece by piece, as in `linear.product`, in float16 as a whole.
        """
        raise NotImplementedError


class Through(torch.autograd.Function):
    """A product whose gradient passes to its input; the matrix has none. Nothing has to be kept for it."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, stack: Stack) -> Tensor:
        ctx.stack = stack
        return stack.product(x)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        (gradient,) = gradients
        return ctx.stack.transposed(gradient.flatten(0, -2)).unflatten(0, gradient.shape[:-1]), None


def has_fbgemm() -> bool:
    """Say whether torch has FBGEMM's products for this processor."""
    return "fbgemm" in torch.backends.quantized.supported_engines


class Stack16(Stack):
    """A matrix in float16, (d_out, d_in), whose products the library FBGEMM, a part of torch, computes in float32.

    The processor need only widen float16 to float32, for which each one with AVX2 has an instruction.

    Raises:
        ValueError: the library isn't there for this processor; a weight that is no number or too large for float16.

    Source: Khudia et al. (2021), "FBGEMM: Enabling High-Performance Low-Precision Deep Learning Inference".
    """

    def __init__(self, weight: Tensor):
        super().__init__()
        if not has_fbgemm():
            raise ValueError("quantization='float16' needs FBGEMM, as on x86 processors with AVX2: use 'int8'")
        largest = float(weight.abs().max())
        if not largest <= torch.finfo(torch.float16).max:  # nor is NaN
            raise ValueError(f"a weight of {largest:.6g} can't be kept in float16, which ends at 65,504: use 'int8'")
        self.packed = torch.ops.quantized.linear_prepack_fp16(weight.float(), None)

    def product(self, x: Tensor) -> Tensor:
        rows = x.flatten(0, -2).float()  # (N, d_in)
        return torch.ops.quantized.linear_dynamic_fp16(rows, self.packed).to(x.dtype).unflatten(0, x.shape[:-1])

    def transposed(self, gradient: Tensor) -> Tensor:
        weight, _ = torch.ops.quantized.linear_unpack_fp16(self.packed)  # (d_out, d_in) float32
        return (gradient.float() @ weight).to(gradient.dtype)  # (N, d_in)


class Stack8(Stack):
    """A matrix in `eight_bits`, (d_out, d_in)."""

    def __init__(self, weight: Tensor):
        super().__init__()
        self.numbers, scales = eight_bits(weight)
        self.scales = scales[:, 0]

    def product(self, x: Tensor) -> Tensor:
        rows = x.flatten(0, -2).to(torch.bfloat16)  # (N, d_in)
        return torch._weight_int8pack_mm(rows, self.numbers, self.scales).to(x.dtype).unflatten(0, x.shape[:-1])

    def transposed(self, gradient: Tensor) -> Tensor:
        rows = max(1, PIECE // self.numbers.shape[1])
        total = gradient.new_zeros(len(gradient), self.numbers.shape[1], dtype=torch.float32)
        pieces = (each.split(rows, dim=dim) for each, dim in ((gradient, 1), (self.scales, 0), (self.numbers, 0)))
        for part, scales, numbers in zip(*pieces, strict=True):
            total += (part * scales) @ numbers.to(part.dtype)  # (N, d_in)
        return total.to(gradient.dtype)


class Stack4(Stack):
    """A matrix in `four_bits`, (d_out, d_in).

    Raises:
        ValueError: d_out is no multiple of 16, or d_in none of 32.
    """

    def __init__(self, weight: Tensor):
        super().__init__()
        if weight.shape[0] % ROWS or weight.shape[1] % GROUP:
            raise ValueError(
                f"a matrix of {weight.shape[0]} x {weight.shape[1]} can't be kept in four bits: the kernel takes "
                f"multiples of {ROWS} rows and {GROUP} columns; use 'int8'"
            )
        self.shape = weight.shape
        numbers, scales, offsets = four_bits(weight)
        self.packed = torch.ops.aten._convert_weight_to_int4pack_for_cpu(numbers.flatten(1).int(), 1)
        self.scales = torch.cat([scales, offsets + 8 * scales], dim=-1).transpose(0, 1).to(torch.bfloat16).contiguous()

    def product(self, x: Tensor) -> Tensor:
        rows = x.flatten(0, -2).to(torch.bfloat16)  # (N, d_in)
        result = torch.ops.aten._weight_int4pack_mm_for_cpu(rows, self.packed, GROUP, self.scales)  # (n - 8) s + middle
        return result.to(x.dtype).unflatten(0, x.shape[:-1])

    def transposed(self, gradient: Tensor) -> Tensor:
        # How the kernel packs depends on the processor. Rows of the identity make it say what the matrix is.
        d_out, d_in = self.shape
        rows = torch.eye(d_in, dtype=gradient.dtype).split(max(1, PIECE // d_out))  # each (some of d_in, d_in)
        return torch.cat([gradient @ self.product(piece).T for piece in rows], dim=1)  # (N, d_in)


STACKS = {"float16": Stack16, "int8": Stack8, "int4": Stack4}


def quantized_layers(weights: Sequence[Tensor], kind: str) -> list[Rows]:
    """Return layers of the same input, kept in fewer bits, which `products` computes at once.

    Args:
        weights: of each, (d_out, d_in).
        kind: one of `STACKS`.
    """
    stack = STACKS[kind](torch.cat([weight.detach() for weight in weights]))
    sizes = [len(weight) for weight in weights]
    return [Rows(stack, sum(sizes[:place]), size) for place, size in enumerate(sizes)]
