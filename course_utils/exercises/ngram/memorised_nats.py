"""How far below the floor a counted model seems to be on its own text: an experiment, and its law."""

import math

from course_utils.exercises.core import Exercise, probes


def memorised_nats(sides: int, throws: int) -> float:
    """Return how many nats per throw a counted die lies below the floor ln(sides), on the throws it was counted on.

    It holds for many throws of a fair die, on average: (sides - 1) / (2 throws).

    Source: Miller (1955), "Note on the Bias of Information Estimates"; Wilks (1938), "The Large-Sample Distribution of
    the Likelihood Ratio for Testing Composite Hypotheses".
    """
    return (sides - 1) / (2 * throws)


exercise = Exercise(
    memorised_nats,
    minutes=30,
    difficulty=3,
    shown="(sides - 1) / (2 throws): half a nat for each free number that was counted, shared by all throws.",
    hints=(
        "Fix 6 sides and measure 100, 200 and 400 throws. What does twice the text do to the difference?",
        "So multiply the difference by the number of throws. How does that depend on the number of sides: 2, 3, 6, 11?",
        "The products are near 0.5, 1, 2.5 and 5. Each free probability (one fewer than sides) costs half a nat.",
    ),
    probes=probes(
        ("a die, 100 throws", 6, 100),
        "Measure ln(sides) minus the entropy of the counted shares, then return the formula it nears for many throws.",
        ("twice the throws", 6, 200),
        "Twice the text halves the difference.",
        ("a coin", 2, 100),
        "More sides are more numbers to learn by heart: measure 2, 3, 6 and 11 sides with the same number of throws.",
        ("eleven sides, many throws", 11, 5000),
        "Multiply the difference by the throws: it grows by a half for each further side.",
        ("one side", 1, 10),
        "A die with one side has nothing to learn by heart.",
    ),
    hidden=probes(
        ("other numbers", 20, 2500),
        "Find one formula for all numbers of sides and of throws.",
    ),
)

exercise.add_mistakes(
    "this counts every side. The last probability follows from the others: one number fewer is free.",
    lambda sides, throws: sides / (2 * throws),
    "this is twice too much. Measure with a coin: the difference times the throws is near one half.",
    lambda sides, throws: (sides - 1) / throws,
    "these are bits. Use natural logarithms.",
    lambda sides, throws: (sides - 1) / (2 * throws * math.log(2)),
    "this falls with the root of the throws. Measure: twice the throws halve the difference.",
    lambda sides, throws: (sides - 1) / (2 * math.sqrt(throws)),
    "this is for all throws together. Divide by the number of throws.",
    lambda sides, throws: (sides - 1) / 2,
    "this doesn't depend on the sides. Measure 2, 6 and 11 with the same number of throws.",
    lambda sides, throws: 1 / (2 * throws),
    "this is the floor itself. Subtract from it what the counted model needs on its own throws.",
    lambda sides, throws: math.log(sides),
    "the sign is turned round: on its own throws the counted model lies below the floor. Floor minus model.",
    lambda sides, throws: -(sides - 1) / (2 * throws),
)
