"""Two language models as one, in logarithms: the logarithm of a weighted mean, not the mean of logarithms."""

import math

import numpy as np

from course_utils.exercises.core import Exercise, probes

IMPOSSIBLE = -math.inf


def mixed(log_p: list[float], log_q: list[float], weight: float) -> list[float]:
    """Return ln of weight * p + (1 - weight) * q, word by word.

    Args:
        log_p, log_q: ln of the probabilities that two models give to the same words, -inf where one gives 0.
        weight: the share of the first model, 0 .. 1.

    The larger of the two terms is taken out of the sum first, so that it doesn't vanish for words that both hold to be
    nearly impossible.
    """
    result = []
    for first, second in zip(log_p, log_q, strict=True):
        terms = [math.log(share) + log for share, log in ((weight, first), (1 - weight, second)) if share > 0]
        largest = max(terms)
        if largest == IMPOSSIBLE:
            result.append(IMPOSSIBLE)
        else:
            result.append(largest + math.log(sum(math.exp(term - largest) for term in terms)))
    return result


exercise = Exercise(
    mixed,
    minutes=15,
    difficulty=1,
    shown="the mean of two distributions is a distribution, whatever the weight and however small the numbers.",
    hints=(
        "The mean is one of probabilities: exp brings you there, the logarithm back. Try that first.",
        "ln(0) is an error in Python's math, and exp(-1000) is 0. Think of a weight of 0 or 1, of a word that one or "
        "both models rule out, and of one that both find nearly impossible.",
        "With a = ln w + log_p and b = ln(1 - w) + log_q, and m the larger of them: m + ln(exp(a - m) + exp(b - m)). "
        "numpy.logaddexp(a, b).tolist() does just that; a weight of 0 leaves its term out.",
    ),
    probes=probes(
        ("half and half", [math.log(0.5), math.log(0.5)], [math.log(0.1), math.log(0.9)], 0.5),
        "The probabilities are 0.3 and 0.7; give their logarithms.",
        ("a quarter", [math.log(0.8), math.log(0.2)], [math.log(0.4), math.log(0.6)], 0.25),
        "weight is the share of the first model: 0.25 * 0.8 + 0.75 * 0.4 = 0.5.",
        ("ruled out by one", [0.0, IMPOSSIBLE], [math.log(0.5), math.log(0.5)], 0.5),
        "The first model gives the second word 0, and the mixture still gives it a quarter.",
        ("ruled out by both", [0.0, IMPOSSIBLE], [0.0, IMPOSSIBLE], 0.5),
        "What both rule out stays impossible: -inf.",
        ("weight 1", [math.log(0.5), math.log(0.5)], [0.0, IMPOSSIBLE], 1.0),
        "With weight 1 the first model is left alone; ln(0) must not be asked for.",
        ("nearly impossible", [0.0, -1000.0], [0.0, -1001.0], 0.5),
        "exp(-1000) is 0 in a float, yet the answer is about -1000.38: take the larger term out of the sum.",
    ),
    hidden=probes(
        ("weight 0", [0.0, IMPOSSIBLE, IMPOSSIBLE], [math.log(0.25), math.log(0.75), -900.0], 0.0),
        "With weight 0 the second model is left alone.",
    ),
)


def logarithm(p):
    return math.log(p) if p > 0 else IMPOSSIBLE


def in_probabilities(log_p, log_q, weight, mean):
    """Take a mean of each pair of probabilities; return logarithms."""
    return [logarithm(mean(math.exp(a), math.exp(b), weight)) for a, b in zip(log_p, log_q, strict=True)]


def mean_of_logarithms(log_p, log_q, weight):
    return [weight * a + (1 - weight) * b for a, b in zip(log_p, log_q, strict=True)]


def product(log_p, log_q, weight):
    logs = mean_of_logarithms(log_p, log_q, weight)
    total = sum(math.exp(log) for log in logs)
    return [log - logarithm(total) for log in logs]


exercise.add_mistakes(
    "this is the mean of the logarithms. It belongs to the product p^w q^(1-w), which doesn't sum to 1.",
    mean_of_logarithms,
    "this is the product p^w q^(1-w), divided by its sum: a distribution, but another one. Take the mean of p and q.",
    product,
    "the mean is right, but its logarithm is missing.",
    lambda log_p, log_q, weight: [math.exp(a) for a in mixed(log_p, log_q, weight)],
    "these are logarithms to base 2. Give natural ones, like those that came.",
    lambda log_p, log_q, weight: [log / math.log(2) for log in mixed(log_p, log_q, weight)],
    "the weight multiplies the probability. In logarithms its own logarithm is added: ln(w p) = ln w + ln p.",
    lambda log_p, log_q, weight: np.logaddexp(weight * np.array(log_p), (1 - weight) * np.array(log_q)).tolist(),
    "the weights are swapped: `weight` is the share of the first model.",
    lambda log_p, log_q, weight: mixed(log_q, log_p, weight),
    "the two are added without their weights: that sums to 2.",
    lambda log_p, log_q, weight: in_probabilities(log_p, log_q, weight, lambda p, q, w: p + q),
    "this is half and half, whatever the weight.",
    lambda log_p, log_q, weight: in_probabilities(log_p, log_q, weight, lambda p, q, w: (p + q) / 2),
    "-inf - (-inf) is nan: where both models rule a word out, don't take the larger term out of the sum.",
    lambda log_p, log_q, weight: [
        math.nan if a == b == IMPOSSIBLE else log
        for a, b, log in zip(log_p, log_q, mixed(log_p, log_q, weight), strict=True)
    ],
    "a word that both find nearly impossible became impossible: exp(-1000) is 0. Take the larger term out of the sum.",
    lambda log_p, log_q, weight: in_probabilities(log_p, log_q, weight, lambda p, q, w: w * p + (1 - w) * q),
)
