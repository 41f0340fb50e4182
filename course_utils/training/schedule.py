"""The learning rate over a run: warm up, then decay. Told by progress, so that steps, tokens and seconds all do."""

import math

DECAYS = ("cosine", "linear", "constant")


def learning_rate_factor(progress: float, warmup: float = 0.05, decay: str = "linear", final: float = 0.0) -> float:
    """Return what to multiply the peak learning rate with.

    It rises in a straight line from 0 to 1 while progress goes from 0 to `warmup`, then falls to `final` at the end.

    Args:
        progress: how much of the run is over, 0 .. 1.
        warmup: the fraction of the run that warms up, 0 <= warmup < 1.
        decay: "cosine" falls along half a cosine, "linear" along a straight line, "constant" stays at 1.
        final: the factor at the end, 0 .. 1; "constant" has no use for it.

    Raises:
        ValueError: an argument out of range, named.

    Source: the cosine: Loshchilov and Hutter (2017), "SGDR: Stochastic Gradient Descent with Warm Restarts", equation
    5, without restarts; the line to 0: Bergsma et al. (2025), "Straight to Zero"; warm-up: Goyal et al. (2017),
    "Accurate, Large Minibatch SGD".
    """
    check_schedule(warmup, decay, final)
    if not 0 <= progress <= 1:
        raise ValueError(f"progress must be in 0 .. 1, got {progress}")
    if progress < warmup:
        return progress / warmup
    if decay == "constant":
        return 1.0
    over = (progress - warmup) / (1 - warmup)  # 0 .. 1
    height = 0.5 * (1 + math.cos(math.pi * over)) if decay == "cosine" else 1 - over  # 1 .. 0
    return final + (1 - final) * height


def check_schedule(warmup: float, decay: str, final: float) -> None:
    """Raise ValueError if a schedule has an argument out of range."""
    if not 0 <= warmup < 1:
        raise ValueError(f"warmup must be a fraction of the run, at least 0 and below 1, got {warmup}")
    if decay not in DECAYS:
        raise ValueError(f"unknown decay {decay!r}: choose one of {', '.join(DECAYS)}")
    if not 0 <= final <= 1:
        raise ValueError(f"final must be in 0 .. 1, got {final}")
