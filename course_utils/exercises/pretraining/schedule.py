"""Exercise of notebook 07: the learning rate over a run."""

import math
from collections.abc import Callable

from course_utils.exercises.core import Exercise, Mistake, Probe
from course_utils.training import learning_rate_factor


def learning_rate(progress: float, peak: float, warmup: float, final: float) -> float:
    """Return the learning rate when a share `progress` of the run is over: a straight rise, then half a cosine.

    Args:
        progress: 0 .. 1.
        peak: the highest rate, at the end of the warm-up.
        warmup: the share of the run that warms up, 0 <= warmup < 1.
        final: the rate at the end of the run, as a share of the peak.

    Raises:
        ValueError: progress is not in 0 .. 1.
    """
    return peak * learning_rate_factor(progress, warmup, "cosine", final)


def _shaped(
    height: Callable[[float], float] = lambda over: 0.5 * (1 + math.cos(math.pi * over)),
    rise: Callable[[float, float], float] = lambda progress, warmup: progress / warmup,
    over: Callable[[float, float], float] = lambda progress, warmup: (progress - warmup) / (1 - warmup),
    scale: Callable[[float, float, float], float] = lambda height, peak, final: peak * (final + (1 - final) * height),
) -> Callable:
    """Return an answer with one thing changed: the fall, the rise, where the fall begins, or where it ends."""

    def rate(progress: float, peak: float, warmup: float, final: float) -> float:
        if progress < warmup:
            return peak * rise(progress, warmup)
        return scale(height(over(progress, warmup)), peak, final)

    return rate


def _factor_only(progress: float, peak: float, warmup: float, final: float) -> float:
    return learning_rate_factor(progress, warmup, "cosine", final)


def _held_within(progress: float, peak: float, warmup: float, final: float) -> float:
    return _shaped()(min(max(progress, 0.0), 1.0), peak, warmup, final)


def _rises_from_final(progress: float, peak: float, warmup: float, final: float) -> float:
    if progress < warmup:
        return peak * (final + (1 - final) * progress / warmup)
    return _shaped()(progress, peak, warmup, final)


def _both_at_once(progress: float, peak: float, warmup: float, final: float) -> float:
    falls = _shaped(over=lambda progress, warmup: progress)(progress, 1.0, 0.0, final)
    return peak * min(progress / warmup if warmup else 1.0, 1.0) * falls


