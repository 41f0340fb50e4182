"""The gap to the floor in two parts: what is lost to impossible texts, and what is lost among the possible ones."""

import math

from course_utils.exercises.core import Exercise, probes


def split_gap(truth: dict[str, float], model: dict[str, float]) -> tuple[float, float]:
    """Return the bits that a model loses to impossible texts, and those that it loses among the possible ones.

    Args:
        truth: text -> its probability in the world; a text that is missing, or has 0, is impossible.
        model: text -> the probability that the model gives it; it gives 0 to what is missing.

    Returns:
        Two numbers of bits that sum to the mean of log2 truth - log2 model; infinity where the model rules out a text
        that comes.
    """
    possible = [text for text, p in truth.items() if p > 0]
    share = sum(model.get(text, 0.0) for text in possible)
    if share == 0:
        return math.inf, 0.0
    if any(model.get(text, 0.0) == 0 for text in possible):
        return -math.log2(share) + 0.0, math.inf  # adding 0 turns -0 into 0
    return -math.log2(share) + 0.0, sum(truth[text] * math.log2(truth[text] * share / model[text]) for text in possible)


exercise = Exercise(
    split_gap,
    minutes=25,
    difficulty=3,
    shown="the gap is -log2 of the share that is possible, plus the divergence from the model's own possible texts.",
    hints=(
        "Add up what the model gives to the possible texts: its possible share s. The first number is -log2 s.",
        "Divide the model's probabilities of possible texts by s, so that they sum to 1. The second number compares "
        "truth with these: the sum of p log2(p / (q / s)).",
        "s = sum(model.get(text, 0) for text in truth if truth[text] > 0). If s is 0, return (inf, 0.0); if one "
        "possible text has q = 0, the second number is infinite.",
    ),
    probes=probes(
        ("a perfect model", {"a": 0.5, "b": 0.5}, {"a": 0.5, "b": 0.5}),
        "No gap: (0, 0).",
        ("half of it impossible", {"a": 0.5, "b": 0.5}, {"a": 0.25, "b": 0.25, "z": 0.5}),
        "Among the possible texts the model is right; the half that it gives to z costs one bit: (1, 0).",
        ("all of it possible", {"a": 0.5, "b": 0.5}, {"a": 0.25, "b": 0.75}),
        "Nothing is lost to impossible texts; the rest is the divergence, in the order truth from model: (0, 0.2075).",
        ("both", {"a": 0.75, "b": 0.25}, {"a": 0.25, "b": 0.25, "z": 0.5}),
        "Divide the model's probabilities of a and b by their sum first: (1, 0.1887).",
        ("an impossible text in truth", {"a": 1.0, "z": 0.0}, {"a": 0.25, "z": 0.75}),
        "z stands there with 0: it is impossible, and 0 log 0 is 0.",
        ("a text ruled out", {"a": 0.5, "b": 0.5}, {"a": 1.0}),
        "b comes half of the time, and the model never expects it: (0, infinity).",
        ("nothing possible", {"a": 1.0}, {"z": 1.0}),
        "The possible share is 0: (infinity, 0).",
    ),
    hidden=probes(
        (
            "four texts and two impossible ones",
            {"a": 0.4, "b": 0.3, "c": 0.2, "d": 0.1},
            {"a": 0.3, "b": 0.1, "c": 0.3, "d": 0.05, "y": 0.15, "z": 0.1},
        ),
        "The share first, then the divergence from what is left of the model.",
    ),
)


def parts(truth, model, log=math.log2, swapped=False):
    """The two numbers for models that give something to each possible text; `swapped` turns the divergence round."""
    share = sum(model.get(text, 0.0) for text, p in truth.items() if p > 0)
    pairs = [(p, model[text] / share) for text, p in truth.items() if p > 0]
    rest = sum(q * log(q / p) for p, q in pairs) if swapped else sum(p * log(p / q) for p, q in pairs)
    return -log(share), rest


exercise.add_mistakes(
    "the second number is the whole gap. Divide the model's probabilities by the possible share first.",
    lambda truth, model: (parts(truth, model)[0], sum(parts(truth, model))),
    "the two numbers are swapped: what impossible texts cost comes first.",
    lambda truth, model: parts(truth, model)[::-1],
    "these are nats. Take log2.",
    lambda truth, model: parts(truth, model, math.log),
    "the divergence is the wrong way round: weigh with the truth, which decides what comes.",
    lambda truth, model: parts(truth, model, swapped=True),
    "the first number is the share of impossible texts. What they cost in bits is -log2 of the share that is left.",
    lambda truth, model: (1 - 2 ** -parts(truth, model)[0], parts(truth, model)[1]),
    "the first number is -log2 of the impossible share. Take the possible one.",
    lambda truth, model: (-math.log2(max(1 - 2 ** -parts(truth, model)[0], 1e-12)), parts(truth, model)[1]),
    "the sign of the first number is wrong: a share below 1 costs bits.",
    lambda truth, model: (-parts(truth, model)[0], parts(truth, model)[1]),
)
