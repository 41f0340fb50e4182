"""Which device to compute on, and in which dtypes it does so natively."""

import contextlib
import functools
import platform
import re
import time
from pathlib import Path

import torch

NARROW = (torch.bfloat16, torch.float16)  # some processors only emulate these, up to eighty times slower than float32
SIZES = (128, 256)  # rows of the square matrices to try: emulated products of the first take 2 ms
ROUNDS = 5
HOPELESS = 5  # times as long as float32: the larger size can't change that
MARGIN = 1.2  # times as fast as float32; processors that have the instructions are at about two

_native: dict[torch.dtype, bool] = {}  # what this process has measured or was told about its CPU


def pick_device() -> torch.device:
    """Return the fastest device of this machine: CUDA, else Apple's MPS, else the CPU."""
    if torch.cuda.is_available():
        return torch.device("cuda")
    if torch.backends.mps.is_available():
        return torch.device("mps")
    return torch.device("cpu")


def pick_dtype(device: torch.device | str) -> torch.dtype:
    """Return bfloat16 on a CUDA device that computes in it natively, else float32."""
    device = torch.device(device)
    return torch.bfloat16 if device.type == "cuda" and multiplies(torch.bfloat16, device) else torch.float32


def processor_name() -> str:
    """Return what this machine calls its processor."""
    with contextlib.suppress(OSError):  # no Linux
        if found := re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text()):
            return found[1]
    return platform.processor()


@functools.cache
def processor_is_from_amd() -> bool:
    """Say whether AMD made this machine's processor, on which Intel's library, torch's default, takes slower ways."""
    description = platform.processor()  # on Windows it names the maker, on Linux it may be empty
    with contextlib.suppress(OSError):  # no Linux
        description += Path("/proc/cpuinfo").read_text()
    return "AuthenticAMD" in description


def multiplies_bfloat16(device: torch.device | str) -> bool:
    """Say whether products had better be in bfloat16 if no one asks for a dtype: never on Apple's MPS."""
    device = torch.device(device)
    return device.type != "mps" and multiplies(torch.bfloat16, device)


def compute_dtype(dtype: torch.dtype, device: torch.device | str) -> torch.dtype:
    """Return what to compute in with numbers of a dtype: float32 if the device would only emulate theirs."""
    return dtype if dtype not in NARROW or multiplies(dtype, device) else torch.float32


def multiplies(dtype: torch.dtype, device: torch.device | str) -> bool:
    """Say whether a device has instructions to multiply in a dtype, the one place that decides.

    A CPU is measured, the first time a process asks: what instructions it has is not yet what the libraries use, which
    heed settings such as ONEDNN_MAX_CPU_ISA. CUDA knows about its bfloat16. Other devices are assumed to support both.

    Args:
        dtype: torch.bfloat16 or torch.float16; wider ones always are.
        device: where to multiply.
    """
    device = torch.device(device)
    if dtype not in NARROW:
        return True
    if device.type == "cpu":
        if dtype not in _native:
            _native[dtype] = outruns_float32(dtype)
        return _native[dtype]
    if device.type == "cuda" and dtype == torch.bfloat16:
        return torch.cuda.is_bf16_supported(including_emulation=False)
    return True


# Compiling must not trace a measurement. torch.compiler.assume_constant_result sets this private mark too, after
# importing the compiler, which takes longer than everything else that this package imports.
vars(multiplies)["_dynamo_marked_constant"] = True


def settle(dtype: torch.dtype, native: bool) -> None:
    """Say for this process what `multiplies` answers about its CPU, since several that train together must agree."""
    _native[dtype] = native


def outruns_float32(dtype: torch.dtype) -> bool:
    """Measure whether this CPU multiplies matrices in a dtype clearly faster than in float32.

    One thread multiplies, each dtype in turn, and the best times count: a product is over before a busy machine
    interrupts it, and waits for no other thread.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        for n in SIZES:
            rounds = [(seconds_of_product(n, torch.float32), seconds_of_product(n, dtype)) for _ in range(ROUNDS)]
            wide, narrow = map(min, zip(*rounds, strict=True))
            if narrow > HOPELESS * wide:
                return False
        return wide > MARGIN * narrow
    finally:
        torch.set_num_threads(threads)


@torch.no_grad()
def seconds_of_product(n: int, dtype: torch.dtype) -> float:
    """Multiply two n x n matrices on the CPU in a dtype, whatever autocast is on; return how long it took."""
    matrix = torch.ones(n, n, dtype=dtype, device="cpu")
    with torch.autocast("cpu", enabled=False):
        start = time.perf_counter()
        matrix @ matrix
        return time.perf_counter() - start


def widened(x: torch.Tensor) -> torch.Tensor:
    """Return x in float64; on the CPU if its device (Apple's MPS) has no float64."""
    return (x.cpu() if x.device.type == "mps" else x).double()
