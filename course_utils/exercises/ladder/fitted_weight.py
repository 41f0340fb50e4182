"""The weight of a mixture, fitted on a text that neither model has read."""

import math

from course_utils.exercises.core import Exercise, probes


def fitted_weight(p: list[float], q: list[float]) -> float:
    """Return the weight w in 0 .. 1 for which the mean of ln(w p + (1 - w) q) is largest, to three digits.

    The mean is concave in w, so its slope falls: the best weight is where it changes sign, or an end if it doesn't.

    Args:
        p, q: the probabilities that two models gave to each token that came.
    """
    low, high = 0.0, 1.0
    for _ in range(40):
        weight = (low + high) / 2
        slope = sum((a - b) / (weight * a + (1 - weight) * b) for a, b in zip(p, q, strict=True))
        low, high = (weight, high) if slope > 0 else (low, weight)
    return round(weight, 3)


exercise = Exercise(
    fitted_weight,
    minutes=25,
    difficulty=2,
    shown="the weight depends on where the models are wrong, not on which of them is better on average.",
    hints=(
        "Write the mean of ln(w p + (1 - w) q) as a function of w, and print it at 0, 0.1, ... 1 for the first check.",
        "It has one hill. Try all of 0, 0.001, ... 1, or follow its slope, the mean of (p - q) / (w p + (1 - w) q).",
        "max((i / 1000 for i in range(1001)), key=...) is enough, with -math.inf where a probability is 0.",
    ),
    probes=probes(
        ("now one is ahead, now the other", [0.6, 0.5, 0.05], [0.3, 0.3, 0.3]),
        "Neither is always ahead: 0.396.",
        ("one is always better", [0.5, 0.4], [0.25, 0.1]),
        "The second only does harm: the weight of the first is 1.",
        ("the other is always better", [0.25, 0.1], [0.5, 0.4]),
        "The first only does harm: 0.",
        ("right three times in four", [0.9, 0.9, 0.9, 0.2], [0.1, 0.1, 0.1, 0.8]),
        "Maximise the mean of the logarithm, not how often a model is ahead: 0.969.",
        ("one of them rules a token out", [0.9, 0.9, 0.9, 0.0], [0.3, 0.3, 0.3, 0.3]),
        "With weight 1 the last token would be impossible, ln 0 = -inf: 0.625.",
        ("one is hardly ever wrong, then badly", [0.99] * 9 + [0.001], [0.5] * 10),
        "The one bad token weighs a lot: 0.800.",
    ),
    hidden=probes(
        ("five tokens", [0.3, 0.05, 0.6, 0.2, 0.9], [0.1, 0.4, 0.5, 0.3, 0.2]),
        "Look for the w with the largest mean of ln(w p + (1 - w) q).",
    ),
)


def best(p, q, value):
    """The weight out of 0, 0.001, ... 1 with the largest value of the list of mixed probabilities."""
    weights = [number / 1000 for number in range(1001)]
    return max(weights, key=lambda w: value([w * a + (1 - w) * b for a, b in zip(p, q, strict=True)]))


def share_ahead(p, q):
    return sum(a > b for a, b in zip(p, q, strict=True)) / len(p)


def share_of_total(p, q):
    return sum(p) / (sum(p) + sum(q))


def odds_of_each(p, q):
    return sum(a / (a + b) for a, b in zip(p, q, strict=True)) / len(p)


def rounded(function):
    return lambda p, q: round(function(p, q), 3)


def unrounded(p, q):
    weight = 0.5
    for _ in range(20_000):
        weight = sum(weight * a / (weight * a + (1 - weight) * b) for a, b in zip(p, q, strict=True)) / len(p)
    return weight


exercise.add_mistakes(
    "the weight is right; round it to three digits.",
    unrounded,
    "the weight is right to four digits. Give three.",
    lambda p, q: round(unrounded(p, q), 4),
    "the weight is right to two digits. Give three.",
    lambda p, q: round(fitted_weight(p, q), 2),
    "this is one half, whatever the lists hold.",
    lambda p, q: 0.5,
    "this maximises the mean of the probabilities. Maximise the mean of their logarithms, the bits that are paid.",
    lambda p, q: best(p, q, sum),
    "this is the weight of the second model; p has the weight w.",
    lambda p, q: round(1 - fitted_weight(p, q), 3),
    "this is one of the two models alone. A mean of both may beat either.",
    lambda p, q: float(sum(math.log(a) if a else -math.inf for a in p) > sum(math.log(b) for b in q)),
)
for sentence, function in (
    ("this is the share of tokens for which the first model is ahead. By how much matters too.", share_ahead),
    ("this shares the weight out by the sums of the probabilities. Try weights, and take the best.", share_of_total),
    ("this is one step of an iteration that begins at a half. Go on until the weight stays.", odds_of_each),
):
    exercise.add_mistakes(sentence, function, sentence, rounded(function))
