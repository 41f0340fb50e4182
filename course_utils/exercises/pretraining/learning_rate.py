"""The learning rate over a run: warm-up, then half a cosine."""

import math

from course_utils.exercises.core import Exercise, probes
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


exercise = Exercise(
    learning_rate,
    minutes=15,
    difficulty=2,
    shown="up in a straight line to the peak, then down half a cosine to final times the peak.",
    hints=(
        "Two cases: progress < warmup, where the rate rises from 0 to the peak, and the rest, where it falls.",
        "In the fall, how much of it is over? over = (progress - warmup) / (1 - warmup) goes from 0 to 1, and "
        "height = 0.5 * (1 + math.cos(math.pi * over)) goes from 1 to 0.",
        "return peak * progress / warmup, or peak * (final + (1 - final) * height). First raise ValueError unless "
        "0 <= progress <= 1.",
    ),
    probes=probes(
        ("halfway up", 0.05, 8.0, 0.1, 0.0),
        "Half of the warm-up is over: half of the peak.",
        ("early in the warm-up", 0.05, 8.0, 0.2, 0.5),
        "The rise begins at 0, whatever `final` is.",
        ("at the top", 0.1, 8.0, 0.1, 0.0),
        "At the end of the warm-up the rate is the peak.",
        ("a quarter down", 0.325, 8.0, 0.1, 0.0),
        "A cosine falls slowly at first: 0.854 of the peak.",
        ("halfway down", 0.55, 8.0, 0.1, 0.0),
        "Half of the fall is over, and cos(pi / 2) is 0: half the peak.",
        ("the end", 1.0, 8.0, 0.1, 0.0),
        "cos(pi) is -1: the rate is 0.",
        ("the end, with final = 0.25", 1.0, 8.0, 0.1, 0.25),
        "A quarter of the peak is left.",
        ("halfway down to a quarter", 0.55, 8.0, 0.1, 0.25),
        "Halfway between 8 and 2.",
        ("no warm-up", 0.0, 8.0, 0.0, 0.0),
        "Without a warm-up the run begins at the peak. Ask for progress < warmup, not <=: no division by 0.",
        ("beyond the end", 1.5, 8.0, 0.1, 0.25),
        "progress goes from 0 to 1: raise ValueError.",
        ("before the beginning", -0.5, 8.0, 0.1, 0.25),
        "progress goes from 0 to 1: raise ValueError.",
    ),
    hidden=probes(
        ("another fall", 0.7, 3.0, 0.25, 0.1),
        "Compute over and height from progress and warmup.",
        ("a little beyond the end", 1.01, 3.0, 0.25, 0.1),
        "progress goes from 0 to 1: raise ValueError.",
    ),
    package=(learning_rate_factor,),
)

cosine = lambda over: 0.5 * (1 + math.cos(math.pi * over))


def warmed_up(fall):
    """A right warm-up, then `fall` of the share of the fall that is over, the peak and final."""
    return lambda progress, peak, warmup, final: (
        peak * progress / warmup if progress < warmup else fall((progress - warmup) / (1 - warmup), peak, final)
    )


exercise.add_mistakes(
    "this is the factor. Multiply it by the peak.",
    lambda progress, peak, warmup, final: learning_rate(progress, 1.0, warmup, final),
    "there is no warm-up: the rate begins at the peak.",
    lambda progress, peak, warmup, final: learning_rate(progress, peak, 0.0, final),
    "during the warm-up the rate is at the peak already. It rises in a straight line from 0.",
    lambda progress, peak, warmup, final: peak,
    "you multiplied by progress. Over the warm-up it should grow from 0 to 1: divide by warmup.",
    lambda progress, peak, warmup, final: peak * progress,
    "your warm-up goes down. It begins at 0 and ends at the peak.",
    lambda progress, peak, warmup, final: peak * (1 - progress / warmup),
    "the warm-up is a straight line: progress / warmup.",
    lambda progress, peak, warmup, final: peak * (1 - cosine(progress / warmup)),
    "rise and fall act at the same time. The fall begins where the warm-up ends.",
    lambda progress, peak, warmup, final: learning_rate(progress, peak, 0.0, final) * progress / warmup,
    "the warm-up begins at 0. `final` is for the end of the run.",
    lambda progress, peak, warmup, final: peak * (final + (1 - final) * progress / warmup),
    "the fall is counted from the start of the run, so the rate jumps at the end of the warm-up. Count from "
    "there: (progress - warmup) / (1 - warmup).",
    lambda progress, peak, warmup, final: learning_rate(progress, peak, warmup * (progress < warmup), final),
    "the fall doesn't get to its end. What is left after the warm-up is 1 - warmup: divide by it.",
    lambda progress, peak, warmup, final: peak * min(progress / warmup, cosine(max(progress - warmup, 0))),
    "a cosine goes from 1 to -1. Add 1 and halve it.",
    warmed_up(lambda over, peak, final: peak * math.cos(math.pi * over)),
    "a whole cosine comes up again. Take half of one: pi, not 2 pi.",
    warmed_up(lambda over, peak, final: peak * cosine(2 * over)),
    "a quarter of a cosine falls fastest at the end. Take half of one: 0.5 * (1 + cos(pi x)).",
    warmed_up(lambda over, peak, final: peak * math.cos(math.pi * over / 2)),
    "this is a straight line down. Take half a cosine.",
    warmed_up(lambda over, peak, final: peak * (1 - over)),
    "after the warm-up the rate stays. Let it fall along half a cosine.",
    warmed_up(lambda over, peak, final: peak),
    "math.cos takes radians: half a turn is math.pi, not 180.",
    warmed_up(lambda over, peak, final: peak * 0.5 * (1 + math.cos(180 * over))),
    "your cosine rises. It falls with a plus: 0.5 * (1 + cos(pi x)).",
    warmed_up(lambda over, peak, final: peak * (1 - cosine(over))),
    "`final` has no effect: at the end final times the peak is left.",
    lambda progress, peak, warmup, final: learning_rate(progress, peak, warmup, 0.0),
    "`final` is a share of the peak, not a rate.",
    warmed_up(lambda over, peak, final: final + (peak - final) * cosine(over)),
    "with `final` added on top, the rate begins above the peak. Shrink the cosine to 1 - final.",
    warmed_up(lambda over, peak, final: peak * (final + cosine(over))),
    "you cut the cosine off at `final`. Shrink it, so that it gets there at the end: final + (1 - final) * height.",
    warmed_up(lambda over, peak, final: peak * max(final, cosine(over))),
    "you pulled progress back into 0 .. 1 in silence. Raise ValueError: the caller miscounts.",
    lambda progress, peak, warmup, final: learning_rate(min(max(progress, 0.0), 1.0), peak, warmup, final),
    "progress outside 0 .. 1 should be refused with a ValueError.",
    warmed_up(lambda over, peak, final: peak * (final + (1 - final) * cosine(over))),
)
