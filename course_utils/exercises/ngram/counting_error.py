"""How far a counted probability lies from the true one: an experiment, and its law."""

import math

import numpy as np

from course_utils.exercises.core import Exercise, probes


def counting_error(p: float, count: int) -> float:
    """Return how far count(h w) / count(h) lies from the true P(w | h) = p, typically, after `count` draws.

    It is the root of the mean squared difference: sqrt(p (1 - p) / count).

    Source: Feller (1968), "An Introduction to Probability Theory and Its Applications", volume 1, chapter VI.
    """
    return math.sqrt(p * (1 - p) / count)


exercise = Exercise(
    counting_error,
    minutes=25,
    difficulty=2,
    shown="the square root of p (1 - p) / count: to halve the error you need four times as much text, and 3/4 from "
    "four draws is uncertain by 0.22.",
    hints=(
        "Fix p = 0.5 and measure counts of 25, 100 and 400. What does four times the count do to the error?",
        "So the error is a number that depends on p, over the root of the count. Measure it for p = .5, .1 and .9.",
        "It is 0.5 for p = .5 and 0.3 for p = .1 and for p = .9. What is 0.3 times 0.3, made of .1 and .9?",
    ),
    probes=probes(
        ("a rare word, 100 draws", 0.1, 100),
        "Draw 100 times, take the share, and repeat that 10,000 times: the typical error comes near 0.03. A formula "
        "meets it exactly.",
        ("four times the draws", 0.1, 400),
        "Four times the draws halve the error: it falls with the root of the count.",
        ("an even chance", 0.5, 100),
        "The error depends on p too. Measure it for several p and the same count.",
        ("a frequent word", 0.9, 100),
        "p and 1 - p have the same error: what one gains, the other loses.",
        ("a single draw", 0.2, 1),
        "After one draw the share is 0 or 1: the mean square error is p (1 - p).",
        ("a certain word", 1.0, 50),
        "A word that always comes is counted without error.",
    ),
    hidden=probes(
        ("another p, another count", 0.03, 2500),
        "Find one formula for all p and all counts.",
    ),
)


def measured(p, count):
    """The experiment's own result, as the exercise draws it."""
    shares = np.random.default_rng(0).binomial(count, p, size=10_000) / count
    return math.sqrt(np.mean((shares - p) ** 2))


exercise.add_mistakes(
    "this is the mean of the square. Take its root, to be in the units of a probability.",
    lambda p, count: p * (1 - p) / count,
    "this falls with the count itself. Measure with 100 and with 400: the error only halves.",
    lambda p, count: math.sqrt(p * (1 - p)) / count,
    "this doesn't fall with the count. Measure with 100 and with 400.",
    lambda p, count: math.sqrt(p * (1 - p)),
    "this is the error of the count. Divide by the count, to have that of the share.",
    lambda p, count: math.sqrt(p * (1 - p) * count),
    "this holds for an even chance only. Measure p = .1 too.",
    lambda p, count: 0.5 / math.sqrt(count),
    "the factor is missing: this is 1 over the root of the count. Measure p = .5 and p = .1.",
    lambda p, count: 1 / math.sqrt(count),
    "this holds for rare words only. A word with p = 1 is counted without error.",
    lambda p, count: math.sqrt(p / count),
    "this is a measurement, with an error of its own. Measure several p and counts, and guess the formula behind them.",
    lambda p, count: measured(p, count),
    "this is twice the typical error. Return the root of the mean square itself.",
    lambda p, count: 2 * math.sqrt(p * (1 - p) / count),
    "you divided by count - 1. That is for estimating the spread from one sample; here p is known.",
    lambda p, count: math.sqrt(p * (1 - p) / max(count - 1, 1)),
    "this is the mean of the absolute error for many draws. Take the root of the mean square.",
    lambda p, count: math.sqrt(2 / math.pi * p * (1 - p) / count),
)
