"""How fast a device multiplies matrices and reads memory, and whether this machine can compile for it."""

import time
import warnings
from collections.abc import Callable

import torch

from course_utils.device import compute_dtype

PEAK_SIZE = {"cpu": 2048, "cuda": 8192, "mps": 4096}  # rows of the square matrices: a product then runs at full speed
READ_SIZE = {"cpu": 2**28, "cuda": 2**30, "mps": 2**29}  # bytes: many times what a cache holds
ROUNDS = 5


def matmul_peak(device: torch.device | str = "cpu", dtype: torch.dtype = torch.float32) -> float:
    """Return the operations per second of a large square matrix product: the best of several, here and now.

    A product of two n x n matrices takes 2 n^3 operations. Model FLOPs utilisation (MFU) is the operations that a model
    needs per second, divided by this.

    Args:
        device, dtype: where and in what to multiply; float32 in place of a dtype that the device only emulates.

    Raises:
        ValueError: float64 on Apple's MPS, which has none.
    """
    device = torch.device(device)
    if device.type == "mps" and dtype == torch.float64:
        raise ValueError(f"dtype={dtype}: Apple's MPS has no float64; ask for torch.float32")
    n = PEAK_SIZE.get(device.type, 2048)
    a, b = (torch.randn(2, n, n, device=device) / n).to(compute_dtype(dtype, device)).unbind(0)
    return 2 * n**3 / best_seconds(lambda: a @ b, device)


def read_bandwidth(device: torch.device | str = "cpu") -> float:
    """Return the bytes per second at which memory is read: a large array is added up, the best of several times."""
    device = torch.device(device)
    numbers = torch.ones(READ_SIZE.get(device.type, 2**28) // 8, dtype=torch.int64, device=device)
    return numbers.nbytes / best_seconds(numbers.sum, device)


def best_seconds(call: Callable[[], object], device: torch.device) -> float:
    """Return the least seconds of ROUNDS calls, after one to warm up; a device's own queue is waited for."""
    synchronise = {"cuda": torch.cuda.synchronize, "mps": torch.mps.synchronize}.get(device.type, lambda: None)
    best = float("inf")
    for _ in range(1 + ROUNDS):
        synchronise()
        start = time.perf_counter()
        call()
        synchronise()
        best = min(best, time.perf_counter() - start)
    return best


def can_compile(device: torch.device | str) -> bool:
    """Say whether torch.compile works on this machine, by compiling something small: a few seconds the first time.

    On a CPU it needs a C++ compiler and Python's headers, on a GPU Triton.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            torch.compile(lambda x: x.sin() + 1)(torch.zeros(8, device=device))
        except Exception:  # a missing compiler, header or library: each has an error of its own
            return False
        finally:
            torch.compiler.reset()
    return True
