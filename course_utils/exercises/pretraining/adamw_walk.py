"""AdamW followed by hand: where one weight goes, gradient by gradient."""

import math

from course_utils.exercises.core import Exercise, probes


def adamw_walk(gradients: list[float], rate: float) -> list[float]:
    """Return where a weight stands after each step of AdamW: from 0, betas 0.9 and 0.95, no weight decay.

    Args:
        gradients: the gradient at each step.
        rate: the learning rate.
    """
    m = v = weight = 0.0
    places = []
    for t, g in enumerate(gradients, start=1):
        m = 0.9 * m + 0.1 * g
        v = 0.95 * v + 0.05 * g**2
        weight -= rate * (m / (1 - 0.9**t)) / (math.sqrt(v / (1 - 0.95**t)) + 1e-8)
        places.append(weight)
    return places


exercise = Exercise(
    adamw_walk,
    minutes=15,
    difficulty=2,
    shown="a step of AdamW hardly depends on how large the gradients are: signs that agree carry the weight a whole "
    "rate per step, signs that alternate leave it where it is.",
    hints=(
        "torch.optim.AdamW can move a parameter that holds a single 0: set its .grad by hand, then step.",
        "Give it lr=rate, betas=(0.9, 0.95) and weight_decay=0.0, whose default is another. After each step note "
        "where the weight is.",
        "By hand: m = 0.9 m + 0.1 g and v = 0.95 v + 0.05 g^2; divide them by 1 - 0.9^t and 1 - 0.95^t, where t is 1 "
        "in the first step; the weight loses rate * m / (sqrt(v) + 1e-8).",
    ),
    probes=probes(
        ("one gradient", [1.0], 0.1),
        "The first step goes against the gradient, by the whole rate: [-0.1].",
        ("a gradient 1,000 times as large", [1000.0], 0.1),
        "The first step is the whole rate again, for m is divided by the root of v.",
        ("three that agree", [2.0, 2.0, 2.0], 0.1),
        "A whole rate for each step; return all three places.",
        ("signs that alternate", [1.0, -1.0, 1.0, -1.0], 0.1),
        "m is a running mean with weights 0.9 and 0.1: opposite signs nearly cancel in it.",
        ("an outlier", [1.0, 1.0, 100.0, 1.0, 1.0, 1.0], 0.1),
        "v is a running mean of squares with weights 0.95 and 0.05: it remembers the outlier longer than m does.",
        ("a gradient that stops", [1.0, 0.0, 0.0], 0.1),
        "The weight goes on by itself for a while: m is not 0 yet.",
        ("no gradient at all", [0.0], 0.1),
        "Nothing moves, and 0 / 0 must not happen: that is what the 1e-8 is for.",
        ("no step", [], 0.1),
        "There is no place to return: [].",
    ),
    hidden=probes(
        ("eight steps at another rate", [math.sin(3.0 * t) * (1 + t) for t in range(8)], 0.03),
        "Follow m, v and the weight for as many steps as there are gradients.",
    ),
)


def walk(gradients, rate, betas=(0.9, 0.95), corrected=(True, True), root=math.sqrt, decay=0.0, start=0.0):
    """AdamW with one thing changed."""
    m = v = 0.0
    weight, places = start, []
    for t, g in enumerate(gradients, start=1):
        m, v = betas[0] * m + (1 - betas[0]) * g, betas[1] * v + (1 - betas[1]) * g**2
        m_hat = m / (1 - betas[0] ** t) if corrected[0] else m
        v_hat = v / (1 - betas[1] ** t) if corrected[1] else v
        weight -= rate * (m_hat / (root(v_hat) + 1e-8) + decay * weight)
        places.append(weight)
    return places


def moves(places):
    """The difference of each place to the one before it."""
    return [b - a for a, b in zip([0.0, *places], places, strict=False)]


def descent(gradients, rate):
    """Plain gradient descent."""
    return [-rate * sum(gradients[: t + 1]) for t in range(len(gradients))]


exercise.add_mistakes(
    "this is plain gradient descent. AdamW divides a running mean by the root of a mean of squares.",
    descent,
    "the weight climbs: a step goes against the gradient.",
    lambda gradients, rate: [-place for place in adamw_walk(gradients, rate)],
    "these are the steps. Return the places: each is the one before it plus the step.",
    lambda gradients, rate: moves(adamw_walk(gradients, rate)),
    "only the last place is there. Note the place after each step.",
    lambda gradients, rate: adamw_walk(gradients, rate)[-1:],
    "the place before the first step is there too. Begin with the place after it.",
    lambda gradients, rate: [0.0, *adamw_walk(gradients, rate)],
    "neither mean is corrected: both begin at 0 and are too small at first. Divide by 1 - beta^t.",
    lambda gradients, rate: walk(gradients, rate, corrected=(False, False)),
    "m isn't corrected: it begins at 0 and is too small at first. Divide it by 1 - 0.9^t.",
    lambda gradients, rate: walk(gradients, rate, corrected=(False, True)),
    "v isn't corrected: it begins at 0 and is too small at first, so the steps are too large. Divide by 1 - 0.95^t.",
    lambda gradients, rate: walk(gradients, rate, corrected=(True, False)),
    "the root is missing: m and v have different units, and a larger gradient would move the weight less.",
    lambda gradients, rate: walk(gradients, rate, root=lambda x: x),
    "there is weight decay in it, as torch.optim.AdamW has by default (0.01). Set weight_decay=0.0.",
    lambda gradients, rate: walk(gradients, rate, decay=0.01),
    "the betas are those that torch takes by default, 0.9 and 0.999. Set betas=(0.9, 0.95).",
    lambda gradients, rate: walk(gradients, rate, betas=(0.9, 0.999)),
    "the betas are swapped: 0.9 belongs to the mean of the gradients, 0.95 to that of their squares.",
    lambda gradients, rate: walk(gradients, rate, betas=(0.95, 0.9)),
    "only the sign of each gradient counts here. AdamW takes running means of the gradients.",
    lambda gradients, rate: descent([math.copysign(1.0, g) if g else 0.0 for g in gradients], rate),
)
