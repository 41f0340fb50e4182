"""How a cache stores vectors: as they are, or in eight bits each number."""

import torch
from torch import Tensor

LARGEST = 127  # of a whole number of eight bits; -128 stays unused, so that both signs reach equally far


class Stored:
    """Vectors of every layer, stored in the dtype that they come in, or another.

    Args:
        shape: (layers, B, heads, S, d_k), S = slots for tokens.
        device, dtype: where and how.
    """

    def __init__(self, shape: tuple[int, ...], device: torch.device | str | None, dtype: torch.dtype | None):
        self.numbers = torch.zeros(shape, device=device, dtype=dtype)

    @property
    def nbytes(self) -> int:
        """Bytes of everything stored."""
        return self.numbers.nbytes

    def write(self, layer: int, slots: slice | Tensor, x: Tensor) -> None:
        """Store x (B, heads, T, d_k) in T slots of a layer."""
        self.numbers[layer, :, :, slots] = x

    def read(self, layer: int, slots: slice | Tensor, dtype: torch.dtype) -> Tensor:
        """Return what is in these slots of a layer, (B, heads, slots, d_k)."""
        return self.numbers[layer, :, :, slots]

    def take(self, rows: Tensor, used: int) -> None:
        """Put into row i of the batch what row rows[i] holds in its first `used` slots; rows (B',) sets a new B."""
        self.numbers = taken(self.numbers, rows, used)


def taken(numbers: Tensor, rows: Tensor, used: int) -> Tensor:
    """Return (layers, B', heads, S, d_k) with these rows of numbers (layers, B, ...); in place if B' = B."""
    held = numbers[:, rows, :, :used]  # a copy
    if len(rows) != numbers.shape[1]:
        numbers = numbers.new_zeros(numbers.shape[0], len(rows), *numbers.shape[2:])
    numbers[:, :, :, :used] = held
    return numbers


class StoredInt8(Stored):
    """Vectors in eight bits: each is a scale in float32 times whole numbers from -127 to 127.

    The largest number of a vector becomes 127, so rounding moves a number by 1 / 254 of it at most.

    Source: Dettmers, Lewis, Belkada and Zettlemoyer (2022), "LLM.int8()", section 2.1.
    """

    def __init__(self, shape: tuple[int, ...], device: torch.device | str | None):
        super().__init__(shape, device, torch.int8)
        self.scales = torch.zeros((*shape[:-1], 1), device=device)

    @property
    def nbytes(self) -> int:
        return self.numbers.nbytes + self.scales.nbytes

    def write(self, layer: int, slots: slice | Tensor, x: Tensor) -> None:
        scales = x.abs().amax(dim=-1, keepdim=True).float() / LARGEST  # (B, heads, T, 1)
        self.scales[layer, :, :, slots] = scales
        self.numbers[layer, :, :, slots] = (x / scales.clamp(min=torch.finfo(scales.dtype).tiny)).round().to(torch.int8)

    def read(self, layer: int, slots: slice | Tensor, dtype: torch.dtype) -> Tensor:
        return self.numbers[layer, :, :, slots].to(dtype) * self.scales[layer, :, :, slots].to(dtype)

    def take(self, rows: Tensor, used: int) -> None:
        super().take(rows, used)
        self.scales = taken(self.scales, rows, used)
