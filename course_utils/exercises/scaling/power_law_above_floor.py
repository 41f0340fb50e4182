"""A power law above a floor, by a straight line; and a floor that a run has already broken through."""

import math
from statistics import fmean, linear_regression

from course_utils.exercises.core import Exercise, probes


def power_law_above_floor(x: list[float], loss: list[float], floor: float) -> tuple[float, float]:
    """Return the coefficient and the exponent of loss = floor + coefficient * x^-exponent.

    They belong to the least-squares line through ln(loss - floor) over ln x.

    Args:
        x: parameters, tokens or FLOPs of each run.
        loss: of each run, in nats per token.
        floor: what no model can go below, in the same unit.

    Raises:
        ValueError: a loss isn't above the floor.

    Source: Henighan et al. (2020), "Scaling Laws for Autoregressive Generative Modeling", equation 1.1.
    """
    if min(loss) <= floor:
        raise ValueError(f"floor={floor} isn't below each loss, the lowest of which is {min(loss)}")
    slope, height = linear_regression([math.log(value) for value in x], [math.log(value - floor) for value in loss])
    return math.exp(height), -slope


exercise = Exercise(
    power_law_above_floor,
    minutes=15,
    difficulty=1,
    shown="what lies above the floor is a straight line on two logarithmic axes, and the exponent is its slope.",
    hints=(
        "Take the floor away and write ln(loss - floor) as a function of ln x: which line is it?",
        "ln(loss - floor) = ln(coefficient) - exponent * ln x. numpy.polyfit(ln x, ln(loss - floor), 1) returns slope "
        "and height.",
        "Return (math.exp(height), -slope), as floats. Before that: if min(loss) <= floor, raise ValueError.",
    ),
    probes=probes(
        ("no floor, each tenfold x halves the loss", [1.0, 10.0, 100.0], [8.0, 4.0, 2.0], 0.0),
        "At x = 1 the loss is the coefficient, 8; the exponent is log10 of 2.",
        ("the same above a floor of 1", [1.0, 10.0, 100.0], [9.0, 5.0, 3.0], 1.0),
        "Without the floor this is the law above.",
        ("no run at x = 1", [1e6, 1e7, 1e8], [3.0, 2.0, 1.5], 1.0),
        "The line has to be followed back to x = 1, where ln x = 0.",
        ("runs that don't lie on a line", [1.0, 10.0, 100.0, 1000.0], [9.0, 4.0, 3.5, 2.0], 1.0),
        "All runs count: take the line of least squares through the logarithms.",
        ("the same runs, a higher floor", [1.0, 10.0, 100.0, 1000.0], [9.0, 4.0, 3.5, 2.0], 1.8),
        "The higher the floor, the steeper the line: the exponent hangs on a number that nobody has measured.",
        ("a floor above a loss", [1.0, 10.0, 100.0], [9.0, 2.5, 3.0], 2.8),
        "A model is already below this floor, so it is none: raise ValueError.",
        ("a loss on the floor", [1.0, 10.0, 100.0], [9.0, 5.0, 3.0], 3.0),
        "ln 0 is no number. A law of this form never reaches its floor: raise ValueError.",
    ),
    hidden=probes(
        ("five runs", [2e5, 1e6, 4e6, 3e7, 1e8], [3.4, 2.9, 2.45, 2.2, 1.93], 1.4),
        "The line through ln(loss - floor) over ln x.",
        ("another floor above a loss", [1e3, 1e4, 1e5], [2.0, 1.7, 1.9], 1.75),
        "The lowest loss needn't be the last: raise ValueError.",
    ),
)


def taken_away(loss, floor):
    return [value - floor for value in loss]


def fitted(line, floored=taken_away, log=math.log, answer=None):
    """What students vary: the line through the points, what they do about the floor, the logarithm, the answer."""

    def function(x, loss, floor):
        above = floored(loss, floor)
        if min(above) <= 0:
            raise ValueError
        slope, height = line([log(value) for value in x], [log(value) for value in above])
        return answer(slope, height, floor) if answer else (math.exp(height), -slope)

    return function


def through_ends(u, v):
    slope = (v[-1] - v[0]) / (u[-1] - u[0])
    return slope, v[0] - slope * u[0]


def mean_of_slopes(u, v):
    slope = fmean((v[i + 1] - v[i]) / (u[i + 1] - u[i]) for i in range(len(u) - 1))
    return slope, fmean(v) - slope * fmean(u)


def x_over_loss(u, v):
    slope, height = linear_regression(v, u)
    return 1 / slope, -height / slope


def without_lowest(x, loss, floor):
    pairs = [(a, b) for a, b in zip(x, loss, strict=True) if b > floor]
    return power_law_above_floor([a for a, _ in pairs], [b for _, b in pairs], floor)


def height_at_first_run(x, loss, floor):
    coefficient, exponent = power_law_above_floor(x, loss, floor)
    return coefficient * x[0] ** -exponent, exponent


regression = linear_regression

exercise.add_mistakes(
    "the exponent has the wrong sign: the law has x to the power of minus the exponent.",
    fitted(regression, answer=lambda slope, height, floor: (math.exp(height), slope)),
    "the coefficient is still a logarithm: take exp of the height.",
    fitted(regression, answer=lambda slope, height, floor: (height, -slope)),
    "these are slope and height of the line. The exponent is minus the slope, the coefficient exp of the height.",
    fitted(regression, answer=lambda slope, height, floor: (slope, height)),
    "exponent and coefficient are swapped. Return the coefficient first.",
    fitted(regression, answer=lambda slope, height, floor: (-slope, math.exp(height))),
    "the height is a logarithm to base 10: 10 to its power is the coefficient, not exp.",
    fitted(regression, log=math.log10),
    "the height is a logarithm to base 2: 2 to its power is the coefficient, not exp.",
    fitted(regression, log=math.log2),
    "the floor isn't taken away: this is a line through the logarithms of the losses themselves.",
    lambda x, loss, floor: power_law_above_floor(x, loss, 0.0),
    "the floor was added to the coefficient. It is a number of its own.",
    fitted(regression, answer=lambda slope, height, floor: (math.exp(height) + floor, -slope)),
    "the coefficient is the height of the line at the first run. It belongs to x = 1, where ln x is 0.",
    height_at_first_run,
    "this line goes through the first run and the last. Let all runs count.",
    fitted(through_ends),
    "the exponent is the mean of the slopes from run to run. Use least squares, in which runs far apart count more.",
    fitted(mean_of_slopes),
    "ln x was fitted as a function of ln(loss - floor). The errors are in the loss: fit it over x.",
    fitted(x_over_loss),
    "the runs below the floor were left out. They are the proof that the floor is wrong: raise ValueError.",
    without_lowest,
    "a loss below the floor was mirrored to above it. It proves that the floor is wrong: raise ValueError.",
    fitted(regression, floored=lambda loss, floor: [abs(value - floor) or 1e-9 for value in loss]),
    "a loss below the floor was lifted to just above it. It proves that the floor is wrong: raise ValueError.",
    fitted(regression, floored=lambda loss, floor: [max(value - floor, 1e-9) for value in loss]),
)
