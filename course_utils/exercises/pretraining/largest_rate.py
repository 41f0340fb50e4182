"""The largest learning rate: found by trying, and the law behind it."""

from course_utils.exercises.core import Exercise, probes


def largest_rate(curvatures: list[float]) -> float:
    """Return the rate up to which gradient descent comes to rest, and above which it flies off.

    Args:
        curvatures: a of the loss (a[0] x[0]^2 + a[1] x[1]^2 + ...) / 2; none is negative, one is positive.
    """
    return 2 / max(curvatures)  # each x is multiplied by 1 - rate * a in a step


exercise = Exercise(
    largest_rate,
    minutes=25,
    difficulty=2,
    shown="the steepest direction alone sets the limit, 2 over its curvature; the flat ones have to wait.",
    hints=(
        "Take one x, begin at 1, and print twenty steps of x -= rate * a * x for rates below and above your guess.",
        "A step multiplies x by 1 - rate * a. For which rates is that between -1 and 1? With several directions, all "
        "of them must come to rest.",
        "Halve the interval between a rate that comes to rest and one that flies off, forty times; or use the law, "
        "2 / max(curvatures).",
    ),
    probes=probes(
        ("one direction", [1.0]),
        "A rate of 1.9 swings and comes to rest, a rate of 2.1 swings and grows: 2.",
        ("four times as steep", [4.0]),
        "A quarter of the rate before: 0.5.",
        ("a flatter one", [0.1]),
        "Ten times the rate of the first: 20.",
        ("two alike", [3.0, 3.0]),
        "Each direction goes its own way, so two alike change nothing.",
        ("a steep one and two flatter ones", [8.0, 0.5, 2.0]),
        "The steep direction flies off first: it alone sets the limit.",
        ("the flat one first", [1.0, 100.0]),
        "The order is of no matter.",
        ("a direction without slope", [5.0, 0.0]),
        "There x stays where it is, at any rate.",
    ),
    hidden=probes(("five directions", [0.3, 2.5, 0.7, 16.0, 1.0]), "The steepest direction sets the limit."),
)

exercise.add_mistakes(
    "at this rate one step goes straight to the bottom. Larger ones swing across and still come to rest.",
    lambda curvatures: 1 / max(curvatures),
    "the flattest direction doesn't set the limit: there larger rates do no harm.",
    lambda curvatures: 2 / min(a for a in curvatures if a > 0),
    "the limit isn't set by the mean: the steepest direction flies off first.",
    lambda curvatures: 2 * len(curvatures) / sum(curvatures),
    "the directions don't add up: each goes its own way.",
    lambda curvatures: 2 / sum(curvatures),
    "upside down: steeper means a smaller rate.",
    lambda curvatures: max(curvatures) / 2,
    "the first direction isn't always the steepest.",
    lambda curvatures: 2 / curvatures[0],
    "the last direction isn't always the steepest.",
    lambda curvatures: 2 / curvatures[-1],
    "you divided by the square of the curvature. A step multiplies x by 1 - rate * a: divide by a once.",
    lambda curvatures: 2 / max(curvatures) ** 2,
    "the root is one too many. A step multiplies x by 1 - rate * a, which must stay above -1.",
    lambda curvatures: (2 / max(curvatures)) ** 0.5,
)