learning_rate = Exercise(
    learning_rate,
    shown="up in a straight line to the peak, then down half a cosine to final times the peak.",
    hints=(
        "Two cases: progress < warmup, where the rate rises from 0 to the peak, and the rest, where it falls.",
        "In the fall, how much of it is over? over = (progress - warmup) / (1 - warmup) goes from 0 to 1, and "
        "height = 0.5 * (1 + math.cos(math.pi * over)) goes from 1 to 0.",
        "return peak * progress / warmup, or peak * (final + (1 - final) * height). First raise ValueError unless "
        "0 <= progress <= 1.",
    ),
    probes=(
        Probe("halfway up", (0.05, 8.0, 0.1, 0.0), "Half of the warm-up is over: half of the peak."),
        Probe("early in the warm-up", (0.05, 8.0, 0.2, 0.5), "The rise begins at 0, whatever `final` is."),
        Probe("at the top", (0.1, 8.0, 0.1, 0.0), "At the end of the warm-up the rate is the peak."),
        Probe("a quarter down", (0.325, 8.0, 0.1, 0.0), "A cosine falls slowly at first: 0.854 of the peak."),
        Probe("halfway down", (0.55, 8.0, 0.1, 0.0), "Half of the fall is over, and cos(pi / 2) is 0: half the peak."),
        Probe("the end", (1.0, 8.0, 0.1, 0.0), "cos(pi) is -1: the rate is 0."),
        Probe("the end, with final = 0.25", (1.0, 8.0, 0.1, 0.25), "A quarter of the peak is left."),
        Probe("halfway down to a quarter", (0.55, 8.0, 0.1, 0.25), "Halfway between 8 and 2."),
        Probe(
            "no warm-up",
            (0.0, 8.0, 0.0, 0.0),
            "Without a warm-up the run begins at the peak. Ask for progress < warmup, not <=: no division by 0.",
        ),
        Probe("beyond the end", (1.5, 8.0, 0.1, 0.25), "progress goes from 0 to 1: raise ValueError."),
        Probe("before the beginning", (-0.5, 8.0, 0.1, 0.25), "progress goes from 0 to 1: raise ValueError."),
    ),
    mistakes=(
        Mistake(_factor_only, "this is the factor. Multiply it by the peak."),
        Mistake(
            lambda progress, peak, warmup, final: _shaped()(progress, peak, 0.0, final),
            "there is no warm-up: the rate begins at the peak.",
        ),
        Mistake(
            _shaped(rise=lambda progress, warmup: 1.0),
            "during the warm-up the rate is at the peak already. It rises in a straight line from 0.",
        ),
        Mistake(
            _shaped(rise=lambda progress, warmup: progress),
            "you multiplied by progress. Over the warm-up it should grow from 0 to 1: divide by warmup.",
        ),
        Mistake(
            _shaped(rise=lambda progress, warmup: 1 - progress / warmup),
            "your warm-up goes down. It begins at 0 and ends at the peak.",
        ),
        Mistake(
            _shaped(rise=lambda progress, warmup: 0.5 * (1 - math.cos(math.pi * progress / warmup))),
            "the warm-up is a straight line: progress / warmup.",
        ),
        Mistake(
            _both_at_once,
            "rise and fall act at the same time. The fall begins where the warm-up ends.",
        ),
        Mistake(_rises_from_final, "the warm-up begins at 0. `final` is for the end of the run."),
        Mistake(
            _shaped(over=lambda progress, warmup: progress),
            "the fall is counted from the start of the run, so the rate jumps at the end of the warm-up. Count from "
            "there: (progress - warmup) / (1 - warmup).",
        ),
        Mistake(
            _shaped(over=lambda progress, warmup: progress - warmup),
            "the fall doesn't get to its end. What is left after the warm-up is 1 - warmup: divide by it.",
        ),
        Mistake(
            _shaped(height=lambda over: math.cos(math.pi * over)),
            "a cosine goes from 1 to -1. Add 1 and halve it.",
        ),
        Mistake(
            _shaped(height=lambda over: 0.5 * (1 + math.cos(2 * math.pi * over))),
            "a whole cosine comes up again. Take half of one: pi, not 2 pi.",
        ),
        Mistake(
            _shaped(height=lambda over: math.cos(0.5 * math.pi * over)),
            "a quarter of a cosine falls fastest at the end. Take half of one: 0.5 * (1 + cos(pi x)).",
        ),
        Mistake(_shaped(height=lambda over: 1 - over), "this is a straight line down. Take half a cosine."),
        Mistake(_shaped(height=lambda over: 1.0), "after the warm-up the rate stays. Let it fall along half a cosine."),
        Mistake(
            _shaped(height=lambda over: 0.5 * (1 + math.cos(180 * over))),
            "math.cos takes radians: half a turn is math.pi, not 180.",
        ),
        Mistake(
            _shaped(height=lambda over: 0.5 * (1 - math.cos(math.pi * over))),
            "your cosine rises. It falls with a plus: 0.5 * (1 + cos(pi x)).",
        ),
        Mistake(
            _shaped(scale=lambda height, peak, final: peak * height),
            "`final` has no effect: at the end final times the peak is left.",
        ),
        Mistake(
            _shaped(scale=lambda height, peak, final: final + (peak - final) * height),
            "`final` is a share of the peak, not a rate.",
        ),
        Mistake(
            _shaped(scale=lambda height, peak, final: peak * (final + height)),
            "with `final` added on top, the rate begins above the peak. Shrink the cosine to 1 - final.",
        ),
        Mistake(
            _shaped(scale=lambda height, peak, final: peak * max(height, final)),
            "you cut the cosine off at `final`. Shrink it, so that it gets there at the end: final + (1 - final) * "
            "height.",
        ),
        Mistake(
            _held_within, "you pulled progress back into 0 .. 1 in silence. Raise ValueError: the caller miscounts."
        ),
        Mistake(_shaped(), "progress outside 0 .. 1 should be refused with a ValueError."),
    ),
    package=(learning_rate_factor,),
)
