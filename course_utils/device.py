"""Where tensors live: pick a device and a dtype once, and seed every generator."""

import random

import numpy as np
import torch


def pick_device() -> torch.device:
    """Return the fastest device of this machine: CUDA, else Apple's MPS, else the CPU."""
    if torch.cuda.is_available():
        return torch.device("cuda")
    if torch.backends.mps.is_available():
        return torch.device("mps")
    return torch.device("cpu")


def pick_dtype(device: torch.device | str) -> torch.dtype:
    """Return bfloat16 on a CUDA device that computes in it natively, else float32."""
    if torch.device(device).type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False):
        return torch.bfloat16
    return torch.float32


def multiplies_bfloat16(device: torch.device | str) -> bool:
    """Say whether the device multiplies matrices in bfloat16 faster than in float32: it has instructions for it."""
    device = torch.device(device)
    if device.type == "cpu":
        has = torch.cpu.get_capabilities()
        return any(has.get(name, False) for name in ("avx512_bf16", "amx_bf16"))
    return pick_dtype(device) == torch.bfloat16


def widened(x: torch.Tensor) -> torch.Tensor:
    """Return x in float64; on the CPU if its device (Apple's MPS) has no float64."""
    return (x.cpu() if x.device.type == "mps" else x).double()


def seed_everything(seed: int) -> None:
    """Seed Python's, NumPy's and PyTorch's global generators (all devices).

    Raises:
        ValueError: `seed` is not in 0 .. 2**32 - 1, the range all three generators share.
    """
    if not 0 <= seed < 2**32:
        raise ValueError(f"seed must be in 0 .. 2**32 - 1, got {seed}")
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002 - the global generator is what third-party code draws from
    torch.manual_seed(seed)
