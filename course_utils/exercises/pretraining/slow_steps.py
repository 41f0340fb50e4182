"""An experiment with AdamW: for how long one large gradient slows it down."""

import math

from course_utils.exercises.core import Exercise, probes


def slow_steps(outlier: float) -> int:
    """Return how many of AdamW's steps, from an outlier among gradients of 1 on, are shorter than half the rate.

    Args:
        outlier: the gradient after 300 gradients of 1; 1,000 more of 1 follow. Betas 0.9 and 0.95, no weight decay.
    """
    m = v = 0.0
    lengths = []  # of the steps, in learning rates
    for t, g in enumerate([1.0] * 300 + [outlier] + [1.0] * 1000, start=1):
        m = 0.9 * m + 0.1 * g
        v = 0.95 * v + 0.05 * g**2
        lengths.append(abs(m / (1 - 0.9**t)) / (math.sqrt(v / (1 - 0.95**t)) + 1e-8))
    return sum(length < 0.5 for length in lengths[300:])


exercise = Exercise(
    slow_steps,
    minutes=20,
    difficulty=2,
    shown="an outlier of 10 hardly matters, one of 100 costs a hundred slow steps, and each further factor of 10 costs "
    "90 more. For v forgets the outlier's square, 100 times as large, by 5 % a step, and ln 100 / -ln 0.95 is 90. "
    "Clipping the gradient prevents it.",
    hints=(
        "torch.optim.AdamW can move a parameter that holds a single 0: set its .grad by hand, then step, and note how "
        "far the weight went. Take float64.",
        "Give it lr=rate, betas=(0.9, 0.95) and weight_decay=0.0; the defaults are others. The first 300 steps are not "
        "counted, the step with the outlier is.",
        "By hand: m = 0.9 m + 0.1 g and v = 0.95 v + 0.05 g^2; the step is rate * m / sqrt(v), each of the two divided "
        "by 1 - beta^t first. Count those of the last 1,001 that are shorter than rate / 2.",
    ),
    probes=probes(
        ("no outlier", 1.0),
        "All gradients are 1, so each step is the whole rate long, and none is counted.",
        ("a gradient of 0", 0.0),
        "One step without a gradient: m falls to nine tenths, and nothing is shorter than one half.",
        ("an outlier of 10", 10.0),
        "m and v both remember it, and the quotient never falls below one half.",
        ("an outlier of 100", 100.0),
        "m forgets it in some ten steps, v in a hundred: meanwhile the quotient is small.",
        ("an outlier of 1,000", 1000.0),
        "v begins 100 times as high as with 100, and falls by 5 % a step.",
        ("an outlier of 10,000", 10_000.0),
        "Take as many steps after the outlier as the text says, 1,000.",
    ),
    hidden=probes(
        ("another outlier", 300.0),
        "Let AdamW run for every outlier, and count.",
        ("another outlier", 5000.0),
        "Let AdamW run for every outlier, and count.",
    ),
)


def lengths(outlier, betas=(0.9, 0.95), before=300, after=1000, root=math.sqrt):
    """The length of each step, with one thing changed."""
    m = v = 0.0
    for t, g in enumerate([1.0] * before + [outlier] + [1.0] * after, start=1):
        m, v = betas[0] * m + (1 - betas[0]) * g, betas[1] * v + (1 - betas[1]) * g**2
        yield m / (1 - betas[0] ** t) / (root(v / (1 - betas[1] ** t)) + 1e-8)


def slow(steps, limit=0.5):
    """How many of the steps are short."""
    return sum(step < limit for step in steps)


exercise.add_mistakes(
    "with gradients of 1 every step is a whole rate long, so none is short. Do you count the long ones? Or the places, "
    "or steps with their sign, which is negative? Compare lengths.",
    lambda outlier: 1001 - slow_steps(outlier),
    "with gradients of 1 every step is a whole rate long, so none is short. Do you count the long ones? Or the places, "
    "or steps with their sign, which is negative? Compare lengths.",
    lambda outlier: 1001,
    "this is plain gradient descent, where no step ever is shorter. AdamW divides by the root of v.",
    lambda outlier: int(outlier < 0.5),
    "the betas are those that torch takes by default, 0.9 and 0.999. Set betas=(0.9, 0.95).",
    lambda outlier: slow(list(lengths(outlier, betas=(0.9, 0.999)))[300:]),
    "the betas are swapped: 0.9 belongs to the mean of the gradients, 0.95 to that of their squares.",
    lambda outlier: slow(list(lengths(outlier, betas=(0.95, 0.9)))[300:]),
    "the root is missing: m and v have different units.",
    lambda outlier: slow(list(lengths(outlier, root=lambda x: x))[300:]),
    "the step with the outlier itself is missing: it is shorter than half the rate, too.",
    lambda outlier: slow(list(lengths(outlier))[301:]),
    "you stopped too early: 1,000 gradients of 1 come after the outlier.",
    lambda outlier: slow(list(lengths(outlier, after=100))[300:]),
    "half of what? A step is short if it is shorter than half the learning rate.",
    lambda outlier: slow(list(lengths(outlier))[300:], limit=0.05),
)
