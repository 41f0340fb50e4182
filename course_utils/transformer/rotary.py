"""Rotary position embedding: turn each query and key by an angle that grows with its position.

The product of a query and a key then depends on their distance only. The two halves of a head are paired
(dimension i with i + head / 2), as in Hugging Face's Llama.
"""

import torch
from torch import Tensor


def frequencies(head_dim: int, theta: float, device: torch.device | None = None) -> Tensor:
    """Return the angle per position of each pair of dimensions, 1 / theta ** (2 i / head).

    It is the quotient that Hugging Face computes, to the last bit: theta ** (-2 i / head), the same number on paper, is
    rounded otherwise, and a position of some thousands makes an angle of it that differs in the fourth digit.

    Args:
        head_dim: size of a head.
        theta: base of the wavelengths.

    Returns:
        (head / 2,) float32, in radians, falling from 1.

    Source: Su, Lu, Pan, Murtadha, Wen and Liu (2021), "RoFormer", section 3.2.2.
    """
    exponents = torch.arange(0, head_dim, 2, device=device).float() / head_dim  # (head / 2,)
    return 1 / theta**exponents


def rotation(positions: Tensor, head_dim: int, theta: float) -> tuple[Tensor, Tensor]:
    """Return cosine and sine of every angle position * frequency.

    Args:
        positions: (T,) or (B, T) whole numbers.
        head_dim: size of a head.
        theta: base of the wavelengths.

    Returns:
        Two float32 tensors (..., 1, T, d_k / 2); the 1 stands for the heads.
    """
    angles = positions[..., None].float() * frequencies(head_dim, theta, positions.device)  # (..., T, d_k / 2)
    return angles.cos().unsqueeze(-3), angles.sin().unsqueeze(-3)


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Turn each pair (x[i], x[i + head / 2]) by its angle.

    Args:
        x: (B, n_h, T, d_k).
        cos, sin: from `rotation`.

    Returns:
        (B, n_h, T, d_k) in the dtype of x.
    """
    first, second = x.chunk(2, dim=-1)  # each (B, n_h, T, d_k / 2)
    cos, sin = cos.to(x.dtype), sin.to(x.dtype)
    return torch.cat([first * cos - second * sin, second * cos + first * sin], dim=-1)
