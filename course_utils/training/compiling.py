"""Does torch.compile work here? It needs a compiler that not every machine has."""

import warnings

import torch


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
